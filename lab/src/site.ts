/** The contracts of one drill on one chain, and how to speak to them. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { ZeroAddress, ZeroHash } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { ETH, type MarketConfig } from "../../deploy/markets.ts";
import { localModule } from "../../deploy/modules/Local.ts";
import { type Deployment, parseDeployment } from "../../sdk/src/deployment.ts";
import {
  BackstopPool__factory,
  CapitalStack__factory,
  Exchange__factory,
  IBackstopAMM__factory,
  IMarginEngine__factory,
  LedgerProbe__factory,
  MarginEngine__factory,
  MockAggregator__factory,
  MockToken__factory,
} from "../../typechain-types/index.js";
import { type Chain, createChain } from "./chain.ts";

export const MARKET = 0;
const DECIMALS = 6;
export const TOKEN_UNIT = 10n ** BigInt(12 - DECIMALS); // {u/token} S
/** System accounts of the ledger that the market uses: its inventory, the fees and what claims have been paid. */
export const INVENTORY = BigInt(MARKET);
export const FEES = 64n;
export const CLAIMS = 65n;

const DEPLOYMENTS = path.resolve(import.meta.dirname, "../../deploy/deployments");

export const abi = {
  amm: IBackstopAMM__factory.createInterface(),
  engine: IMarginEngine__factory.createInterface(),
  exchange: Exchange__factory.createInterface(),
  feed: MockAggregator__factory.createInterface(),
  multicall: MarginEngine__factory.createInterface(),
  pool: BackstopPool__factory.createInterface(),
  probe: LedgerProbe__factory.createInterface(),
  stack: CapitalStack__factory.createInterface(),
  token: MockToken__factory.createInterface(),
};

type Name = Exclude<keyof typeof abi, "multicall" | "pool" | "probe"> | "junior" | "senior";

/** A deployment with a market of which the feed is a double. */
export interface Site {
  readonly chain: Chain;
  readonly addresses: Readonly<Record<Name, string>>;
  /** Publishes prices and pays margin in for others. */
  readonly operator: string;
}

/** A site of which the whole ledger can be read in one call. */
export interface DrillSite extends Site {
  readonly addresses: Readonly<Record<Name | "probe", string>>;
  /** As a program is told of it. */
  readonly deployment: Deployment;
}

/** One print here is what a feed tells in five minutes. */
const CONFIG: MarketConfig = { ...ETH, feed: { ...ETH.feed, jumpBps: 5_000 } };

/**
 * @param price {1e-8 USD} first answer of the feed
 * @param step {s} of {@link createChain}
 */
export async function deploySite(
  connection: NetworkConnection,
  operator: string,
  price: bigint,
  step?: number,
): Promise<DrillSite> {
  const deployed = await deploy(connection, price);
  const at = async (name: string) => {
    const contract = deployed[name];
    if (contract === undefined) throw new Error(`The module deployed no ${name}`);
    return contract.getAddress();
  };
  const probe = await connection.ethers.deployContract("LedgerProbe");
  const addresses = {
    amm: await at("amm"),
    engine: await at("engine"),
    exchange: await at("exchange"),
    feed: await at("feed0"),
    junior: await at("junior"),
    probe: await probe.getAddress(),
    senior: await at("senior"),
    stack: await at("stack"),
    token: await at("token"),
  };
  const chain = await createChain(connection.provider, step);
  const { feed, token, engine, stack, junior, senior, exchange, amm } = addresses;
  const others = { manager: await at("manager"), oracle: await at("oracle"), risk: await at("risk") };
  const deployment = parseDeployment({
    ...{ network: "drill", chainId: Number(await chain.request("eth_chainId", [])), startBlock: 0, deployer: operator },
    contracts: { token, engine, stack, junior, senior, exchange, amm, ...others },
    ...{ timelock: null, pyth: ZeroAddress, libraries: {} },
    markets: [{ index: MARKET, name: CONFIG.name, feed, priceId: ZeroHash }],
  });
  return { chain, addresses, operator, deployment };
}

/** On a node Ignition resumes what it has a record of, but a drill starts afresh: a record of its own, thrown away. */
async function deploy(
  { ignition }: NetworkConnection,
  price: bigint,
): Promise<Record<string, { getAddress(): Promise<string> }>> {
  const deploymentId = `drill-${randomUUID()}`;
  try {
    const module = localModule({ decimals: DECIMALS, markets: [{ config: CONFIG, answer: price }] });
    return await ignition.deploy(module, { deploymentId });
  } finally {
    await rm(path.join(DEPLOYMENTS, deploymentId), { recursive: true, force: true });
  }
}

/** Sets the feed. @param price {1e-8 USD} */
export const answer = ({ chain, addresses, operator }: Site, price: bigint): Promise<void> =>
  chain.send(operator, addresses.feed, abi.feed.encodeFunctionData("setAnswer", [price]));

/** Lets the engine see the feed. */
export const sync = ({ chain, addresses, operator }: Site): Promise<void> =>
  chain.send(operator, addresses.engine, abi.engine.encodeFunctionData("sync", [MARKET]));

/** Sets the feed and lets the engine see it. @param price {1e-8 USD} */
export async function publish(site: Site, price: bigint): Promise<void> {
  await answer(site, price);
  await sync(site);
}

/** The margin account of the providers' curve. */
export async function curveAccount({ chain, addresses }: Pick<Site, "chain" | "addresses">): Promise<bigint> {
  const call = abi.amm.encodeFunctionData("accountOf", [MARKET]);
  const [account] = abi.amm.decodeFunctionResult("accountOf", await chain.call(addresses.amm, call));
  return account;
}

/** Of the engine's record of the market. */
export interface MarketRecord {
  readonly price: bigint; // {u/lot}
  readonly openInterest: bigint; // {lot}
  readonly indexLong: bigint; // {u/lot}
  readonly indexShort: bigint; // {u/lot}
  readonly level: bigint;
  readonly syncedAt: bigint; // {s}
}

export async function readMarket({ chain, addresses }: Site): Promise<MarketRecord> {
  const call = abi.engine.encodeFunctionData("markets", [MARKET]);
  const [market] = abi.engine.decodeFunctionResult("markets", await chain.call(addresses.engine, call));
  return market;
}
