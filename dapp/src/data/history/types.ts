/** What happened to the markets, whoever tells it: the indexer, or the logs of the chain. */

export interface MarketPoint {
  readonly time: bigint; // {s}
  readonly price: bigint; // {u/lot}
  readonly openInterest: bigint; // {lot}
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

export interface History {
  readonly source: Source;
  readonly points: ReadonlyMap<number, readonly MarketPoint[]>;
  readonly observations: ReadonlyMap<number, readonly Observation[]>;
  readonly shortfalls: readonly Shortfall[]; // the newest first
}

export type Source =
  | { readonly kind: "indexer"; readonly block: bigint }
  /** Why not the indexer, and the first block that was looked at. */
  | { readonly kind: "chain"; readonly why: string; readonly from: bigint };

/** {u} what the layers paid together; equal to `amount`, or something is wrong. */
export const layersOf = ({ byBucket, byJunior, bySenior, byShare, toDeficit }: Shortfall): bigint =>
  byBucket + byJunior + bySenior + byShare + toDeficit;
