/** The phase diagram of takeover and bands: what is played, who trades, and what the figures say. Pure. */
import { ALT, ETH } from "../../deploy/markets.ts";
import { initialRatio } from "../../sdk/src/margin.ts";
import type { MarketParams } from "../../sdk/src/types.ts";
import { rng } from "./rng.ts";
import { USD } from "./units.ts";

/** What protects besides the providers' curve. */
export interface Mode {
  readonly name: "nobody" | "neither" | "takeover" | "bands" | "both";
  /** Which accounts the keeper takes over: none, those below zero already, or all that may be. */
  readonly takeover: "never" | "insolvent" | "early";
  /** The pool's inventory has its deployed cap; else one of a lot, which leaves the bands nothing to offer. */
  readonly bands: boolean;
}

/** For comparison: what is below zero stays where it is. */
export const NOBODY: Mode = { name: "nobody", takeover: "never", bands: false };
export const MODES: readonly Mode[] = [
  { name: "neither", takeover: "insolvent", bands: false },
  { name: "takeover", takeover: "early", bands: false },
  { name: "bands", takeover: "insolvent", bands: true },
  { name: "both", takeover: "early", bands: true },
];

/** What the market is set to. */
export interface Setting {
  readonly initialBps: number;
  readonly maintenanceBps: number;
  /** {bps} of the pool's assets that its position may be worth. */
  readonly capBps: number;
}

/** As deployed. */
export const DEPLOYED: Setting = {
  initialBps: ETH.params.initialBps,
  maintenanceBps: ETH.params.maintenanceBps,
  capBps: 3_500,
};
/** The margins of {@link ALT} and the most that a pool may hold: discounts reach the second band, the bands are deeper. */
export const WIDE: Setting = {
  initialBps: ALT.params.initialBps,
  maintenanceBps: ALT.params.maintenanceBps,
  capBps: 5_000,
};

export const SETTINGS = { deployed: DEPLOYED, wide: WIDE } as const;
export type SettingName = keyof typeof SETTINGS;

/** {USD} quote reserve of the curve, four times what its providers put in. */
export const DEPTH = 20_000_000n;
/** In per cent. */
export const OI_OVER_DEPTH: readonly number[] = [50, 100, 200];
export const POOL_OVER_OI: readonly number[] = [10, 25, 50];

export interface Cell {
  readonly oiOverDepth: number; // {%}
  readonly poolOverOi: number; // {%}
}

export const CELLS: readonly Cell[] = OI_OVER_DEPTH.flatMap((oiOverDepth) =>
  POOL_OVER_OI.map((poolOverOi) => ({ oiOverDepth, poolOverOi })),
);

/** {u} notional of the crowd. */
export const openInterestOf = ({ oiOverDepth }: Cell): bigint => (DEPTH * USD * BigInt(oiOverDepth)) / 100n;
/** {u} staked. */
export const poolOf = (cell: Cell): bigint => (openInterestOf(cell) * BigInt(cell.poolOverOi)) / 100n;

/** {u} of one run. */
export interface Figures {
  /** What accounts of the crowd were below zero after a price at most, before the keeper acted. */
  readonly standing: bigint;
  /** What accounts of the crowd were below zero when they were taken over. */
  readonly badDebt: bigint;
  /** The same of the account of the curve. */
  readonly curveDebt: bigint;
  /** What the pool's own position was below zero while it held it. */
  readonly inventoryDebt: bigint;
  /** What the stakers gained: the position at the mark in the end, less what the pools paid. Premiums are left out. */
  readonly stakers: bigint;
  /** What was taken from winners, and what nobody has paid yet. */
  readonly winners: bigint;
  readonly bucket: bigint;
  /** What the providers of the curve gained. */
  readonly providers: bigint;
  /** What liquidations sold to the curve and to the bands, and what the pool took over, at the mark. */
  readonly viaCurve: bigint;
  readonly viaBands: bigint;
  readonly takenOver: bigint;
  /** Notional of winners closed at the mark because the pool held more than its cap. */
  readonly deleveraged: bigint;
  readonly liquidations: number;
  readonly takeovers: number;
  /** Takeovers of accounts that were worth less than nothing. */
  readonly insolvent: number;
  readonly highestLevel: number;
  readonly failures: number;
}

/** {bps} of bad debt less than in `base`; undefined where there was none. */
export function reduction(base: bigint, now: bigint): number | undefined {
  return base === 0n ? undefined : Number(((base - now) * 10_000n) / base);
}

/** {@link initialRatio} of a market. */
export type Tiers = Pick<MarketParams, "initialBps" | "maintenanceBps" | "rampNotional">;

export interface Long {
  readonly name: string;
  readonly leverage: number;
  readonly lots: bigint;
  readonly deposit: bigint; // {u}
}

const MEDIAN_LEVERAGE = 8;
const LEVERAGE_SPREAD = 0.6; // of the logarithm
const LEAST_LEVERAGE = 2;
const MOST_LEVERAGE = 25;
const SIZE_SPREAD = 0.6; // of the logarithm
const FEE_PPM = 600n; // deposited on top of the margin, for the fees of opening
/** D18 beyond initial margin: the price edge at which opening is judged, fees, rounding. */
const SLACK = 40n * 10n ** 14n;
const ONE = 10n ** 18n;

/** Longs with lognormal size and leverage; leverage is cut to what the market lets somebody of that size open. */
export function crowd(seed: number, count: number, openInterest: bigint, price: bigint, tiers: Tiers): Long[] {
  const random = rng(seed, "phase");
  const drawn = Array.from({ length: count }, () => ({
    size: BigInt(Math.round(1e6 * Math.exp(SIZE_SPREAD * random.normal()))),
    leverage: Math.exp(Math.log(MEDIAN_LEVERAGE) + LEVERAGE_SPREAD * random.normal()),
  }));
  const sum = drawn.reduce((total, { size }) => total + size, 0n);
  return drawn.map(({ size, leverage: wanted }, i) => {
    const lots = (openInterest * size) / sum / price; // down
    const notional = lots * price;
    const allowed = Number(ONE) / Number(initialRatio(tiers, notional) + SLACK);
    const leverage = Math.max(LEAST_LEVERAGE, Math.min(wanted, MOST_LEVERAGE, allowed));
    const margin = (notional * 1_000n) / BigInt(Math.floor(leverage * 1_000)); // down
    return { name: `long ${i + 1}`, leverage, lots, deposit: margin + (notional * FEE_PPM) / 1_000_000n };
  });
}
