/** Markets and quotes with defaults, so that a test states only what matters to it. */
import type { MarketParams, MarketRules, Quote } from "../../src/types.ts";
import { PriceState } from "../../src/types.ts";
import { usd } from "../../src/units.ts";

export const paramsWith = (over: Partial<MarketParams> = {}): MarketParams => ({
  initialBps: 1_000n,
  maintenanceBps: 500n,
  rampNotional: 50_000_000n,
  bandBps: 500n,
  minLots: 100n,
  takerFeePpm: 500n,
  makerRebatePpm: 100n,
  discountBps: 100n,
  liquidatorShareBps: 5_000n,
  takeoverReward: usd(5),
  ...over,
});

export const rulesWith = (over: Partial<MarketRules> = {}): MarketRules => ({
  shockBps: 3_000n,
  stakeShareBps: 4_000n,
  interestRate: 100_000n,
  skewFactor: 1_000_000n,
  fundingCap: 7_500_000n,
  premiumRate: 20_000n,
  bucketTarget: 20_000n,
  maintenanceTargetBps: 500n,
  maintenanceFromBps: 500n,
  rampStartedAt: 0n,
  ...over,
});

export const quoteWith = (price: bigint, over: Partial<Quote> = {}): Quote => ({
  price,
  low: (price * 9_970n) / 10_000n,
  high: (price * 10_030n) / 10_000n + 1n,
  slow: price,
  validUntil: 1n << 32n,
  edgeBps: 30n,
  state: PriceState.OK,
  ...over,
});
