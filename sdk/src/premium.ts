/** What the stakers' capital costs a market: eq. (24), (25) of docs/mechanism.md. Pure. */
import { premiumBps } from "./level.ts";
import { max, mulDivCeil } from "./math.ts";
import { BPS } from "./units.ts";

/** {1e-6} every lot that the stake carries is open. */
export const FULL_USE = 1_000_000n;
/** {1e-6} utilisation above which the premium rises steeply. */
export const KINK = 800_000n;
/** By how many times the base the premium rises on the way from the kink to full use. */
const STEEP = 10n;

/**
 * {1e-6} open interest {lot} now over its cap {lot} of the last sync, up and at most FULL_USE: potential liabilities over the stake
 * they may lean on, the price cancels. Without a cap any open interest is full use.
 */
export function utilisation(openInterest: bigint, openInterestCap: bigint): bigint {
  if (openInterest >= openInterestCap) return openInterest === 0n ? 0n : FULL_USE;
  return mulDivCeil(openInterest, FULL_USE, openInterestCap);
}

/**
 * {1e-9 per 8 h} base * (1 + u) up to the kink, from there to 11.8 * base at full use, up to twice that by the level; up.
 * `used` is a {@link utilisation}.
 */
export function premiumRate(base: bigint, used: bigint, level: bigint): bigint {
  const above = max(0n, used - KINK);
  const factor = FULL_USE + (used - above) + (STEEP * above * FULL_USE) / (FULL_USE - KINK); // divides exactly
  return mulDivCeil(base * factor, premiumBps(level), FULL_USE * BPS);
}
