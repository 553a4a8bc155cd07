/** How much a price moves: the twin of contracts/libraries/VolatilityLib.sol, eq. (32) to (36) of docs/mechanism.md. Pure. */
import { ceilDiv, max, min, sqrt } from "./math.ts";

/** What a market remembers of its price. `undefined` where it is passed: nothing was observed yet. */
export interface VolatilityHistory {
  readonly fast: bigint; // D18{1/year} variance, half-life of 4 h
  readonly slow: bigint; // D18{1/year} variance, half-life of 7 d
  readonly price: bigint; // {u/lot} the reference: follows the price by one bounded step a minute
  readonly observedAt: bigint; // {s} start of the aligned minute of the last observation
  readonly high: bigint; // {u/lot} of the current bucket
  readonly low: bigint; // {u/lot} of the current bucket
  readonly bucket: bigint; // time / 300 s of the current bucket
  /** {2e-8} ln^2(high / low) of the 12 buckets before the current one, the latest first. */
  readonly ring: readonly bigint[];
}

export interface Observation {
  readonly history: VolatilityHistory;
  /** A whole minute has passed: the averages have moved on. */
  readonly counted: boolean;
}

const MINUTE = 60n; // {s}
const MAX_MINUTES = 60n; // that an observation stands for
const MAX_STEP_MINUTES = 16n; // that widen a step
const BUCKET = 300n; // {s}
const BUCKETS = 12;
const MAX_ENTRY = 2_000_000n; // {2e-8}
const MAX_TIME = (1n << 48n) - 1n; // {s}
const MINUTES_PER_YEAR = 525_600n;
const PER_BPS2 = 10n ** 10n; // D18{1/year} of a {bps}^2
const WAD = 10n ** 18n;
const MAX_Z = WAD / 10n; // D18
const ENTRY = 2n * 10n ** 28n; // D36 2e-8
const FRACTION_BITS = 128n;
const ONE = 1n << FRACTION_BITS;
/** {2^-128} 2^(-1 / 240) and 2^(-1 / 10080), down: a minute of a half-life of 4 h and of 7 d. */
const FAST = 0xff42ff67637eb86cf931bf606df32c27n;
const SLOW = 0xfffb7e5c70d99f767281c95ca823fda5n;
/** D18{1/year} of one unit of an entry: 8760 h * 2e-8 / (4 ln 2), up. */
const PER_ENTRY = 63_190_042_790_937n;

/** Takes in the price in force {u/lot} > 0. `initial` {D18/year} is where both averages start at the first observation. */
export function observe(
  history: VolatilityHistory | undefined,
  price: bigint,
  time: bigint,
  initial: bigint,
): Observation {
  const now = min(time, MAX_TIME);
  if (history === undefined) return { history: begin(price, now, initial), counted: true };

  const last = history.price;
  const elapsed = max(0n, now - history.observedAt) / MINUTE;
  const { next, z } = step(last, price, max(1n, elapsed));
  const widened = widen(history, next, now / BUCKET);
  if (elapsed === 0n) return { history: widened, counted: false };

  const n = min(elapsed, MAX_MINUTES);
  const rate = ceilDiv(squaredLog(z) * MINUTES_PER_YEAR, n * WAD); // D18{1/year}
  const moved = {
    fast: average(history.fast, rate, power(FAST, n)),
    slow: average(history.slow, rate, power(SLOW, n)),
    price: next,
    observedAt: history.observedAt + elapsed * MINUTE,
  };
  return { history: { ...widened, ...moved }, counted: true };
}

/** D18{1/year} the larger of the fast average and 0.64 of {@link parkinson}, up: sigma = max(fast one, 0.8 range one). */
export function variance(history: VolatilityHistory): bigint {
  return max(history.fast, ceilDiv(parkinson(history) * 16n, 25n));
}

/** D18{1/year} variance by the ranges of the last 12 closed buckets and the current one, over one hour. Up. */
export function parkinson({ ring, high, low }: VolatilityHistory): bigint {
  return ring.reduce((sum, one) => sum + one, entry(high, low)) * PER_ENTRY;
}

/**
 * Where the reference goes from `last` when the price is `price`, `elapsed` >= 1 {min} later, and how far that is: z = D18
 * |next - last| / (next + last), at most 0.025 sqrt(minutes) and 0.1, up.
 */
export function step(last: bigint, price: bigint, elapsed: bigint): { next: bigint; z: bigint } {
  const n = min(elapsed, MAX_STEP_MINUTES);
  const sum = last + price;
  const difference = max(last, price) - min(last, price);
  if (1_600n * difference ** 2n <= n * sum ** 2n) return { next: price, z: ceilDiv(difference * WAD, sum) };

  const z = sqrtUp((625n * WAD ** 2n * n) / 1_000_000n);
  const next =
    price > last ? min(price, ceilDiv(last * (WAD + z), WAD - z)) : max(price, (last * (WAD - z)) / (WAD + z));
  return { next, z };
}

/** D36 (2 artanh z)^2, up: the logarithm is above the true one by at most 2.1e-12 of it + 4e-18. @param z D18 at most 0.1 */
export function squaredLog(z: bigint): bigint {
  if (z === 0n) return 0n;
  const above = (x: bigint, y: bigint): bigint => (x * y) / WAD + 1n;
  const square = above(z, z);
  let series = 112_233_445_566_778_901n; // 1 / 8.91, above what the series has left
  for (const odd of [7n, 5n, 3n, 1n]) series = above(series, square) + ceilDiv(WAD, odd);
  return above(2n * z, series) ** 2n;
}

/** {2e-8} ln^2(high / low), up, at most 0.04. */
export function entry(high: bigint, low: bigint): bigint {
  const z = ceilDiv((high - low) * WAD, high + low);
  return z >= MAX_Z ? MAX_ENTRY : min(MAX_ENTRY, ceilDiv(squaredLog(z), ENTRY));
}

function begin(price: bigint, time: bigint, initial: bigint): VolatilityHistory {
  const range = { high: price, low: price, bucket: time / BUCKET, ring: Array<bigint>(BUCKETS).fill(0n) };
  return { fast: initial, slow: initial, price, observedAt: time - (time % MINUTE), ...range };
}

/** Closes the current bucket when a later one has begun; the new one's range starts from the reference. */
function widen(history: VolatilityHistory, next: bigint, number: bigint): VolatilityHistory {
  const { price, high, low, bucket, ring } = history;
  if (number <= bucket) return { ...history, high: max(high, next), low: min(low, next) };
  const unseen = Number(min(number - bucket - 1n, BigInt(BUCKETS)));
  const closed = [...Array<bigint>(unseen).fill(0n), entry(high, low), ...ring].slice(0, BUCKETS);
  return { ...history, high: max(price, next), low: min(price, next), bucket: number, ring: closed };
}

/** {2^-128} base^n by squaring, each product rounded down. */
export function power(base: bigint, n: bigint): bigint {
  let [result, factor] = [ONE, base];
  for (let left = n; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * factor) >> FRACTION_BITS;
    factor = (factor * factor) >> FRACTION_BITS;
  }
  return result;
}

/** old * weight + rate * (1 - weight), up. */
const average = (old: bigint, rate: bigint, weight: bigint): bigint =>
  ceilDiv(old * weight + rate * (ONE - weight), ONE);

/** ceil(sqrt(x)), x > 0, by Newton's steps from above. */
function sqrtUp(x: bigint): bigint {
  let root = 1n << BigInt((x.toString(2).length + 1) >> 1);
  for (let next = (root + x / root) >> 1n; next < root; next = (root + x / root) >> 1n) root = next;
  return root * root === x ? root : root + 1n;
}

/** {bps} a year, as people say it: the root of a variance D18{1/year}, down. */
export const volatilityBps = (variance: bigint): bigint => sqrt(variance / PER_BPS2);
