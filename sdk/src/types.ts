/** Records of the ledger, field for field those of IMarginEngine and IOracle. */

import type { Survival } from "./survival.ts";

/** What the last answer of a feed was worth. */
export const PriceState = { OK: 0, WIDE: 1, STALE: 2, JUMP: 3, BOUND: 4, BAD: 5 } as const;
export type PriceState = (typeof PriceState)[keyof typeof PriceState];

export const MarketStatus = {
  UNLISTED: 0,
  ACTIVE: 1,
  REDUCE_ONLY: 2,
  WINDING_DOWN: 3,
  SETTLING: 4,
  SETTLED: 5,
} as const;
export type MarketStatus = (typeof MarketStatus)[keyof typeof MarketStatus];

/** At which price positions are valued. */
export const Valuation = { MARK: 0, UNFAVOURABLE: 1, FAVOURABLE: 2 } as const;
export type Valuation = (typeof Valuation)[keyof typeof Valuation];

/** Why the engine draws on the pool. */
export const DrawReason = { LIQUIDATION: 0, INVENTORY: 1, ORACLE_FAILURE: 2, ENGINE_DEFICIT: 3 } as const;
export type DrawReason = (typeof DrawReason)[keyof typeof DrawReason];

export interface Account {
  readonly cash: bigint; // {u}
  readonly markets: bigint; // bit m is set while there is a position in market m
  readonly unhealthySince: bigint; // {s} 0 when the clock is not running
}

export interface Position {
  readonly lots: bigint; // {lot} positive long, negative short
  readonly quote: bigint; // {u}
}

/** What a sync takes from the oracle. */
export interface Quote {
  readonly price: bigint; // {u/lot}
  readonly low: bigint; // {u/lot}
  readonly high: bigint; // {u/lot}
  readonly slow: bigint; // {u/lot}
  readonly validUntil: bigint; // {s}
  readonly edgeBps: bigint; // {bps}
  readonly state: PriceState;
}

export interface Market extends Quote {
  readonly indexLong: bigint; // {u/lot} F_L
  readonly indexShort: bigint; // {u/lot} F_S
  readonly syncedAt: bigint; // {s}
  readonly openInterest: bigint; // {lot}
  readonly openInterestCap: bigint; // {lot} at level 0
  readonly level: bigint; // of intervention, 0 to 4
  readonly bucket: bigint; // {u}
  readonly premiumRemainder: bigint;
  readonly fundingRemainder: bigint; // in [0, FUNDING_DENOMINATOR)
  readonly fundingRate: bigint; // {1e-9 per 8 h} positive: longs pay shorts
  readonly status: MarketStatus;
}

export interface MarketParams {
  readonly initialBps: bigint;
  readonly maintenanceBps: bigint; // in force now
  readonly rampNotional: bigint; // {USD}
  readonly bandBps: bigint;
  readonly minLots: bigint; // {lot}
  readonly takerFeePpm: bigint;
  readonly makerRebatePpm: bigint;
  readonly discountBps: bigint;
  readonly liquidatorShareBps: bigint;
  readonly takeoverReward: bigint; // {u}
}

export interface MarketRules {
  readonly shockBps: bigint;
  readonly stakeShareBps: bigint;
  readonly interestRate: bigint; // {1e-9 per 8 h}
  readonly skewFactor: bigint; // {1e-9 per 8 h}
  readonly fundingCap: bigint; // {1e-9 per 8 h}
  readonly premiumRate: bigint; // {1e-9 per 8 h}
  readonly bucketTarget: bigint; // {USD}
  readonly maintenanceTargetBps: bigint;
  readonly maintenanceFromBps: bigint;
  readonly rampStartedAt: bigint; // {s}
}

/** One side of a market in which winners have been deleveraged. */
export interface Side {
  readonly survival: Survival; // what is left of a lot of that side
  readonly pending: bigint; // {lot} recorded and not settled yet
  readonly pendingQuote: bigint; // {u} SUM of their lots times shifted price
}

/** What only losses and a wind-down touch. */
export interface Recovery {
  readonly shared: bigint; // {u/lot} loss shares charged in `hour`
  readonly sharedBefore: bigint; // {u/lot} in the hour before it
  readonly hour: bigint; // number of the aligned hour
  readonly badAt: bigint; // {s} last sync that found the feed BOUND or BAD
  readonly since: bigint; // {s} of the present status of a wind-down
}

/** What the pool holds of a market at most. */
export interface InventoryCap {
  readonly lots: bigint; // {lot}
  readonly bps: bigint; // {bps} of the pool's assets; 0: never set
}

/** The pool's inventory in effect. */
export interface Inventory {
  readonly lots: bigint; // {lot}
  readonly equity: bigint; // {u} at the mark
  readonly cap: bigint; // {lot} above it the other side is deleveraged
}

export interface Health {
  readonly equity: bigint; // {u}
  readonly capped: bigint; // {u}
  readonly initial: bigint; // {u}
  readonly maintenance: bigint; // {u}
  readonly notional: bigint; // {u}
}

export interface Fill {
  readonly market: number;
  readonly buyer: bigint;
  readonly seller: bigint;
  readonly lots: bigint; // {lot}
  readonly price: bigint; // {u/lot}
  readonly buyerIsTaker: boolean;
  readonly buyerReduceOnly: boolean;
  readonly sellerReduceOnly: boolean;
}
