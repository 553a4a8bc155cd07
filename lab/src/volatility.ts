/** The volatility levels of a market over recorded prices, by the contract's own integers, and how often a fall followed. Pure. */
import { observe, type VolatilityHistory, variance } from "../../sdk/src/volatility.ts";
import { columns } from "./charts.ts";

export interface Bar {
  readonly time: bigint; // {s} when it opens
  readonly high: bigint; // {u/lot}, as all prices
  readonly low: bigint;
  readonly close: bigint;
}

/** How often the market was at a level, and how often the price was 5 % lower within four hours. */
export interface LevelCount {
  readonly hours: number;
  readonly falls: number;
}

/** {%} sigma from which a level is reached, ascending. */
export const LEVELS = { btc: [90, 140, 220, 350], eth: [110, 170, 270, 430] } as const;

const HOUR = 3_600n; // {s}
const BAR = 300n; // {s} of the finer files
const WAD = 10n ** 18n;
/** {u/lot} of a dollar. */
const DOLLAR = 10n ** 8n;
const INITIAL = WAD; // D18{1/year}
const AHEAD = 4n * HOUR; // {s}

/** The rows `timestamp,open,high,low,close,volume` of a file with bars that open within [from, to). */
export function parseBars(csv: string, from: number, to: number): Bar[] {
  const price = (text = ""): bigint => BigInt(Math.round(Number(text) * Number(DOLLAR)));
  return csv
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .filter(([time]) => Number(time) >= from && Number(time) < to)
    .map(([time = "", , high, low, close]) => ({
      time: BigInt(time),
      high: price(high),
      low: price(low),
      close: price(close),
    }));
}

/**
 * D18{1/year} the variance at the end of each hourly bar. The close is the observation; high and low are the range of a single
 * bucket that stands for the hour, because ln^2(H/L) of an hour is expected to be the sum of that of its twelfths. Observing all
 * four prices would count the way from one extreme to the other as returns: 4.8 times the variance of a random walk.
 */
export function hourlyVariances(bars: readonly Bar[]): bigint[] {
  let history: VolatilityHistory | undefined;
  return bars.map(({ time, high, low, close }) => {
    history = observe(history, close, time + HOUR, INITIAL).history;
    return variance({ ...history, high, low, ring: [] });
  });
}

/**
 * D18{1/year} the variance at each full hour, as a keeper would have seen it: buckets of five minutes, each observed at what it opens
 * with, its high and low later in that minute, and its close in the last.
 */
export function fiveMinuteVariances(bars: readonly Bar[]): Map<bigint, bigint> {
  const hours = new Map<bigint, bigint>();
  let history: VolatilityHistory | undefined;
  for (const { time, high, low, close } of bars) {
    if (history !== undefined)
      for (const price of [history.price, high, low]) history = observe(history, price, time, INITIAL).history;
    history = observe(history, close, time + BAR - 1n, INITIAL).history;
    if ((time + BAR) % HOUR === 0n) hours.set(time + BAR, variance(history));
  }
  return hours;
}

/** How many of the thresholds {%} sigma has reached; compared as squares. */
export function levelOf(varianceNow: bigint, thresholds: readonly number[]): number {
  return thresholds.filter((percent) => varianceNow * 10_000n >= BigInt(percent) ** 2n * WAD).length;
}

/** By level at the close of each hourly bar that opens at or after `from` {s} and has four hours of bars ahead of it. */
export function countByLevel(bars: readonly Bar[], thresholds: readonly number[], from: number): LevelCount[] {
  const counts = Array.from({ length: thresholds.length + 1 }, () => ({ hours: 0, falls: 0 }));
  const end = (bars.at(-1)?.time ?? 0n) + HOUR;
  for (const [i, now] of hourlyVariances(bars).entries()) {
    const bar = bars[i];
    if (bar === undefined || bar.time < from || bar.time + HOUR + AHEAD > end) continue;
    const ahead = bars.slice(i + 1, i + 5).filter(({ time }) => time < bar.time + HOUR + AHEAD);
    const count = counts[levelOf(now, thresholds)];
    if (count === undefined) throw new RangeError("a level beyond the thresholds");
    count.hours += 1;
    count.falls += Number(ahead.some(({ low }) => low * 100n <= bar.close * 95n));
  }
  return counts;
}

export const timeAt = (counts: readonly LevelCount[], level: number): number =>
  (counts[level]?.hours ?? 0) / counts.reduce((sum, { hours }) => sum + hours, 0);

/** Of a fall of 5 % within four hours, at a level. */
export const chanceAt = (counts: readonly LevelCount[], level: number): number =>
  (counts[level]?.falls ?? 0) / (counts[level]?.hours ?? 0);

const percent = (share: number, digits: number): string => (100 * share).toFixed(digits);

/** A row of the table in docs/mechanism.md: time at each level, then the chance of a fall, in percent. */
export function tableRow(name: string, counts: readonly LevelCount[]): string {
  const times = counts.map((_, level) => percent(timeAt(counts, level), level < 3 ? 1 : 2));
  const chances = counts.map((_, level) => percent(chanceAt(counts, level), 1));
  return `| ${name} | ${times.join(" / ")} | ${chances.join(" / ")} |`;
}

/** docs/figures/volatility.svg */
export function figure(btc: readonly LevelCount[], eth: readonly LevelCount[]): string {
  return columns({
    title: "Chance that the price is 5 % lower within four hours, by volatility level, 2020 to 2023",
    groups: btc.map((_, level) => {
      const [first, second] = [btc, eth].map((counts) => `${percent(timeAt(counts, level), 2)} %`);
      return `level ${level}\nBTC ${first} of hours\nETH ${second} of hours`;
    }),
    series: [
      { name: "BTC", values: btc.map((_, level) => 100 * chanceAt(btc, level)), colour: "#c98a1b" },
      { name: "ETH", values: eth.map((_, level) => 100 * chanceAt(eth, level)), colour: "#2f6fd0" },
    ],
  });
}
