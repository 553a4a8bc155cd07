/** Cuts hourly bars into steps. Every bar reaches its open, low, high and close; the worse extreme comes first. */
import type { Bar } from "./episodes.ts";
import { type Rng, rng } from "./rng.ts";

/** As it was; backwards in time; upside down, so that every fall is a rise of the same factor. */
export const PATH_NAMES = ["forward", "reversed", "inverted"] as const;
export type PathName = (typeof PATH_NAMES)[number];

export const STEPS_PER_BAR = 12;
const SECONDS_PER_BAR = 3_600;
export const STEP_SECONDS = SECONDS_PER_BAR / STEPS_PER_BAR;

export interface Step {
  readonly index: number;
  /** Seconds since the start of the episode. */
  readonly offset: number;
  /** {1e-8 USD} */
  readonly price: bigint;
}

/** Share of the way to the next waypoint that a step may stray, in thousandths of it. */
const STRAY = 250;

/** The bars as `path` plays them. Inverted, a price p becomes p0^2 / p, p0 the first open; rounded down. */
export function along(path: PathName, bars: readonly Bar[]): Bar[] {
  if (path === "forward") return [...bars];
  if (path === "reversed") return bars.map((bar) => ({ ...bar, open: bar.close, close: bar.open })).reverse();

  const origin = bars[0]?.open ?? 0n;
  const turn = (price: bigint) => (origin * origin) / price;
  return bars.map(({ open, high, low, close }) => ({
    open: turn(open),
    high: turn(low),
    low: turn(high),
    close: turn(close),
  }));
}

/**
 * A falling bar plunges to its low, recovers to its high and falls to its close: longs have no time. A rising one is the
 * mirror image. Where the turns are is drawn from the seed; in between the price wanders, never beyond low and high.
 */
export function stepsOf(bars: readonly Bar[], seed: number): Step[] {
  const random = rng(seed, "path");
  const prices = bars.flatMap((bar) => pricesOf(bar, random));
  return prices.map((price, index) => ({ index, offset: index * STEP_SECONDS, price }));
}

function pricesOf(bar: Bar, random: Rng): bigint[] {
  const [first, second] = bar.close < bar.open ? [bar.low, bar.high] : [bar.high, bar.low];
  const turn1 = random.int(2, 4);
  const turn2 = random.int(turn1 + 2, STEPS_PER_BAR - 3);
  const waypoints = [
    { at: 0, price: bar.open },
    { at: turn1, price: first },
    { at: turn2, price: second },
    { at: STEPS_PER_BAR - 1, price: bar.close },
  ];

  return Array.from({ length: STEPS_PER_BAR }, (_, at) => {
    const next = waypoints.find((waypoint) => waypoint.at >= at) ?? { at, price: bar.close };
    if (next.at === at) return next.price;
    const previous = waypoints[waypoints.indexOf(next) - 1] ?? next;
    const move = next.price - previous.price;
    const straight = previous.price + (move * BigInt(at - previous.at)) / BigInt(next.at - previous.at); // toward zero
    const stray = (move * BigInt(random.int(-STRAY, STRAY))) / 1_000n / BigInt(next.at - previous.at); // toward zero
    return clamp(straight + stray, bar.low, bar.high);
  });
}

const clamp = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x);
