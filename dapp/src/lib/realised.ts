/** What a pool has earned and lost, as it was booked. Pure. */
import { max } from "../../../sdk/src/math.ts";
import type { BookChange, Earnings, Income } from "../data/history/types.ts";
import type { TrancheName } from "../data/pools.ts";

const YEAR = 365n * 86_400n; // {s}
const BPS = 10_000n;

export interface Realised {
  /** {s} that are looked at: less than were asked for when the pool is younger, or its history is not known further back. */
  readonly seconds: bigint;
  /** {bps} a year of what was on the books on average; down. */
  readonly premiums: bigint;
  readonly bucket: bigint; // fees and penalties
  readonly inventory: bigint;
  readonly losses: bigint; // positive: lost
}

/** Of the `window` {s} before `now` {s}; undefined when nothing was on the books of the pool then. */
export function realised(
  { incomes, books }: Earnings,
  tranche: TrancheName,
  now: bigint,
  window: bigint,
): Realised | undefined {
  const changes = books[tranche];
  const start = max(now - window, changes[0]?.time ?? now);
  const capital = capitalSeconds(changes, start, now);
  if (capital === 0n) return undefined;
  const sums = { premiums: 0n, bucket: 0n, inventory: 0n };
  for (const income of incomes) {
    if (income.time < start) continue;
    const parts = partsOf(income, tranche === "junior" ? income.toJunior : income.toSenior);
    sums.premiums += parts.premiums;
    sums.bucket += parts.bucket;
    sums.inventory += parts.inventory;
  }
  const losses = lossesOf(changes).filter(({ time }) => time >= start);
  const rate = (amount: bigint) => (amount * YEAR * BPS) / capital;
  return {
    seconds: now - start,
    ...{ premiums: rate(sums.premiums), bucket: rate(sums.bucket), inventory: rate(sums.inventory) },
    losses: rate(losses.reduce((sum, { assets }) => sum + assets, 0n)),
  };
}

/** {asset s} what was on the books, second by second, from `start` to `now`. */
function capitalSeconds(changes: readonly BookChange[], start: bigint, now: bigint): bigint {
  let [sum, at, booked] = [0n, start, 0n];
  for (const { time, after } of changes) {
    if (time > at) {
      sum += booked * (time - at);
      at = time;
    }
    booked = after;
  }
  return sum + booked * max(0n, now - at);
}

/** {asset} `amount` in the proportion of its sources, which are {u}; what rounding leaves counts as premiums. */
function partsOf({ fromPremiums, fromInventory, fromBucket }: Income, amount: bigint) {
  const premiums = max(0n, fromPremiums); // a little below zero: less than a token that waits for more
  const all = premiums + fromInventory + fromBucket;
  const bucket = all === 0n ? 0n : (amount * fromBucket) / all;
  const inventory = all === 0n ? 0n : (amount * fromInventory) / all;
  return { premiums: amount - bucket - inventory, bucket, inventory };
}

export interface Loss {
  readonly time: bigint; // {s}
  readonly assets: bigint; // {asset}
  readonly before: bigint; // {asset} on the books
}

/** Every loss of a pool, the oldest first. */
export const lossesOf = (changes: readonly BookChange[]): Loss[] =>
  changes
    .filter(({ cause }) => cause === "loss")
    .map(({ time, before, after }) => ({ time, before, assets: before - after }));

/** The one that took the largest part of the pool; undefined when there was none. */
export const largestLoss = (changes: readonly BookChange[]): Loss | undefined =>
  lossesOf(changes).reduce<Loss | undefined>(
    (most, loss) => (most === undefined || loss.assets * most.before > most.assets * loss.before ? loss : most),
    undefined,
  );
