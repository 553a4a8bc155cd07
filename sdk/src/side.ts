/** Figures in effect of a market in which winners have been deleveraged: eq. (21), (22). docs/mechanism.md "Deleveraging". */
import { profitAt, sideIndex } from "./margin.ts";
import { max, min } from "./math.ts";
import type { State } from "./state.ts";
import { BPS, inventoryOf } from "./units.ts";

/** {bps} of the pool's assets that an inventory may hold unless governance sets another cap. */
export const DEFAULT_INVENTORY_BPS = 3_500n;

/** {lot} of one side that are stored with others than the pool. */
export function heldByOthers(state: State, market: number, isLong: boolean): bigint {
  const { lots } = state.position(inventoryOf(market), market);
  return state.market(market).openInterest - max(0n, isLong ? lots : -lots);
}

/** What deleveraging has closed of one side and nobody has settled yet, at most what others hold: {lot} and {u}, cut toward zero. */
export function pendingOf(state: State, market: number, isLong: boolean): { lots: bigint; quote: bigint } {
  const { pending, pendingQuote } = state.side(market, isLong);
  const held = heldByOthers(state, market, isLong);
  if (pending <= held) return { lots: pending, quote: pendingQuote };
  return { lots: held, quote: (pendingQuote * held) / pending }; // the rest: parts of lots that nobody owes any more
}

/** {lot} the inventory in effect: with what is pending. */
export function inventoryLots(state: State, market: number): bigint {
  const { lots } = state.position(inventoryOf(market), market);
  return lots + pendingOf(state, market, true).lots - pendingOf(state, market, false).lots;
}

/** Neither holds the inventory anything nor is anything pending. */
export function isFlat(state: State, market: number): boolean {
  const nothing = [true, false].every((isLong) => pendingOf(state, market, isLong).lots === 0n);
  return nothing && state.accounts.get(inventoryOf(market)).markets === 0n;
}

/** {lot} of one side that are not the pool's in effect. */
export const othersLots = (state: State, market: number, isLong: boolean): bigint =>
  heldByOthers(state, market, isLong) - pendingOf(state, market, isLong).lots;

/** {lot} what caps, margin and the funding rate count; the stored one where nobody was ever deleveraged. */
export function interestInEffect(state: State, market: number): bigint {
  return othersLots(state, market, true) + max(0n, inventoryLots(state, market));
}

/** {u} of the inventory at the mark: what is pending counts at the price it was closed at. */
export function inventoryEquity(state: State, market: number): bigint {
  const row = state.market(market);
  const id = inventoryOf(market);
  const stored = state.accounts.get(id).cash + profitAt(state.position(id, market), row, row.price);
  const [long, short] = [pendingOf(state, market, true), pendingOf(state, market, false)];
  const closedLongs = long.lots * (row.price - sideIndex(row, 1n)) - long.quote;
  const closedShorts = short.lots * (row.price - sideIndex(row, -1n)) - short.quote;
  return stored + closedLongs - closedShorts;
}

/** {lot} what the inventory may hold at `price`; `assets` u of the pool. Both divisions down. */
export function inventoryCap(state: State, market: number, assets: bigint, price: bigint): bigint {
  const { lots, bps } = state.inventoryCaps.get(BigInt(market));
  const byAssets = (assets * (bps === 0n ? DEFAULT_INVENTORY_BPS : bps)) / BPS / price;
  return bps === 0n ? byAssets : min(lots, byAssets);
}
