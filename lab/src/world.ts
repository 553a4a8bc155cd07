/** Deploys Backstop, brings stakers, makers, traders and a keeper to it, and opens their positions through signed orders. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { keccak256, type Signer, toUtf8Bytes, Wallet } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { ETH } from "../../deploy/markets.ts";
import { localModule } from "../../deploy/modules/Local.ts";
import { domainOf, type MatchFields, matchOf, nonceOf, orderOf } from "../../test/helpers/orders.ts";
import {
  BackstopPool__factory,
  Exchange__factory,
  IMarginEngine__factory,
  LedgerProbe__factory,
  MockAggregator__factory,
  MockToken__factory,
} from "../../typechain-types/index.js";
import { type Chain, createChain } from "./chain.ts";
import { populate } from "./population.ts";
import type { Settings } from "./settings.ts";
import { USD } from "./units.ts";

export const MARKET = 0;
const DECIMALS = 6;
export const TOKEN_UNIT = 10n ** BigInt(12 - DECIMALS); // {u/token} S
/** System accounts of the ledger that this market uses: its inventory and the fees. */
export const INVENTORY = BigInt(MARKET);
const FEES = 64n;

const DEPLOYMENTS = path.resolve(import.meta.dirname, "../../deploy/deployments");

const HOUR = 3_600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** From opening to the crash: long enough for a staker to leave in between. */
const LEAD = 8 * DAY;
const STAKERS = [50n, 30n, 20n]; // per cent of the pool
const KEEPER_CAPITAL = 500_000n; // {USD}
const PAIRS_PER_BATCH = 10;

export const abi = {
  engine: IMarginEngine__factory.createInterface(),
  exchange: Exchange__factory.createInterface(),
  feed: MockAggregator__factory.createInterface(),
  pool: BackstopPool__factory.createInterface(),
  probe: LedgerProbe__factory.createInterface(),
  token: MockToken__factory.createInterface(),
};

export interface Participant {
  readonly name: string;
  readonly account: bigint;
  readonly wallet: Pick<Signer, "signTypedData">;
}

export interface World {
  readonly chain: Chain;
  readonly addresses: Readonly<Record<"engine" | "exchange" | "feed" | "pool" | "probe" | "token", string>>;
  readonly operator: string;
  readonly keeperAddress: string;
  readonly keeper: Participant;
  readonly makers: readonly Participant[];
  readonly traders: readonly Participant[];
  /** Every account of the ledger, the system's included. */
  readonly accounts: readonly bigint[];
  /** Seconds at which the first bar opens. */
  readonly start: number;
  publish(price: bigint): Promise<void>;
  /** A signed pair at `price` {u/lot}, `lots` of it, the maker buying when `makerBuys`. */
  pair(maker: Participant, taker: Participant, makerBuys: boolean, lots: bigint, price: bigint): Promise<MatchFields>;
}

const accountOf = (owner: string) => BigInt(owner) << 96n;

/**
 * @param price {1e-8 USD} at which everybody opens; a lot of 1e-4 coin makes the same number {u/lot}
 * @param stayStaked false: the stakers leave between opening and crash, as anyone may, and the pool keeps its floor
 */
export async function createWorld(
  connection: NetworkConnection,
  settings: Settings,
  price: bigint,
  stayStaked: boolean,
): Promise<World> {
  const chain = await createChain(connection.provider);
  const { ethers } = connection;
  const deployed = await deploy(connection, price);
  const at = async (name: string) => {
    const contract = deployed[name];
    if (contract === undefined) throw new Error(`The module deployed no ${name}`);
    return contract.getAddress();
  };
  const [operator, , keeperSigner, ...stakerSigners] = await ethers.getSigners();
  if (operator === undefined || keeperSigner === undefined || stakerSigners.length < STAKERS.length)
    throw new Error("The drill needs a chain with unlocked accounts, such as `npx hardhat node`");
  const probe = await ethers.deployContract("LedgerProbe");
  const exchange = Exchange__factory.connect(await at("exchange"), operator);
  await domainOf(exchange);
  const addresses = {
    engine: await at("engine"),
    exchange: await at("exchange"),
    feed: await at("feed0"),
    pool: await at("pool"),
    probe: await probe.getAddress(),
    token: await at("token"),
  };

  const publish = async (answer: bigint) => {
    await chain.send(operator.address, addresses.feed, abi.feed.encodeFunctionData("setAnswer", [answer]));
    await chain.send(operator.address, addresses.engine, abi.engine.encodeFunctionData("sync", [MARKET]));
  };
  let sequence = 0n;
  const pair: World["pair"] = (maker, taker, makerBuys, lots, at) => {
    sequence += 1n;
    const order = ({ account }: Participant, size: bigint) =>
      orderOf({ account, lots: size, price: at, nonce: nonceOf(0n, sequence) });
    const signed = makerBuys ? lots : -lots;
    return matchOf(
      exchange,
      { order: order(maker, signed), signer: maker.wallet },
      { order: order(taker, -signed), signer: taker.wallet },
    );
  };

  // The pool's budgets run in aligned weeks: opening at the start of one makes a run independent of when it is started.
  const opening = Math.ceil((await chain.now()) / WEEK + 1) * WEEK;
  await chain.setNextTime(opening);
  await publish(price);

  const population = populate(settings.seed, settings.traders, price);
  const participants = <T extends { readonly name: string }>(people: readonly T[]) =>
    people.map((person) => {
      const wallet = new Wallet(keccak256(toUtf8Bytes(`backstop drill/${settings.seed}/${person.name}`)));
      return { ...person, wallet, account: accountOf(wallet.address) };
    });
  const traders = participants(population.traders);
  const makers = participants(population.makers);
  const keeper = { name: "keeper", account: accountOf(keeperSigner.address), wallet: keeperSigner };

  const stakes = STAKERS.map((percent, i) => {
    const signer = stakerSigners[i];
    if (signer === undefined) throw new Error("There are fewer unlocked accounts than stakers");
    return { staker: signer.address, amount: (BigInt(settings.pool) * USD * percent) / 100n / TOKEN_UNIT };
  });
  const site: Site = { chain, addresses, operator: operator.address };
  await stake(site, stakes);
  await publish(price); // the market may now grow as far as the stake allows

  const deposits = [...makers, ...traders, { account: keeper.account, deposit: KEEPER_CAPITAL * USD }];
  await fund(site, deposits);
  const pairs = traders.map(async (trader, i) => {
    const maker = makers[i % makers.length];
    if (maker === undefined) throw new Error("There is no market maker");
    return pair(maker, trader, trader.side === "short", trader.lots, price);
  });
  await settle(site, await Promise.all(pairs));

  if (!stayStaked) await requestExits(site, stakes);
  await chain.setNextTime(opening + LEAD);
  await publish(price);
  if (!stayStaked) await claimExits(site, stakes);

  return {
    ...site,
    keeperAddress: keeperSigner.address,
    keeper,
    makers,
    traders,
    accounts: [INVENTORY, FEES, keeper.account, ...[...makers, ...traders].map(({ account }) => account)],
    start: opening + LEAD + HOUR,
    publish,
    pair,
  };
}

/* STEPS OF THE SETTING-UP */

/** On a node Ignition resumes what it has a record of, but the drill always starts afresh: a record of its own, thrown away. */
async function deploy(
  { ignition }: NetworkConnection,
  price: bigint,
): Promise<Record<string, { getAddress(): Promise<string> }>> {
  const deploymentId = `drill-${randomUUID()}`;
  try {
    const module = localModule({ decimals: DECIMALS, markets: [{ config: ETH, answer: price }] });
    return await ignition.deploy(module, { deploymentId });
  } finally {
    await rm(path.join(DEPLOYMENTS, deploymentId), { recursive: true, force: true });
  }
}

type Site = Pick<World, "chain" | "addresses" | "operator">;
interface Stake {
  readonly staker: string;
  readonly amount: bigint; // {token}
}

const encodeMint = (to: string, amount: bigint) => abi.token.encodeFunctionData("mint", [to, amount]);
const encodeApprove = (spender: string, amount: bigint) => abi.token.encodeFunctionData("approve", [spender, amount]);

async function stake({ chain, addresses, operator }: Site, stakes: readonly Stake[]): Promise<void> {
  for (const { staker, amount } of stakes) {
    await chain.send(operator, addresses.token, encodeMint(staker, amount));
    await chain.send(staker, addresses.token, encodeApprove(addresses.pool, amount));
    await chain.send(staker, addresses.pool, abi.pool.encodeFunctionData("deposit", [amount, staker]));
  }
}

async function requestExits({ chain, addresses }: Site, stakes: readonly Stake[]): Promise<void> {
  for (const { staker } of stakes) {
    const shares = await chain.call(addresses.pool, abi.pool.encodeFunctionData("balanceOf", [staker]));
    const request = abi.pool.encodeFunctionData("requestRedeem", [shares, staker, staker]);
    await chain.send(staker, addresses.pool, request);
  }
}

async function claimExits({ chain, addresses }: Site, stakes: readonly Stake[]): Promise<void> {
  for (const { staker } of stakes) {
    const shares = await chain.call(addresses.pool, abi.pool.encodeFunctionData("maxRedeem", [staker]));
    await chain.send(staker, addresses.pool, abi.pool.encodeFunctionData("claimExit", [staker, 1n, shares, staker]));
  }
}

/** One sponsor pays everybody's margin in: anyone may fund anyone. */
async function fund(
  { chain, addresses, operator }: Site,
  deposits: readonly { readonly account: bigint; readonly deposit: bigint }[],
): Promise<void> {
  const amounts = deposits.map(({ account, deposit }) => ({ account, amount: deposit / TOKEN_UNIT })); // down
  const total = amounts.reduce((sum, { amount }) => sum + amount, 0n);
  await chain.send(operator, addresses.token, encodeMint(operator, total));
  await chain.send(operator, addresses.token, encodeApprove(addresses.engine, total));
  for (const { account, amount } of amounts)
    await chain.send(operator, addresses.engine, abi.engine.encodeFunctionData("deposit", [account, amount]));
}

/** A pair that the margin rules refuse is left out by the exchange; the others stand. */
async function settle({ chain, addresses, operator }: Site, pairs: readonly MatchFields[]): Promise<void> {
  for (let i = 0; i < pairs.length; i += PAIRS_PER_BATCH) {
    const batch = abi.exchange.encodeFunctionData("settleBatch", [pairs.slice(i, i + PAIRS_PER_BATCH)]);
    await chain.send(operator, addresses.exchange, batch);
  }
}
