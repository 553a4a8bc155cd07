/** What a feed publishes in a crash: the finest recorded bars there are, cut into blocks, and of these the prices that deviate. Pure. */
import type { Episode } from "./episodes.ts";
import { type Rng, rng } from "./rng.ts";

/** {1e-8 USD} */
export interface Bar {
  readonly time: number; // {s} when it opens
  readonly seconds: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

export interface Point {
  readonly offset: number; // {s} since the path begins
  readonly price: bigint; // {1e-8 USD}
}

const HOUR = 3_600;
/** A feed publishes what is this far from what it said last, or when that is as old. */
const DEVIATION_BPS = 50n;
const HEARTBEAT = HOUR;
const UNIT = 1e8;

/** The rows `timestamp,open,high,low,close,volume` of a file with bars of `seconds` that open within [from, to). */
export function parseBars(csv: string, seconds: number, from: number, to: number): Bar[] {
  return csv
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").map(Number))
    .filter(([time = 0]) => time >= from && time < to)
    .map(([time = 0, open = 0, high = 0, low = 0, close = 0]) => ({ time, seconds, open, high, low, close }))
    .map((bar) => ({
      ...bar,
      open: bar.open * UNIT,
      high: bar.high * UNIT,
      low: bar.low * UNIT,
      close: bar.close * UNIT,
    }));
}

/** The hours that come with the repository. */
export function hoursOf({ start, bars }: Pick<Episode, "start" | "bars">): Bar[] {
  return bars.map(({ open, high, low, close }, hour) => ({
    time: Date.parse(start) / 1_000 + hour * HOUR,
    seconds: HOUR,
    ...{ open: Number(open), high: Number(high), low: Number(low), close: Number(close) }, // below 2^53
  }));
}

/** The `count` hours in a row of which the lowest low is the furthest below the first open. */
export function worstHours(hours: readonly Bar[], count: number): Bar[] {
  let [start, least] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i + count <= hours.length; i += 1) {
    const window = hours.slice(i, i + count);
    const low = Math.min(...window.map((bar) => bar.low)) / (window[0]?.open ?? 1);
    if (low < least) [start, least] = [i, low];
  }
  return hours.slice(start, start + count);
}

/** A price every `block` seconds: from open to the worse extreme, the better one and close, bridges of Brownian motion in between. */
export function blocksOf(bars: readonly Bar[], seed: number, block: number): Point[] {
  const random = rng(seed, "phase path");
  const begin = bars[0]?.time ?? 0;
  return bars.flatMap((bar) =>
    withinBar(bar, Math.round(bar.seconds / block), random).map((price, i) => ({
      offset: bar.time - begin + i * block,
      price: BigInt(Math.round(price)),
    })),
  );
}

/** The volatility is what Parkinson's estimator reads out of high and low; nothing leaves the two. */
function withinBar(bar: Bar, count: number, random: Rng): number[] {
  const deviation = Math.log(bar.high / bar.low) / Math.sqrt(4 * Math.log(2) * count); // of a block
  const [worse, better] = bar.close < bar.open ? [bar.low, bar.high] : [bar.high, bar.low];
  const first = Math.round(count * random.between(0.15, 0.4));
  const second = Math.round(count * random.between(0.6, 0.85));
  const turns = [
    { at: 0, price: bar.open },
    { at: first, price: worse },
    { at: second, price: better },
    { at: count, price: bar.close },
  ];
  return turns.slice(1).flatMap(({ at, price }, i) => {
    const from = turns[i] ?? { at: 0, price };
    return bridge(from.price, price, at - from.at, deviation, random).map((x) =>
      Math.min(bar.high, Math.max(bar.low, x)),
    );
  });
}

/** `count` prices, the first of them `from`; `to` would be the next. */
function bridge(from: number, to: number, count: number, deviation: number, random: Rng): number[] {
  const prices: number[] = [];
  let x = Math.log(from);
  for (let left = count; left > 0; left -= 1) {
    prices.push(Math.exp(x));
    x += (Math.log(to) - x) / left + deviation * Math.sqrt((left - 1) / left) * random.normal();
  }
  return prices;
}

/** What a feed tells of a price a block. */
export function published(points: readonly Point[]): Point[] {
  let last: Point | undefined;
  return points.filter((point) => {
    const moved =
      last === undefined
        ? 0n
        : 10_000n * (point.price > last.price ? point.price - last.price : last.price - point.price);
    const speaks = last === undefined || moved >= DEVIATION_BPS * last.price || point.offset - last.offset >= HEARTBEAT;
    if (speaks) last = point;
    return speaks;
  });
}
