/** What a deployment left on disk: Ignition's journal, read into the record of addresses that the programs use. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { getAddress } from "ethers";
import { type Address, type Deployment, parseDeployment } from "../sdk/src/deployment.ts";
import { DeployError } from "./errors.ts";
import { ALT, BTC, ETH, PRICE_IDS } from "./markets.ts";
import type { DeploymentSettings } from "./parameters.ts";

const folder = (network: string) => path.resolve(import.meta.dirname, "deployments", network);
const recordFile = (network: string) => path.resolve(import.meta.dirname, "addresses", `${network}.json`);
const genesisFile = (network: string) => path.join(folder(network), "genesis");

/** Hash of the first block of the chain that the journal is about. */
export const readGenesis = (network: string): string | undefined =>
  existsSync(genesisFile(network)) ? readFileSync(genesisFile(network), "utf8").trim() : undefined;

export async function writeGenesis(network: string, hash: string): Promise<void> {
  await mkdir(folder(network), { recursive: true });
  await writeFile(genesisFile(network), `${hash}\n`);
}

export const forget = (network: string): Promise<void> => rm(folder(network), { recursive: true, force: true });

export const hasJournal = (network: string): boolean => existsSync(path.join(folder(network), "journal.jsonl"));

/** Names of Ignition's futures, `Module#Contract`, with where they are. */
function deployedAddresses(network: string): Record<string, string> {
  const file = path.join(folder(network), "deployed_addresses.json");
  if (!existsSync(file))
    throw new DeployError(`Nothing is deployed to ${network}: there is no ${path.relative(process.cwd(), file)}.`);
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>; // Ignition's own file
}

interface Journal {
  readonly chainId: number;
  readonly deployer: string;
  readonly startBlock: number;
}

function readJournal(network: string): Journal {
  let chainId = 0;
  let deployer = "";
  let startBlock = Number.POSITIVE_INFINITY;
  for (const line of readFileSync(path.join(folder(network), "journal.jsonl"), "utf8").split("\n")) {
    if (line === "") continue;
    const message: { type?: string; chainId?: number; from?: string; receipt?: { blockNumber: number } } = JSON.parse(line);
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
export function buildRecord(settings: DeploymentSettings): Deployment {
  const { network, sources, alt } = settings;
  const addresses = deployedAddresses(network);
  const at = (future: string): Address => {
    const found = addresses[future];
    if (found === undefined)
      throw new DeployError(`The deployment to ${network} is not complete: ${future} is missing. Run npm run deploy again.`);
    return getAddress(found) as Address;
  };
  const given = (value: string | undefined, double: string) => (value === undefined ? at(double) : (value as Address));
  const { chainId, deployer, startBlock } = readJournal(network);
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

/** Writes deploy/addresses/NETWORK.json and returns its path. */
export async function writeRecord(deployment: Deployment): Promise<string> {
  const file = recordFile(deployment.network);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(deployment, null, 2)}\n`);
  return file;
}

export async function readRecord(network: string): Promise<Deployment> {
  const file = recordFile(network);
  const shown = path.relative(process.cwd(), file);
  if (!existsSync(file)) throw new DeployError(`There is no ${shown}: deploy to ${network} first.`);
  try {
    return parseDeployment(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new DeployError(`${shown} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
