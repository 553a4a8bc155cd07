/** What a deployment left on disk: Ignition's journal, read into the record of addresses that the programs use. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { getAddress } from "ethers";
import { type Address, type Deployment, parseDeployment } from "../sdk/src/deployment.ts";
import { DeployError } from "./errors.ts";
import { ALT, BTC, ETH, PRICE_IDS } from "./markets.ts";
import type { DeploymentSettings } from "./parameters.ts";

// A deployment's id is the name of its network, unless there are several to one network.
const folder = (id: string) => path.resolve(import.meta.dirname, "deployments", id);
const recordFile = (id: string) => path.resolve(import.meta.dirname, "addresses", `${id}.json`);
const genesisFile = (id: string) => path.join(folder(id), "genesis");

/** Hash of the first block of the chain that the journal is about. */
export const readGenesis = (id: string): string | undefined =>
  existsSync(genesisFile(id)) ? readFileSync(genesisFile(id), "utf8").trim() : undefined;

export async function writeGenesis(id: string, hash: string): Promise<void> {
  await mkdir(folder(id), { recursive: true });
  await writeFile(genesisFile(id), `${hash}\n`);
}

export const forget = (id: string): Promise<void> => rm(folder(id), { recursive: true, force: true });

export const hasJournal = (id: string): boolean => existsSync(path.join(folder(id), "journal.jsonl"));

/** Names of Ignition's futures, `Module#Contract`, with where they are. */
export function deployedAddresses(id: string): Record<string, string> {
  const file = path.join(folder(id), "deployed_addresses.json");
  if (!existsSync(file))
    throw new DeployError(`Nothing is deployed to ${id}: there is no ${path.relative(process.cwd(), file)}.`);
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>; // Ignition's own file
}

interface Journal {
  readonly chainId: number;
  readonly deployer: string;
  readonly startBlock: number;
}

function readJournal(id: string): Journal {
  let chainId = 0;
  let deployer = "";
  let startBlock = Number.POSITIVE_INFINITY;
  for (const line of readFileSync(path.join(folder(id), "journal.jsonl"), "utf8").split("\n")) {
    if (line === "") continue;
    const message: { type?: string; chainId?: number; from?: string; receipt?: { blockNumber: number } } =
      JSON.parse(line);
    if (message.type === "DEPLOYMENT_INITIALIZE") chainId = message.chainId ?? 0;
    if (message.type === "DEPLOYMENT_EXECUTION_STATE_INITIALIZE") deployer = message.from ?? deployer;
    if (message.type === "TRANSACTION_CONFIRM")
      startBlock = Math.min(startBlock, message.receipt?.blockNumber ?? startBlock);
  }
  return { chainId, deployer, startBlock };
}

const FUTURES = {
  manager: "Backstop#AccessManager",
  oracle: "Backstop#Oracle",
  engine: "Backstop#MarginEngine",
  stack: "Backstop#CapitalStack",
  junior: "Backstop#junior",
  senior: "Backstop#senior",
  exchange: "Backstop#Exchange",
  risk: "Backstop#RiskEngine",
  amm: "Backstop#BackstopAMM",
} as const;

/** From the journal and the parameters of the network. */
export function buildRecord(id: string, settings: DeploymentSettings): Deployment {
  const { network, sources, alt } = settings;
  const addresses = deployedAddresses(id);
  const at = (future: string): Address => {
    const found = addresses[future];
    if (found === undefined)
      throw new DeployError(`The deployment to ${id} is not complete: ${future} is missing. Run npm run deploy again.`);
    return getAddress(found) as Address;
  };
  const given = (value: string | undefined, double: string) => (value === undefined ? at(double) : (value as Address));
  const { chainId, deployer, startBlock } = readJournal(id);
  const contracts = Object.fromEntries(Object.entries(FUTURES).map(([name, future]) => [name, at(future)]));
  const libraries = Object.entries(addresses)
    .filter(([future]) => /^Backstop#\w+Lib$/.test(future))
    .map(([future, address]) => [future.replace("Backstop#", ""), getAddress(address)]);
  const markets = [
    { index: 0, name: ETH.name, feed: given(sources?.ethUsdFeed, "Doubles#EthUsd"), priceId: PRICE_IDS.ETH },
    { index: 1, name: BTC.name, feed: given(sources?.btcUsdFeed, "Doubles#BtcUsd"), priceId: PRICE_IDS.BTC },
    ...(alt === undefined
      ? []
      : [{ index: 2, name: ALT.name, feed: given(alt.feed, "Doubles#AltUsd"), priceId: alt.priceId }]),
  ];
  const timelock = addresses["Timelock#TimelockController"];
  return parseDeployment({
    network,
    chainId,
    startBlock,
    deployer: getAddress(deployer),
    contracts: { token: given(sources?.token, "Doubles#MockToken"), ...contracts },
    timelock: timelock === undefined ? null : getAddress(timelock),
    pyth: given(sources?.pyth, "Doubles#MockPyth"),
    libraries: Object.fromEntries(libraries.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))),
    markets,
  });
}

/** Writes deploy/addresses/ID.json and returns its path. */
export async function writeRecord(id: string, deployment: Deployment): Promise<string> {
  const file = recordFile(id);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(deployment, null, 2)}\n`);
  return file;
}

export async function readRecord(id: string): Promise<Deployment> {
  const file = recordFile(id);
  const shown = path.relative(process.cwd(), file);
  if (!existsSync(file)) throw new DeployError(`There is no ${shown}: deploy to ${id} first.`);
  try {
    return parseDeployment(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new DeployError(`${shown} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
