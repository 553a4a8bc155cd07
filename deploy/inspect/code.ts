/** The code at every address is what this repository builds, with our libraries linked; immutables are read back elsewhere. */
import type { JsonRpcProvider } from "ethers";
import { getBytes, hexlify } from "ethers";
import { artifacts } from "hardhat";
import type { Deployment } from "../../sdk/src/deployment.ts";
import type { Report } from "./report.ts";

const ARTIFACTS = {
  manager: "@openzeppelin/contracts/access/manager/AccessManager.sol:AccessManager",
  oracle: "Oracle",
  engine: "MarginEngine",
  stack: "CapitalStack",
  junior: "BackstopPool",
  senior: "BackstopPool",
  exchange: "Exchange",
  risk: "RiskEngine",
  amm: "BackstopAMM",
} as const;
const TIMELOCK = "@openzeppelin/contracts/governance/TimelockController.sol:TimelockController";

interface Place {
  readonly start: number;
  readonly length: number;
}
type Links = Readonly<Record<string, Readonly<Record<string, readonly Place[]>>>>;

/** Whether everything has code at all: without it nothing else can be read. */
export async function checkCode(report: Report, provider: JsonRpcProvider, deployment: Deployment): Promise<boolean> {
  const { contracts, libraries, markets, pyth, timelock } = deployment;
  const foreign = {
    token: contracts.token,
    pyth,
    ...Object.fromEntries(markets.map(({ name, feed }) => [`the ${name} feed`, feed])),
  };
  let isThere = true;
  for (const [name, at] of Object.entries(foreign)) {
    const found = (await provider.getCode(at)) !== "0x";
    report.require(found, `There is no contract at ${at}, where ${name} should be.`);
    isThere &&= found;
  }
  const ours: [name: string, at: string, artifact: string][] = [
    ...Object.entries(ARTIFACTS).map(([name, artifact]): [string, string, string] => [
      name,
      contracts[name as keyof typeof ARTIFACTS],
      artifact,
    ]),
    ...Object.entries(libraries).map(([name, at]): [string, string, string] => [name, at, name]),
    ...(timelock === null ? [] : [["timelock", timelock, TIMELOCK] as [string, string, string]]),
  ];
  for (const [name, at, artifactName] of ours) {
    const code = await provider.getCode(at);
    if (code === "0x") {
      isThere = false;
      report.require(false, `There is no contract at ${at}, where ${name} should be.`);
      continue;
    }
    const artifact = await artifacts.readArtifact(artifactName);
    const links = (artifact.deployedLinkReferences ?? {}) as Links;
    const immutables = (artifact.immutableReferences ?? {}) as Readonly<Record<string, readonly Place[]>>;
    const difference = compareCode(code, artifact.deployedBytecode, Object.values(immutables).flat(), links, libraries);
    report.require(
      difference === undefined,
      `The code of ${name} at ${at} is not what this repository builds: ${difference}.`,
    );
  }
  return isThere;
}

/** Undefined when equal. */
export function compareCode(
  code: string,
  built: string,
  immutables: readonly Place[],
  links: Links,
  libraries: Readonly<Record<string, string>>,
): string | undefined {
  const text = built.replaceAll(/__\$[0-9a-fA-F]{34}\$__/g, "0".repeat(40)); // places of libraries
  const expected = getBytes(text);
  const actual = getBytes(code);
  if (expected.length !== actual.length) return `it has ${actual.length} bytes; expected ${expected.length}`;
  for (const { start, length } of immutables) {
    expected.fill(0, start, start + length);
    actual.fill(0, start, start + length);
  }
  for (const [library, places] of Object.values(links).flatMap((file) => Object.entries(file))) {
    const at = libraries[library];
    for (const { start, length } of places) {
      const linked = hexlify(actual.slice(start, start + length));
      if (at === undefined || linked !== at.toLowerCase()) return `it calls ${library} at ${linked}; expected ${at}`;
      actual.fill(0, start, start + length);
    }
  }
  const byte = expected.findIndex((value, i) => value !== actual[i]);
  return byte < 0 ? undefined : `it differs from byte ${byte} on`;
}
