/** Closes winners against the inventory above its cap, and settles their positions when they are next touched. */
import type { Context } from "./context.ts";
import { ensureNotWinning, ensurePricesOk, exposure, listedMarket, openMarkets, refresh } from "./context.ts";
import { ensure } from "./errors.ts";
import type { Applied } from "./ledger.ts";
import { applyFill, fill, marketsOf } from "./ledger.ts";
import { healthOf, sideIndex } from "./margin.ts";
import { abs, max } from "./math.ts";
import { canShare, coverMarket, reasonOf } from "./shortfall.ts";
import { heldByOthers, inventoryCap, inventoryLots, othersLots } from "./side.ts";
import type { State } from "./state.ts";
import { positionKey } from "./state.ts";
import type { Owed } from "./survival.ts";
import { checkpoint, lotsOwed, owed, priceOwed, reduce } from "./survival.ts";
import type { Account, Health, Position, Valuation } from "./types.ts";
import { MarketStatus } from "./types.ts";
import { inventoryOf, isSystem } from "./units.ts";

/** Times its assets: what a pool holds that cannot carry a loss on it any more. */
const DRAINED = 10n;

/** Records against the other side what the inventory holds above its cap, at the mark; returns the lots. */
export function deleverage(ctx: Context, id: number): bigint {
  const { state, world, tokenUnit } = ctx;
  listedMarket(ctx, id);
  refresh(ctx, id);
  const market = state.market(id);
  ensure(market.status < MarketStatus.SETTLING, "MarketNotActive", BigInt(id), BigInt(market.status));
  ensurePricesOk(ctx, [id]);
  const held = inventoryLots(state, id);
  const assets = world.totalAssets() * tokenUnit;
  const cap = inventoryCap(state, id, assets, market.price);
  ensure(abs(held) > cap, "InventoryWithinCap", BigInt(id), abs(held), cap);

  const isLong = held < 0n;
  if (abs(held) * market.price > DRAINED * assets) ensureNotWinning(ctx, id, isLong);
  const lots = abs(held) - cap;
  record(state, id, isLong, lots);
  return lots;
}

/** Reduces one side by `lots` at the mark: all that {Deleveraged} says. */
export function record(state: State, id: number, isLong: boolean, lots: bigint): void {
  const total = othersLots(state, id, isLong);
  const price = state.market(id).price - sideIndex(state.market(id), isLong ? 1n : -1n);
  const side = state.side(id, isLong);
  const { survival, end } = reduce(side.survival, lots, total, price);
  if (end !== undefined) state.setSideEnd(id, isLong, end.epoch, end.value);
  state.setSide(id, isLong, {
    survival,
    pending: side.pending + lots,
    pendingQuote: side.pendingQuote + lots * price,
  });
}

/**
 * Closes what has been recorded against the account's positions; a part of a lot stays owed. An account that is then without positions
 * and below zero is a shortfall of the market it was last in.
 */
export function settleAccount(ctx: Context, account: bigint): void {
  const { state } = ctx;
  const before = openMarkets(ctx, account);
  const last = before.at(-1);
  if (last === undefined) return;
  const isLong = state.position(account, last).lots > 0n;
  for (const id of before) settlePosition(state, account, id);

  const { cash, markets } = state.accounts.get(account);
  if (markets !== 0n || cash >= 0n) return;
  state.addCash(account, -cash);
  const reason = reasonOf(ctx, last);
  coverMarket(ctx, { market: last, isLong, canShare: canShare(ctx, last), reason, amount: -cash });
}

/** One position of it; returns what was closed, if anything: {lot}, and {u/lot} the price with the side's index. */
export function settlePosition(state: State, account: bigint, id: number): { lots: bigint; price: bigint } | undefined {
  const held = state.position(account, id).lots;
  const due = owedBy(state, account, id, held > 0n);
  const lots = lotsOwed(due, abs(held));
  if (lots === 0n) return undefined;

  const isLong = held > 0n;
  const price = priceOwed(due);
  const inventory = inventoryOf(id);
  const [buyer, seller] = isLong ? [inventory, account] : [account, inventory];
  const shifted = price + sideIndex(state.market(id), held);
  fill(state, { market: id, buyer, seller, lots, price: shifted });
  const side = state.side(id, isLong);
  const pending = heldByOthers(state, id, isLong) === 0n ? 0n : max(0n, side.pending - lots);
  const pendingQuote = pending === 0n ? 0n : side.pendingQuote - lots * price;
  state.setSide(id, isLong, { ...side, pending, pendingQuote });
  const left = abs(held) - lots;
  if (left > 0n) state.checkpoints.set(positionKey(account, id), checkpoint(side.survival, due, abs(held), lots, left));
  return { lots, price: shifted };
}

/** Dates a position after a fill that found `lotsBefore` in it, settled. */
export function rebase(state: State, account: bigint, id: number, lotsBefore: bigint): void {
  const { lots } = state.position(account, id);
  if (lots === 0n) return;
  const isLong = lots > 0n;
  const { survival } = state.side(id, isLong);
  const stayed = lotsBefore * lots > 0n;
  const due = owedBy(state, account, id, isLong);
  const next = stayed ? checkpoint(survival, due, abs(lotsBefore), 0n, abs(lots)) : survival;
  state.checkpoints.set(positionKey(account, id), next);
}

/** The account and one position after another as `settle` would leave them; nothing is written. */
export function settledView(
  ctx: Pick<Context, "state">,
  account: bigint,
): { account: Account; position(id: number): Position } {
  const { state } = ctx;
  let row = state.accounts.get(account);
  const positions = new Map<number, Position>();
  for (const id of openMarkets(ctx, account)) {
    const after = preview(state, account, id, row.cash);
    positions.set(id, after.position);
    const markets = after.position.lots === 0n ? row.markets & ~(1n << BigInt(id)) : row.markets;
    row = { ...row, cash: after.cash, markets };
  }
  const isShortfall = openMarkets(ctx, account).length > 0 && row.markets === 0n && row.cash < 0n;
  if (isShortfall) row = { ...row, cash: 0n };
  return { account: row, position: (id) => positions.get(id) ?? state.position(account, id) };
}

/** Health at the stored prices of what `settle` would leave. */
export function settledHealth(ctx: Context, account: bigint, valuation: Valuation): Health {
  const { account: row, position } = settledView(ctx, account);
  const open = marketsOf(row.markets).map((id) => exposure(ctx, id, position(id)));
  return healthOf(row.cash, open, valuation);
}

function preview(state: State, account: bigint, id: number, cash: bigint): Applied {
  const position = state.position(account, id);
  const due = owedBy(state, account, id, position.lots > 0n);
  const lots = lotsOwed(due, abs(position.lots));
  if (lots === 0n || isSystem(account)) return { cash, position };
  const market = state.market(id);
  const delta = position.lots > 0n ? -lots : lots;
  return applyFill({ cash, position }, market, delta, priceOwed(due) + sideIndex(market, position.lots), 0n);
}

function owedBy(state: State, account: bigint, id: number, isLong: boolean): Owed {
  const { survival } = state.side(id, isLong);
  const ends = (epoch: bigint) => state.sideEnd(id, isLong, epoch);
  return owed(survival, ends, state.checkpoints.get(positionKey(account, id)));
}
