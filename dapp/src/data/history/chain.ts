/** History from the chain's own logs. */
import { volatilityBps } from "../../../../sdk/src/volatility.ts";
import { juniorPart } from "../../../../sdk/src/waterfall.ts";
import type { TrancheName } from "../pools.ts";
import type { ChainLogs, Log, LogOf } from "./logs.ts";
import {
  type BookChange,
  type Earnings,
  type History,
  type Income,
  type MarketPoint,
  type Observation,
  ROWS,
  type Shortfall,
} from "./types.ts";

const isOf =
  <Name extends Log["eventName"]>(name: Name) =>
  (log: Log): log is LogOf<Name> =>
    log.eventName === name;

export function historyOf({ logs, times }: ChainLogs, markets: readonly number[], tokenUnit: bigint): History {
  const timeOf = ({ blockNumber }: Log) => times.get(blockNumber) ?? 0n;
  const syncs = logs.filter(isOf("Synced"));
  const observed = logs.filter(isOf("Observed"));
  const pointOf = (log: LogOf<"Synced">): MarketPoint => {
    const { price, openInterest, openInterestCap, level, fundingRate } = log.args.state;
    return {
      ...{ time: timeOf(log), price, openInterest: BigInt(openInterest), cap: BigInt(openInterestCap) },
      ...{ level, fundingRate: BigInt(fundingRate) },
    };
  };
  const observationOf = (log: LogOf<"Observed">): Observation => ({
    ...{ time: timeOf(log), volatilityBps: volatilityBps(log.args.variance), coverageBps: log.args.coverage },
  });
  const ofMarket = <T extends LogOf<"Synced" | "Observed">, Row>(rows: readonly T[], make: (log: T) => Row) =>
    new Map(
      markets.map((market) => [
        market,
        rows
          .filter(({ args }) => args.market === market)
          .slice(-ROWS)
          .map(make),
      ]),
    );
  return {
    points: ofMarket(syncs, pointOf),
    observations: ofMarket(observed, observationOf),
    shortfalls: shortfallsOf(logs, timeOf, tokenUnit).reverse().slice(0, ROWS),
  };
}

/** Each with the draw that it made: the last one before it in its transaction, and after the shortfall before. */
function shortfallsOf(logs: readonly Log[], timeOf: (log: Log) => bigint, tokenUnit: bigint): Shortfall[] {
  let draw: LogOf<"LossAbsorbed"> | undefined;
  const found: Shortfall[] = [];
  for (const log of logs) {
    if (log.eventName === "LossAbsorbed") draw = log;
    if (log.eventName !== "ShortfallCovered") continue;
    const { market, account, reason, shortfall, byBucket, byPool, byShare, toDeficit } = log.args;
    const drawn = draw?.transactionHash === log.transactionHash ? draw.args.byJunior : 0n;
    const byJunior = juniorPart(byPool, drawn, tokenUnit);
    found.push({
      ...{ id: `${log.transactionHash}-${log.logIndex}`, time: timeOf(log), market, account, reason },
      ...{ amount: shortfall, byBucket, byJunior, bySenior: byPool - byJunior, byShare, toDeficit },
      hash: log.transactionHash,
    });
    draw = undefined;
  }
  return found;
}

/** @param booked {asset} what is on the books of each pool at the newest block of the logs */
export function earningsOf(
  { logs, times }: ChainLogs,
  addresses: Readonly<Record<TrancheName, string>>,
  booked: Readonly<Record<TrancheName, bigint>>,
  tokenUnit: bigint,
): Earnings {
  const timeOf = ({ blockNumber }: Log) => times.get(blockNumber) ?? 0n;
  /** Backwards from what is there now: the logs need not reach back to the beginning. */
  const books = (name: TrancheName) => {
    let after = booked[name];
    return logs
      .toReversed()
      .flatMap((log): BookChange[] => {
        const [cause, amount] = changeOf(log, name, addresses[name]) ?? [];
        if (cause === undefined || amount === undefined) return [];
        const change = { time: timeOf(log), cause, before: after - amount, after };
        after = change.before;
        return [change];
      })
      .reverse();
  };
  return { incomes: incomesOf(logs, timeOf, tokenUnit), books: { junior: books("junior"), senior: books("senior") } };
}

/** {asset} signed, what a log did to the books of a pool. */
function changeOf(log: Log, name: TrancheName, pool: string): readonly [BookChange["cause"], bigint] | undefined {
  if (log.eventName === "IncomeSplit") {
    const amount = log.args.parts[name === "junior" ? "toJunior" : "toSenior"];
    return amount === 0n ? undefined : ["income", amount];
  }
  if (log.address.toLowerCase() !== pool.toLowerCase()) return undefined;
  if (log.eventName === "Deposit") return ["deposit", log.args.assets];
  if (log.eventName === "Withdraw") return ["withdrawal", -log.args.assets];
  if (log.eventName === "LossTaken") return ["loss", -log.args.assets];
  return undefined;
}

/** Each that was divided between the pools: the stack says so behind it, in the same transaction. */
function incomesOf(logs: readonly Log[], timeOf: (log: Log) => bigint, tokenUnit: bigint): Income[] {
  let collected: LogOf<"IncomeCollected"> | undefined;
  const found: Income[] = [];
  for (const log of logs) {
    if (log.eventName === "IncomeCollected") collected = log;
    if (log.eventName !== "IncomeSplit" || collected === undefined) continue;
    const { fromInventory, fromBucket, toClaims, toDeficits, paid } = collected.args;
    const { toJunior, toSenior } = log.args.parts;
    const fromPremiums = toClaims + toDeficits + paid * tokenUnit - fromInventory - fromBucket;
    found.push({ time: timeOf(log), fromPremiums, fromInventory, fromBucket, toJunior, toSenior });
  }
  return found;
}
