/** Contracts and model side by side: deploys three markets and starts the model from what the chain holds. */
import type { NetworkConnection } from "hardhat/types/network";
import { ALT, BTC, ETH, type MarketConfig, type VolatilityLimits } from "../../../deploy/markets.ts";
import type { LocalMarket } from "../../../deploy/modules/Local.ts";
import { createEngine } from "../../../sdk/src/engine.ts";
import { type Feed, type Live, look, priceOf as priceOfAnswer, type Round } from "../../../sdk/src/oracle.ts";
import { update } from "../../../sdk/src/risk.ts";
import { type Samples, sampled, twap } from "../../../sdk/src/twap.ts";
import type { DrawReason, MarketParams, MarketRules } from "../../../sdk/src/types.ts";
import { ICapitalStack__factory } from "../../../typechain-types/index.js";
import { deployBackstop, dollars } from "../fixture.ts";
import { createChain, type Outcome } from "./chain.ts";
import { readMarket } from "./compare.ts";

const ANY_STEP = 65_535; // {bps}
const anyStep = ({ feed }: MarketConfig) => ({ ...feed, jumpBps: ANY_STEP });

/** Random prices here move several times as much as real ones. */
const LIMITS: VolatilityLimits = { level1: 20_000, level2: 30_000, level3: 45_000, level4: 65_000, initial: 12_000 };

/** No levels in the first; the third holds the steps of a crisis, in the others they are shocks. */
export const MARKETS: readonly LocalMarket[] = [
  { config: { ...ETH, volatility: null, feed: anyStep(ETH) }, answer: dollars(2_000n) },
  { config: { ...BTC, volatility: LIMITS, feed: anyStep(BTC) }, answer: dollars(60_000n) },
  {
    config: { ...ALT, volatility: LIMITS, inventoryCapBps: null, feed: { ...ALT.feed, jumpBps: 1_500 } },
    answer: dollars(2n),
  },
];
export const MARKET_IDS = [0, 1, 2] as const;

/** The same without levels and held steps, for what is about neither. */
export const PLAIN: readonly LocalMarket[] = MARKETS.map(({ config, answer }) => ({
  config: { ...config, volatility: null, feed: anyStep(config) },
  answer,
}));

/** Levels in the third only: losses of a crisis need somebody who still takes new risk. */
export const MOSTLY_OPEN: readonly LocalMarket[] = [...PLAIN.slice(0, 2), ...MARKETS.slice(2)];

type Pending = readonly [gain: bigint, loss: bigint, atRisk: bigint];

export type World = Awaited<ReturnType<typeof createWorld>>;

const bigints = <T extends object>(record: T) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, BigInt(value)])) as {
    [K in keyof T]: bigint;
  };

export async function createWorld(connection: NetworkConnection, decimals: number, markets = MARKETS) {
  const fx = await deployBackstop(connection, { decimals, markets });
  const stackEvents = ICapitalStack__factory.createInterface();
  const errors = [
    fx.engine.interface,
    fx.pool.interface,
    fx.stack.interface,
    fx.exchange.interface,
    fx.oracle.interface,
    fx.risk.interface,
    fx.token.interface,
  ];
  const chain = createChain(connection, errors);
  const at = async (contract: { getAddress(): Promise<string> }) => contract.getAddress();
  const [engineAt, exchangeAt, stackAt] = [await at(fx.engine), await at(fx.exchange), await at(fx.stack)];
  const [juniorAt, poolAt] = [await at(fx.junior), await at(fx.pool)];
  const [tokenAt, oracleAt, riskAt] = [await at(fx.token), await at(fx.oracle), await at(fx.risk)];
  const model = createEngine({ tokenDecimals: decimals, exchange: BigInt(exchangeAt) });

  const feeds = new Map<number, Feed>();
  const rounds = new Map<number, Round>();
  const lives = new Map<number, Live>();
  const since = new Map<number, bigint>(); // {s} when the feed was configured
  const samples = new Map<number, Samples>();
  const seconds = new Map<string, bigint>(); // {u/lot} by market and time
  const nonces = new Map<number, bigint>(); // of the last signal
  const raisedUntil = new Map<number, bigint>(); // {s} a signal is in force before
  /** {token} what each market last reported, by the model. */
  const reported = new Map<number, Pending>();
  /** {token} held beyond the ledger's balance; negative: missing. Only burning and donating change it. */
  const surplus = { tokens: 0n };
  for (const [id, { config }] of markets.entries()) {
    const { lotDecimals, sequencer: _, ...rest } = config.feed;
    feeds.set(id, { ...bigints(rest), lotDecimals, feedDecimals: 8 });
    const [found] = await fx.oracle.queryFilter(fx.oracle.filters.PriceRecorded(id));
    const feed = fx.feeds[id];
    if (found === undefined || feed === undefined) throw new Error(`market ${id} has no price`);
    const { price, emaShort, emaSlow, updatedAt } = found.args;
    const [roundId, answer] = await feed.latestRoundData();
    const sampledAt = BigInt((await found.getBlock()).timestamp);
    rounds.set(id, { roundId, answer, updatedAt });
    since.set(id, sampledAt);
    samples.set(id, sampled([], sampledAt, price));
    lives.set(id, { price, emaShort, emaSlow, updatedAt, roundId, sampledAt });

    if (config.volatility !== null) model.setVolatilityLimits(id, bigints(config.volatility));
    model.state.params.set(id, record<MarketParams>(await fx.engine.marketParams(id)));
    model.state.rules.set(id, record<MarketRules>(await fx.engine.marketRules(id)));
    const market = readMarket(await fx.engine.markets(id));
    model.state.markets.set(BigInt(id), market);
    // what the risk engine saw as the market was listed
    const empty = { openInterest: 0n, capacity: 0n, freeStake: 0n, longs: 0n, shorts: 0n, beyondMargin: 0n };
    const around = { now: market.syncedAt, otherLiabilities: 0n, isRaised: false };
    const before = model.state.risks.get(BigInt(id));
    const { risk } = update(before, model.state.limits.get(id), { ...market, ...empty }, around);
    model.state.risks.set(BigInt(id), risk);
  }

  /** {u/lot} an answer of the market's feed as a price. */
  const priceOf = (id: number, answer: bigint): bigint => {
    const feed = feeds.get(id);
    if (feed === undefined) throw new Error(`market ${id} has no feed`);
    return priceOfAnswer(feed, answer);
  };

  /** Quotes of one call; `commit` keeps what the oracle recorded in it. */
  function quotes(now: bigint) {
    const seen = new Map<number, Live>();
    const history = (id: number): Samples => {
      const known = samples.get(id) ?? [];
      const live = seen.get(id);
      return live === undefined || live === lives.get(id) ? known : sampled(known, live.sampledAt, live.price);
    };
    return {
      twap: (id: number, window: bigint) => twap(history(id), now, window),
      lastTwap: (id: number, window: bigint) => twap(history(id), history(id).at(-1)?.time ?? 0n, window),
      feedSince: (id: number) => since.get(id) ?? 0n,
      isRaised: (id: number) => now < (raisedUntil.get(id) ?? 0n),
      secondPrice: (id: number, from: bigint) => seconds.get(`${id}:${from}`) ?? 0n,
      quote(id: number) {
        const [feed, round] = [feeds.get(id), rounds.get(id)];
        if (feed === undefined || round === undefined) throw new Error(`market ${id} has no feed`);
        const { live, quote } = look(feed, lives.get(id), round, now);
        seen.set(id, live);
        return quote;
      },
      commit: () => {
        for (const id of seen.keys()) samples.set(id, history(id));
        for (const [id, live] of seen) lives.set(id, live);
      },
    };
  }

  /** Reports of one call, in order; `free` {token} is the stake of both pools before it. `commit` keeps them. */
  function reports(free: bigint, { logs }: Pick<Outcome, "logs">) {
    const seen = new Map(reported);
    const made: string[] = [];
    const said = logs
      .filter(({ address }) => address.toLowerCase() === stackAt.toLowerCase())
      .map((log) => stackEvents.parseLog(log))
      .filter((log) => log?.name === "Reported")
      .map((log) => String(log?.args));
    return {
      report: (market: number, gain: bigint, loss: bigint, atRisk: bigint): void => {
        const before = seen.get(market) ?? [0n, 0n, 0n];
        seen.set(market, [gain, loss, atRisk]);
        if ([...before, gain, loss, atRisk].some((value) => value > 0n)) made.push([market, gain, loss, atRisk].join());
      },
      freeStake: (): bigint => {
        const lost = [...seen.values()].reduce((sum, [, value]) => sum + value, 0n);
        return lost > free ? 0n : free - lost;
      },
      /** Whether model and contracts reported the same. */
      differences: (): string =>
        made.join(" ") === said.join(" ") ? "" : `contract ${said.join(" ")}, model ${made.join(" ")}`,
      keep: (): void => {
        for (const [market, pending] of seen) reported.set(market, pending);
      },
    };
  }

  /** What the stack paid and counted, in order, as its events tell; a call it did not answer paid nothing. */
  function payments({ logs, revert }: Outcome) {
    const said = logs
      .filter(({ address }) => address.toLowerCase() === stackAt.toLowerCase())
      .map((log) => stackEvents.parseLog(log))
      .filter((log) => log?.name === "LossAbsorbed" || log?.name === "LossCounted");
    function next(name: string, asked: readonly bigint[]): bigint | undefined {
      const log = said.shift();
      if (log === undefined || log === null) return undefined;
      const was: readonly bigint[] = [...log.args].slice(0, asked.length);
      const isSame = log.name === name && asked.every((value, i) => value === was[i]);
      if (!isSame) throw new Error(`the stack was asked ${log.name} ${was}, the model asks ${name} ${asked}`);
      return log.name === "LossAbsorbed" ? log.args.byJunior + log.args.bySenior : 0n;
    }
    const repaid = logs
      .filter(({ address }) => address.toLowerCase() === stackAt.toLowerCase())
      .map((log) => stackEvents.parseLog(log))
      .reduce((sum, log) => (log?.name === "LossRepaid" ? sum + log.args.assets : sum), 0n);
    return {
      repay: (_: bigint): bigint => {
        surplus.tokens -= repaid;
        return repaid;
      },
      // event: market, reason, requested, byJunior, bySenior
      absorb: (market: number, requested: bigint, reason: DrawReason): bigint =>
        next("LossAbsorbed", [BigInt(market), BigInt(reason), requested]) ?? 0n,
      countLoss: (market: number, assets: bigint): void => void next("LossCounted", [BigInt(market), assets]),
      /** Whether the model asked for everything that the contracts did. */
      isDone: () => revert !== undefined || said.length === 0,
    };
  }

  return {
    ...{ fx, chain, model, rounds, lives, seconds, nonces, raisedUntil, surplus, quotes, payments, reports },
    priceOf,
    ...{ engineAt, stackAt, juniorAt, poolAt, exchangeAt, tokenAt, oracleAt, riskAt },
  };
}

/** A struct as ethers returns it, by the names of the model. */
function record<T>(result: object): T {
  if (!("toObject" in result) || typeof result.toObject !== "function") throw new TypeError("not a struct");
  return result.toObject(); // the generated types hold the names and every member is a bigint
}
