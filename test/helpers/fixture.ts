/** Backstop on a fresh local chain, deployed through the modules of deploy/, with named actors and verbs that have defaults. */
import type { NetworkConnection } from "hardhat/types/network";
import { ETH } from "../../deploy/markets.ts";
import { type LocalMarket, localModule } from "../../deploy/modules/Local.ts";
import {
  AccessManager__factory,
  BackstopAMM__factory,
  BackstopPool__factory,
  CapitalStack__factory,
  Exchange__factory,
  MarginEngine__factory,
  MockAggregator__factory,
  MockToken__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../../typechain-types/index.js";
import { type Actor, accountOf, actors } from "./actors.ts";
import { matchOf, nonceOf, type OrderFields, orderOf } from "./orders.ts";

export interface FixtureOptions {
  /** Decimals of the settlement token. */
  readonly decimals?: number;
  /** First answers are {1e-8 USD/coin}. */
  readonly markets?: readonly LocalMarket[];
  /** Keeps the attachment floor of a live deployment; without it anybody may stake in the senior pool alone. */
  readonly attachmentFloor?: boolean;
  /** Where Ignition writes its journal, on a node of its own process; deploy/deployments/test-* is nobody's. */
  readonly deploymentId?: string;
}

/** Bps, as a live deployment starts with them. */
const JUNIOR_WEIGHT = 20_000;
const TREASURY = 0;

/** Whole dollars in the unit of a feed. */
export const dollars = (usd: bigint) => usd * 10n ** 8n;

/** ETH at $2,000, where one lot of 1e-4 coin is worth 20 cents. */
export const DEFAULT_MARKETS: readonly LocalMarket[] = [{ config: ETH, answer: dollars(2_000n) }];

export type Fixture = Awaited<ReturnType<typeof deployBackstop>>;

export async function deployBackstop(connection: NetworkConnection, options: FixtureOptions = {}) {
  const { ethers, ignition } = connection;
  const { decimals = 6, markets = DEFAULT_MARKETS, attachmentFloor = false, deploymentId } = options;
  const journal = deploymentId === undefined ? {} : { deploymentId, config: { blockPollingInterval: 50 } };
  const deployed: Record<string, { getAddress(): Promise<string> }> = await ignition.deploy(
    localModule({ decimals, markets }),
    journal,
  );
  const people = await actors(ethers);
  const governor = people.governor;

  const at = (name: string) => {
    const contract = deployed[name];
    if (contract === undefined) throw new Error(`The module deployed no ${name}`);
    return contract.getAddress();
  };
  const stack = CapitalStack__factory.connect(await at("stack"), governor);
  if (!attachmentFloor) await stack.setTranches(0, JUNIOR_WEIGHT, TREASURY);
  return {
    connection,
    ...people,
    unit: 10n ** BigInt(decimals), // {token} one dollar
    token: MockToken__factory.connect(await at("token"), governor),
    manager: AccessManager__factory.connect(await at("manager"), governor),
    oracle: Oracle__factory.connect(await at("oracle"), governor),
    engine: MarginEngine__factory.connect(await at("engine"), governor),
    stack,
    junior: BackstopPool__factory.connect(await at("junior"), governor),
    /** The senior one. */
    pool: BackstopPool__factory.connect(await at("senior"), governor),
    exchange: Exchange__factory.connect(await at("exchange"), governor),
    risk: RiskEngine__factory.connect(await at("risk"), governor),
    amm: BackstopAMM__factory.connect(await at("amm"), governor),
    feeds: await Promise.all(
      markets.map(async (_, index) => MockAggregator__factory.connect(await at(`feed${index}`), governor)),
    ),
  };
}

/* VERBS */

/** Mints `usd` dollars and puts them into the actor's main account, or into `account`. */
export async function deposit(fx: Fixture, actor: Actor, usd = 10_000n, account = accountOf(actor)): Promise<bigint> {
  const amount = usd * fx.unit;
  await fx.token.mint(actor, amount);
  await fx.token.connect(actor).approve(fx.engine, amount);
  await fx.engine.connect(actor).deposit(account, amount);
  return account;
}

/** Mints `usd` dollars and stakes them, in the senior pool unless told otherwise. Returns the shares. */
export async function stake(fx: Fixture, actor: Actor = fx.staker, usd = 1_000_000n, pool = fx.pool): Promise<bigint> {
  const amount = usd * fx.unit;
  await fx.token.mint(actor, amount);
  await fx.token.connect(actor).approve(pool, amount);
  const before = await pool.balanceOf(actor);
  await pool.connect(actor).deposit(amount, actor);
  return (await pool.balanceOf(actor)) - before;
}

/** Publishes a price {1e-8 USD/coin} on the market's feed, dated now, and lets the engine see it. */
export async function setPrice(fx: Fixture, answer: bigint, market = 0): Promise<void> {
  await feedOf(fx, market).setAnswer(answer);
  await fx.engine.sync(market);
}

export interface TradeOptions {
  readonly long: Actor;
  readonly short: Actor;
  readonly lots?: bigint;
  /** {u/lot} the engine's last price when not given. */
  readonly price?: bigint;
  readonly market?: number;
  /** The long side takes unless told otherwise. */
  readonly maker?: "long" | "short";
  readonly longOrder?: Partial<OrderFields>;
  readonly shortOrder?: Partial<OrderFields>;
}

const sequences = new WeakMap<object, bigint>();

/** The next unused nonce of lane 0; one counter serves all accounts of a chain. */
export function nextNonce(fx: Fixture): bigint {
  const next = (sequences.get(fx.connection) ?? 0n) + 1n;
  sequences.set(fx.connection, next);
  return nonceOf(0n, next);
}

/** Signs both orders and settles them through the exchange, sent by the keeper: anyone may. */
export async function trade(fx: Fixture, options: TradeOptions) {
  const { long, short, lots = 10_000n, market = 0, maker = "short" } = options;
  const price = options.price ?? (await fx.engine.markets(market)).price;
  const side = (signer: Actor, size: bigint, changes: Partial<OrderFields> = {}) => {
    const account = accountOf(signer);
    const nonce = nextNonce(fx);
    return { signer, order: orderOf({ account, market: BigInt(market), lots: size, price, nonce, ...changes }) };
  };
  const buy = side(long, lots, options.longOrder);
  const sell = side(short, -lots, options.shortOrder);
  const pair = await (maker === "short" ? matchOf(fx.exchange, sell, buy) : matchOf(fx.exchange, buy, sell));
  return fx.exchange.connect(fx.keeper).settle(pair);
}

export function feedOf(fx: Fixture, market: number) {
  const feed = fx.feeds[market];
  if (feed === undefined) throw new Error(`No market ${market}`);
  return feed;
}
