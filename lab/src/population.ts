/** Who trades: a seeded crowd on both sides with a spread of leverage, and market makers who take the other side of it. */
import { type Rng, rng } from "./rng.ts";

export type Side = "long" | "short";

/** Shares of traders and the leverage they open with. Nobody opens at the limit: the price edge would refuse them. */
export const COHORTS: readonly { readonly percent: number; readonly leverage: readonly [number, number] }[] = [
  { percent: 30, leverage: [2, 4] },
  { percent: 35, leverage: [4, 8] },
  { percent: 20, leverage: [8, 12] },
  { percent: 15, leverage: [12, 17] },
];

export const LONG_SHARE = 0.6;
export const MAKERS = 4;
/** A maker's capital in thousandths of the notional it may have to carry. */
const MAKER_CAPITAL = 500n;

const MEDIAN_NOTIONAL = 15_000; // {USD}
const SPREAD = 0.8; // of the logarithm
const LEAST_NOTIONAL = 500; // {USD}
const MOST_NOTIONAL = 150_000; // {USD}
const FEE_PPM = 600n; // deposited on top of the margin, for the fees of opening

/** One trader and the one position it opens. */
export interface Trader {
  readonly name: string;
  readonly side: Side;
  readonly leverage: number;
  readonly lots: bigint;
  readonly deposit: bigint; // {u}
}

export interface Maker {
  readonly name: string;
  readonly deposit: bigint; // {u}
}

export interface Population {
  /** In the order in which they trade. */
  readonly traders: readonly Trader[];
  readonly makers: readonly Maker[];
}

/** @param price {u/lot} at which everybody opens */
export function populate(seed: number, count: number, price: bigint): Population {
  const random = rng(seed, "population");
  const longs = Math.max(1, Math.min(count - 1, Math.round(count * LONG_SHARE)));
  const traders = Array.from({ length: count }, (_, i) => trader(i, i < longs ? "long" : "short", price, random));

  const notional = traders.reduce((sum, { lots }) => sum + lots * price, 0n);
  const capital = (notional * MAKER_CAPITAL) / 1_000n / BigInt(MAKERS);
  const makers = Array.from({ length: MAKERS }, (_, i) => ({ name: `maker ${i + 1}`, deposit: capital }));
  return { traders: random.shuffled(traders), makers };
}

function trader(index: number, side: Side, price: bigint, random: Rng): Trader {
  const leverage = leverageFor(random.next(), random);
  const drawn = MEDIAN_NOTIONAL * Math.exp(SPREAD * random.normal());
  const cents = BigInt(Math.round(Math.min(MOST_NOTIONAL, Math.max(LEAST_NOTIONAL, drawn)) * 100));
  const lots = (cents * 10n ** 10n) / price; // down
  const notional = lots * price;
  const margin = (notional * 1_000n) / BigInt(Math.round(leverage * 1_000)); // down
  return { name: `${side} ${index + 1}`, side, leverage, lots, deposit: margin + (notional * FEE_PPM) / 1_000_000n };
}

function leverageFor(draw: number, random: Rng): number {
  let below = 0;
  const cohort = COHORTS.find(({ percent }) => {
    below += percent;
    return 100 * draw < below;
  });
  const [least, most] = (cohort ?? COHORTS[COHORTS.length - 1] ?? { leverage: [1, 1] as const }).leverage;
  return random.between(least, most);
}
