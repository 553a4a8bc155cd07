/** Morpho Blue, compiled from its npm package with its own settings. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { type BaseContract, ContractFactory, type InterfaceAbi, type Signer } from "ethers";

const PACKAGE = "@morpho-org/morpho-blue";
const SETTINGS = {
  viaIR: true,
  optimizer: { enabled: true, runs: 999_999 },
  evmVersion: "paris",
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

const require = createRequire(import.meta.url);
const root = path.dirname(require.resolve(`${PACKAGE}/package.json`));

export interface MorphoMarket {
  readonly loanToken: string;
  readonly collateralToken: string;
  readonly oracle: string;
  readonly irm: string;
  readonly lltv: bigint;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
}

/** A market on `token`, with the package's own interest-rate mock. Nobody borrows, so neither oracle nor collateral is asked. */
export async function deployMorpho(
  owner: Signer,
  token: string,
): Promise<{ morpho: BaseContract; market: MorphoMarket }> {
  const [morphoFile, irmFile] = ["src/Morpho.sol", "src/mocks/IrmMock.sol"];
  const output = compile([morphoFile, irmFile]);
  const deploy = async (file: string, name: string, ...args: readonly string[]) => {
    const built = output.contracts?.[file]?.[name];
    if (built === undefined) throw new Error(`${PACKAGE} has no ${name}`);
    const contract = await new ContractFactory(built.abi, built.evm.bytecode.object, owner).deploy(...args);
    return contract.waitForDeployment();
  };

  const irm = await (await deploy(irmFile, "IrmMock")).getAddress();
  const morpho = await deploy(morphoFile, "Morpho", await owner.getAddress());
  const market = { loanToken: token, collateralToken: token, oracle: irm, irm, lltv: 8n * 10n ** 17n };
  for (const [name, argument] of [
    ["enableIrm", irm],
    ["enableLltv", market.lltv],
    ["createMarket", market],
  ] as const)
    await (await morpho.getFunction(name).send(argument)).wait();
  return { morpho, market };
}

/** With the compiler that is installed: the one version the source insists on is widened, and nothing else is changed. */
function compile(files: readonly string[]): Output {
  const read = (file: string) => readFileSync(path.join(root, file), "utf8");
  const widened = (file: string) => read(file).replace("pragma solidity 0.8.19;", "pragma solidity ^0.8.19;");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [file, { content: widened(file) }])),
    settings: SETTINGS,
  };
  const imported = (file: string) => ({ contents: read(file) });
  const output: Output = JSON.parse(require("solc").compile(JSON.stringify(input), { import: imported }));
  const failed = output.errors?.find(({ severity }) => severity === "error");
  if (failed !== undefined) throw new Error(`${PACKAGE} does not compile: ${failed.formattedMessage}`);
  return output;
}
