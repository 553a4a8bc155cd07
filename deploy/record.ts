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

/**
 * Ignition's steps that were begun and came to nothing: refused before they were sent, or reverted. Forgotten, they are tried
 * again with what the parameters say now; kept, their old arguments would stop every later run.
 */
export function failedSteps(id: string): string[] {
  if (!hasJournal(id)) return [];
  const failed = new Set<string>();
  for (const { type = "", futureId = "", result } of messagesOf(id)) {
    if (/^(?:DEPLOYMENT|CALL|SEND_DATA)_EXECUTION_STATE_INITIALIZE$/.test(type)) failed.add(futureId);
    if (type === "TRANSACTION_PREPARE_SEND" || type === "WIPE_APPLY" || result?.type === "SUCCESS")
      failed.delete(futureId);
    if (type.endsWith("_EXECUTION_STATE_COMPLETE") && result?.type !== "SUCCESS") failed.add(futureId);
  }
  return [...failed];
}

/** Whether a module has begun: then every later run has to bring it to its end. */
export const hasBegun = (id: string, module: string): boolean =>
  hasJournal(id) && messagesOf(id).some(({ futureId }) => futureId?.startsWith(`${module}#`) === true);

const DOUBLES = {
  token: "Doubles#MockToken",
  ethUsdFeed: "Doubles#EthUsd",
  btcUsdFeed: "Doubles#BtcUsd",
  altUsdFeed: "Doubles#AltUsd",
  pyth: "Doubles#MockPyth",
} as const;

/** The doubles of an earlier run, if it got as far as all of them. */
export function readDoubles(id: string): Record<string, string> | undefined {
  if (!existsSync(path.join(folder(id), "deployed_addresses.json"))) return undefined;
  const addresses = deployedAddresses(id);
  const found = Object.entries(DOUBLES).map(([name, future]) => [name, addresses[future]] as const);
  return found.some(([, at]) => at === undefined) ? undefined : (Object.fromEntries(found) as Record<string, string>);
}

interface Message {
  readonly type?: string;
  readonly futureId?: string;
  readonly chainId?: number;
  readonly from?: string;
  readonly receipt?: { readonly blockNumber: number };
  readonly result?: { readonly type: string };
}

const messagesOf = (id: string): Message[] =>
  readFileSync(path.join(folder(id), "journal.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

interface Journal {
  readonly chainId: number;
  readonly deployer: string;
  readonly startBlock: number;
}

function readJournal(id: string): Journal {
  let chainId = 0;
  let deployer = "";
  let startBlock = Number.POSITIVE_INFINITY;
  for (const message of messagesOf(id)) {
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
    { index: 0, name: ETH.name, feed: given(sources?.ethUsdFeed, DOUBLES.ethUsdFeed), priceId: PRICE_IDS.ETH },
    { index: 1, name: BTC.name, feed: given(sources?.btcUsdFeed, DOUBLES.btcUsdFeed), priceId: PRICE_IDS.BTC },
    ...(alt === undefined
      ? []
      : [{ index: 2, name: ALT.name, feed: given(alt.feed, DOUBLES.altUsdFeed), priceId: alt.priceId }]),
  ];
  const timelock = addresses["Timelock#TimelockController"];
  return parseDeployment({
    network,
    chainId,
    startBlock,
    deployer: getAddress(deployer),
    contracts: { token: given(sources?.token, DOUBLES.token), ...contracts },
    timelock: timelock === undefined ? null : getAddress(timelock),
    pyth: given(sources?.pyth, DOUBLES.pyth),
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
