/** Contracts and model side by side: deploys three markets and starts the model from what the chain holds. */
import type { NetworkConnection } from "hardhat/types/network";
import { ALT, BTC, ETH } from "../../../deploy/markets.ts";
import { createEngine } from "../../../sdk/src/engine.ts";
import { type Feed, type Live, look, type Round } from "../../../sdk/src/oracle.ts";
import type { DrawReason, MarketParams, MarketRules } from "../../../sdk/src/types.ts";
import { IBackstopPool__factory } from "../../../typechain-types/index.js";
import { deployBackstop, dollars } from "../fixture.ts";
import { createChain, type Outcome } from "./chain.ts";
import { readMarket } from "./compare.ts";

export const MARKETS = [
  { config: ETH, answer: dollars(2_000n) },
  { config: BTC, answer: dollars(60_000n) },
  { config: ALT, answer: dollars(2n) },
] as const;
export const MARKET_IDS = [0, 1, 2] as const;

export type World = Awaited<ReturnType<typeof createWorld>>;

const bigints = <T extends object>(record: T) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, BigInt(value)])) as {
    [K in keyof T]: bigint;
  };

export async function createWorld(connection: NetworkConnection, decimals: number) {
  const fx = await deployBackstop(connection, { decimals, markets: MARKETS });
  const absorbed = IBackstopPool__factory.createInterface();
  const chain = createChain(connection, [fx.engine.interface, fx.pool.interface, fx.exchange.interface]);
  const [engineAt, poolAt, exchangeAt] = await Promise.all(
    [fx.engine, fx.pool, fx.exchange].map((contract) => contract.getAddress()),
  );
  if (engineAt === undefined || poolAt === undefined || exchangeAt === undefined) throw new Error("not deployed");
  const model = createEngine({ tokenDecimals: decimals, exchange: BigInt(exchangeAt) });

  const feeds = new Map<number, Feed>();
  const rounds = new Map<number, Round>();
  const lives = new Map<number, Live>();
  for (const [id, { config }] of MARKETS.entries()) {
    const { lotDecimals, ...rest } = config.feed;
    const { maxAge, edgeBps, minAnswer, maxAnswer } = bigints(rest);
    feeds.set(id, { maxAge, edgeBps, minAnswer, maxAnswer, lotDecimals, feedDecimals: 8 });
    const [found] = await fx.oracle.queryFilter(fx.oracle.filters.PriceRecorded(id));
    const feed = fx.feeds[id];
    if (found === undefined || feed === undefined) throw new Error(`market ${id} has no price`);
    const { price, emaShort, emaSlow, updatedAt } = found.args;
    const [roundId, answer] = await feed.latestRoundData();
    const sampledAt = BigInt((await found.getBlock()).timestamp);
    rounds.set(id, { roundId, answer, updatedAt });
    lives.set(id, { price, emaShort, emaSlow, updatedAt, roundId, sampledAt });

    model.state.params.set(id, record<MarketParams>(await fx.engine.marketParams(id)));
    model.state.rules.set(id, record<MarketRules>(await fx.engine.marketRules(id)));
    model.state.markets.set(BigInt(id), readMarket(await fx.engine.markets(id)));
  }

  /** Quotes of one call; `commit` keeps what the oracle recorded in it. */
  function quotes(now: bigint) {
    const seen = new Map<number, Live>();
    return {
      quote(id: number) {
        const [feed, round] = [feeds.get(id), rounds.get(id)];
        if (feed === undefined || round === undefined) throw new Error(`market ${id} has no feed`);
        const { live, quote } = look(feed, lives.get(id), round, now);
        seen.set(id, live);
        return quote;
      },
      commit: () => {
        for (const [id, live] of seen) lives.set(id, live);
      },
    };
  }

  /** What the pool paid, in order, as its events tell; a call it did not answer paid nothing. */
  function payments({ logs }: Outcome) {
    const paid = logs
      .filter(({ address }) => address.toLowerCase() === poolAt?.toLowerCase())
      .map((log) => absorbed.parseLog(log))
      .filter((log) => log?.name === "LossAbsorbed");
    return (market: number, requested: bigint, reason: DrawReason): bigint => {
      const args = paid.shift()?.args;
      if (args === undefined) return 0n;
      const asked = [BigInt(market), requested, BigInt(reason)];
      const was = [args.market, args.requested, args.reason];
      if (asked.some((value, i) => value !== was[i]))
        throw new Error(`the pool was asked ${was}, the model asks ${asked}`);
      return args.paid;
    };
  }

  return { fx, chain, model, rounds, quotes, payments, engineAt, poolAt, exchangeAt };
}

/** A struct as ethers returns it, by the names of the model. */
function record<T>(result: object): T {
  if (!("toObject" in result) || typeof result.toObject !== "function") throw new TypeError("not a struct");
  return result.toObject(); // the generated types hold the names and every member is a bigint
}
