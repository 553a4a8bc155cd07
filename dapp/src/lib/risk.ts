/** What stakers may lose, in figures. Pure. */
import { abs, max, min } from "../../../sdk/src/math.ts";
import type { MarketView } from "../data/markets.ts";
import type { Pools } from "../data/pools.ts";

const BPS = 10_000n;

/** Of a market, what a move of its price can cost. */
export interface Exposed extends Pick<MarketView, "inventory"> {
  readonly market: Pick<MarketView["market"], "price" | "openInterest">;
  readonly params: Pick<MarketView["params"], "maintenanceBps">;
}

/**
 * {u} the most that a move of `moveBps` in one step could cost, in all markets at once, each in its worse direction: every lot of the
 * losing side held with no more than maintenance margin, the pool's own position with what it is worth now. Nobody is liquidated on
 * the way. Up to rounding of a unit a market.
 */
export const worstLoss = (markets: readonly Exposed[], moveBps: bigint): bigint =>
  markets.reduce((sum, { market: { openInterest, price }, params, inventory }) => {
    const beyond = max(0n, moveBps - params.maintenanceBps);
    const others = (lots: bigint) => (max(0n, lots) * price * beyond) / BPS;
    const own = abs(inventory.lots); // part of the open interest of its side
    const ofOwn = max(0n, (own * price * moveBps) / BPS - inventory.equity);
    return sum + max(others(openInterest), others(openInterest - own) + ofOwn);
  }, 0n);

/** {asset} how a loss of `assets` would fall on the tranches, the junior one first. `budget` {asset} is what the stack would pay. */
export function bornBy(
  pools: Pick<Pools, "junior" | "senior">,
  assets: bigint,
  budget: bigint,
): { readonly junior: bigint; readonly senior: bigint; readonly beyond: bigint } {
  const paid = min(assets, budget);
  const junior = min(paid, pools.junior.bookedAssets);
  return { junior, senior: paid - junior, beyond: assets - paid };
}

/** {asset} what is left of the week's budget. */
export function budgetLeft({ junior, senior, windowBps, usedInWindow }: Pools): bigint {
  const books = junior.bookedAssets + senior.bookedAssets;
  const budget = ((books + usedInWindow) * windowBps) / BPS;
  return max(0n, budget - usedInWindow);
}

/** {bps} stake per potential liability; undefined when there is nothing to cover. */
export const coverageBps = ({ freeStake, tokenUnit, liabilities }: Pools): bigint | undefined =>
  liabilities === 0n ? undefined : (freeStake * tokenUnit * BPS) / liabilities;
