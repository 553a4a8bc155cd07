/** What a sync does to a market: funding, premium, cap and maintenance ramp. docs/mechanism.md "Sync". Pure. */
import { abs, clamp, floorDiv, max, min } from "./math.ts";
import { premiumRate, utilisation } from "./premium.ts";
import type { Market, MarketRules, Quote } from "./types.ts";
import { PriceState } from "./types.ts";

/** Rates are 1e-9 of notional per 8 hours. */
export const FUNDING_DENOMINATOR = 1_000_000_000n * 28_800n;
/** {u/lot} |F| stays below. */
export const INDEX_BOUND = 1n << 62n;
/** {lot} */
export const CAP_BOUND = 1n << 47n;
/** The premium's remainder is kept in 2^-24 u per lot. */
const REMAINDER_SCALE = 1n << 24n;
/** {s} a maintenance margin that rises does so by 1 bps in this time. */
export const RAMP_SECONDS_PER_BPS = 360n;

export interface Accrual {
  readonly funding: bigint; // {u/lot} f, floor: paid by longs to shorts when positive
  readonly premium: bigint; // {u/lot} q, floor: paid by both sides
  readonly premiumRemainder: bigint; // {2^-24 u/lot}
  readonly remainder: bigint; // carried numerator, in [0, FUNDING_DENOMINATOR)
}

/** Funding and premium per lot from the last sync to `now`, at the prices and rate of the last sync; eq. (5), (6). */
export function accrue(market: Market, premiumRate: bigint, now: bigint): Accrual {
  const until = min(now, market.validUntil);
  const elapsed = market.state <= PriceState.WIDE ? max(0n, until - market.syncedAt) : 0n;
  const numerator = market.fundingRemainder + market.price * market.fundingRate * elapsed;
  const funding = floorDiv(numerator, FUNDING_DENOMINATOR);
  const owed = market.premiumRemainder * FUNDING_DENOMINATOR + market.price * premiumRate * elapsed * REMAINDER_SCALE;
  const premium = owed / (FUNDING_DENOMINATOR * REMAINDER_SCALE);
  const premiumRemainder = (owed % (FUNDING_DENOMINATOR * REMAINDER_SCALE)) / FUNDING_DENOMINATOR;
  const indices = [market.indexLong + funding + premium, market.indexShort + funding - premium];
  if (indices.some((index) => abs(index) >= INDEX_BOUND)) {
    return { funding: 0n, premium: 0n, remainder: market.fundingRemainder, premiumRemainder: market.premiumRemainder };
  }
  return { funding, premium, premiumRemainder, remainder: numerator - funding * FUNDING_DENOMINATOR };
}

/** {lot} the open interest that the free stake could absorb a shock of, down; eq. (7). */
export function openInterestCap(
  rules: Pick<MarketRules, "shockBps" | "stakeShareBps">,
  maintenanceBps: bigint,
  freeStake: bigint, // {u}
  price: bigint, // {u/lot}
): bigint {
  const notional = floorDiv(freeStake * rules.stakeShareBps, rules.shockBps - maintenanceBps);
  return min(CAP_BOUND, floorDiv(notional, price));
}

/** {1e-9 per 8 h} r; eq. (8). The skew is rounded toward zero, as `/` of Solidity and of `bigint` both do. */
export function fundingRate(
  rules: Pick<MarketRules, "interestRate" | "skewFactor" | "fundingCap">,
  inventoryLots: bigint,
  openInterest: bigint,
): bigint {
  const skew = openInterest === 0n ? 0n : (rules.skewFactor * inventoryLots) / openInterest;
  return clamp(rules.interestRate - skew, -rules.fundingCap, rules.fundingCap);
}

/** {bps} maintenance margin in force at `now`: a rise ramps, a fall is at once. */
export function rampedMaintenance(
  rules: Pick<MarketRules, "maintenanceTargetBps" | "maintenanceFromBps" | "rampStartedAt">,
  now: bigint,
): bigint {
  const ramped = rules.maintenanceFromBps + (now - rules.rampStartedAt) / RAMP_SECONDS_PER_BPS;
  return min(rules.maintenanceTargetBps, ramped);
}

export interface SyncInputs {
  readonly now: bigint; // {s}
  readonly quote: Quote;
  readonly inventoryLots: bigint; // {lot} in effect
  readonly openInterest: bigint; // {lot} in effect
}

/** The market after a sync but for its cap and level, and the premium {u} that it brought to FEES. */
export function syncMarket(
  market: Market,
  rules: MarketRules,
  inputs: SyncInputs,
): { market: Market; premium: bigint; maintenanceBps: bigint } {
  const used = utilisation(market.openInterest, market.openInterestCap); // the cap is that of the last sync
  const rate = premiumRate(rules.premiumRate, used, market.level);
  const { funding, premium, remainder, premiumRemainder } = accrue(market, rate, inputs.now);
  const maintenanceBps = rampedMaintenance(rules, inputs.now);
  const synced: Market = {
    ...market,
    ...inputs.quote,
    indexLong: market.indexLong + funding + premium,
    indexShort: market.indexShort + funding - premium,
    edgeBps: min(inputs.quote.edgeBps, maintenanceBps / 4n),
    fundingRemainder: remainder,
    premiumRemainder,
    syncedAt: inputs.now,
    fundingRate: fundingRate(rules, inputs.inventoryLots, inputs.openInterest),
  };
  return { market: synced, premium: 2n * premium * market.openInterest, maintenanceBps };
}
