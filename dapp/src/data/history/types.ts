/** What happened, whoever tells it: the indexer, or the logs of the chain. */
import type { TrancheName } from "../pools.ts";

export interface MarketPoint {
  readonly time: bigint; // {s}
  readonly price: bigint; // {u/lot}
  readonly openInterest: bigint; // {lot} from logs with what deleveraging has closed and nobody has settled
  readonly cap: bigint; // {lot} at level 0
  readonly level: number;
  readonly fundingRate: bigint; // {1e-9 per 8 h} positive: longs pay
}

export interface Observation {
  readonly time: bigint; // {s}
  readonly volatilityBps: bigint; // {bps} a year
  readonly coverageBps: bigint; // {bps}
}

/** One market's part of a shortfall: the layers sum to `amount`. All {u}. */
export interface Shortfall {
  readonly id: string;
  readonly time: bigint; // {s}
  readonly market: number;
  readonly account: bigint;
  readonly reason: number;
  readonly amount: bigint;
  readonly byBucket: bigint;
  readonly byJunior: bigint;
  readonly bySenior: bigint;
  readonly byShare: bigint;
  readonly toDeficit: bigint;
  readonly hash: string;
}

/** Of the markets. */
export interface History {
  readonly points: ReadonlyMap<number, readonly MarketPoint[]>;
  readonly observations: ReadonlyMap<number, readonly Observation[]>;
  readonly shortfalls: readonly Shortfall[]; // the newest first
}

/** Rows of a market that a chart is drawn from: the newest. */
export const ROWS = 1_000;

/** Income that reached the pools at once, with where it came from. */
export interface Income {
  readonly time: bigint; // {s}
  readonly fromPremiums: bigint; // {u}
  readonly fromInventory: bigint; // {u}
  readonly fromBucket: bigint; // {u} fees and penalties
  readonly toJunior: bigint; // {asset}
  readonly toSenior: bigint; // {asset}
}

/** What is on the books of a pool, {asset}, and what changed it. */
export interface BookChange {
  readonly time: bigint; // {s}
  readonly cause: "deposit" | "withdrawal" | "loss" | "income";
  readonly before: bigint;
  readonly after: bigint;
}

/** Of the stakers. Lists are the oldest first. */
export interface Earnings {
  readonly incomes: readonly Income[];
  readonly books: Readonly<Record<TrancheName, readonly BookChange[]>>;
}

/** What was told, and by whom. */
export interface Told<T> {
  readonly source: Source;
  readonly what: T;
}

export type Source =
  | { readonly kind: "indexer"; readonly block: bigint }
  /** Why not the indexer, and the first block that was looked at. */
  | { readonly kind: "chain"; readonly why: string; readonly from: bigint };

/** {u} what the layers paid together; equal to `amount`, or something is wrong. */
export const layersOf = ({ byBucket, byJunior, bySenior, byShare, toDeficit }: Shortfall): bigint =>
  byBucket + byJunior + bySenior + byShare + toDeficit;
