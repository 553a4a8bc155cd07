/** Yearly rates from what the contracts say per eight hours or per day. Pure; projections, not promises. */
import type { MarketView } from "../data/markets.ts";

const PERIODS = 3n * 365n; // of eight hours in a year
const BILLION = 1_000_000_000n;

/** {u/year} what longs and shorts of a market would pay to the stakers in a year at today's rate, price and open interest; down. */
export const yearlyPremium = ({ market, premiumRate }: Pick<MarketView, "market" | "premiumRate">): bigint =>
  (2n * market.openInterest * market.price * premiumRate * PERIODS) / BILLION;

/** {bps} a year of `income` {asset/year} on `capital` {asset}; 0 without capital. Down. */
export const rateOf = (income: bigint, capital: bigint): bigint => (capital === 0n ? 0n : (income * 10_000n) / capital);
