/** The end of a market at a price that nobody chooses. docs/mechanism.md "Wind-down". */
import type { Context } from "./context.ts";
import {
  ensurePricesOk,
  ensureUser,
  health,
  isPriceOk,
  listedMarket,
  openMarkets,
  refresh,
  refreshAll,
} from "./context.ts";
import { settleAccount } from "./deleverage.ts";
import { ensure } from "./errors.ts";
import { fill } from "./ledger.ts";
import { abs, min } from "./math.ts";
import { report } from "./pending.ts";
import { closed } from "./risk.ts";
import { CLOSE_DELAY, coverMarket } from "./shortfall.ts";
import { DrawReason, MarketStatus, PriceState, Valuation } from "./types.ts";
import { inventoryOf } from "./units.ts";

/** {s} reduce-only before the price is fixed; a feed that has been late for as long is dead. */
export const NOTICE = 86_400n;
/** {s} without a valid price anybody may begin. */
export const DEAD_TIME = 7n * 86_400n;
/** {s} in which the second source may replace the last average. */
export const CHALLENGE_TIME = 86_400n;
/** {s} a feed must have stood to settle a market. */
export const FEED_TIME = 14n * 86_400n;
/** {s} of the average that becomes the settlement price. */
export const SETTLEMENT_WINDOW = 1_800n;
/** {s} dates of a market that has stopped: never due, never stale. */
const FOREVER = (1n << 32n) - 1n;

export function windDown(ctx: Context, id: number): void {
  const { status } = listedMarket(ctx, id);
  const isOpen = status === MarketStatus.ACTIVE || status === MarketStatus.REDUCE_ONLY;
  ensure(isOpen, "MarketNotActive", BigInt(id), BigInt(status));
  setStatusAt(ctx, id, MarketStatus.WINDING_DOWN);
}

export function windDownDead(ctx: Context, id: number): void {
  listedMarket(ctx, id);
  refresh(ctx, id);
  const { validUntil } = ctx.state.market(id);
  ensure(ctx.world.now > validUntil + DEAD_TIME, "PriceAlive", BigInt(id), validUntil);
  windDown(ctx, id);
}

export function fixSettlementPrice(ctx: Context, id: number): void {
  const { state, world } = ctx;
  const { status, price } = listedMarket(ctx, id);
  const { since } = state.recovery.get(BigInt(id));
  if (status === MarketStatus.SETTLING) {
    ensureFrom(ctx, since + CHALLENGE_TIME);
    stop(ctx, id, price, true);
    return;
  }
  ensure(status === MarketStatus.WINDING_DOWN, "MarketNotActive", BigInt(id), BigInt(status));
  ensureFrom(ctx, since + NOTICE);
  ensureFrom(ctx, world.feedSince(id) + FEED_TIME);
  refresh(ctx, id);
  const market = state.market(id);
  const isFinal = isPriceOk(ctx, market);
  if (!isFinal) ensureFrom(ctx, market.validUntil + NOTICE);
  stop(ctx, id, isFinal ? world.twap(id, SETTLEMENT_WINDOW) : world.lastTwap(id, SETTLEMENT_WINDOW), isFinal);
}

/** The first price of the second source since the market began to settle replaces the last average. */
export function challengeSettlementPrice(ctx: Context, id: number): void {
  const { status } = listedMarket(ctx, id);
  ensure(status === MarketStatus.SETTLING, "MarketNotActive", BigInt(id), BigInt(status));
  const { since } = ctx.state.recovery.get(BigInt(id));
  const latest = since + CHALLENGE_TIME - 1n;
  ensure(ctx.world.now <= latest, "TooLate", ctx.world.now, latest);
  const price = ctx.world.secondPrice(id, since);
  ensure(price > 0n, "NoSecondPrice", BigInt(id), since);
  stop(ctx, id, price, true);
}

/** Moves a position to the inventory at the settlement price; an account then empty and below zero is a shortfall. */
export function close(ctx: Context, id: number, account: bigint): void {
  const { state } = ctx;
  ensureUser(account);
  const { status, price } = listedMarket(ctx, id);
  ensure(status === MarketStatus.SETTLED, "MarketNotActive", BigInt(id), BigInt(status));
  ensureFrom(ctx, state.recovery.get(BigInt(id)).since + CLOSE_DELAY);
  ensure(state.position(account, id).lots !== 0n, "NoPosition", account, BigInt(id));
  settleAccount(ctx, account);
  const { lots } = state.position(account, id);
  if (lots === 0n) return; // deleveraging has closed it already
  moveOut(ctx, id, account, lots, price);
  report(ctx, id); // fewer are left who may have lost
}

function moveOut(ctx: Context, id: number, account: bigint, lots: bigint, price: bigint): void {
  const { state } = ctx;
  const inventory = inventoryOf(id);
  const [buyer, seller] = lots > 0n ? [inventory, account] : [account, inventory];
  fill(state, { market: id, buyer, seller, lots: abs(lots), price });

  const others = openMarkets(ctx, account);
  const row = state.accounts.get(account);
  if (others.length === 0) state.accounts.set(account, { ...row, unhealthySince: 0n });
  if (row.cash >= 0n) return;
  let amount = -row.cash;
  if (others.length > 0) {
    refreshAll(ctx, account);
    const { equity } = health(ctx, account, Valuation.MARK); // what its other positions do not carry is lost here
    if (equity >= 0n) return;
    ensurePricesOk(ctx, others);
    amount = min(amount, -equity);
  }
  state.addCash(account, amount);
  const reason = DrawReason.ORACLE_FAILURE;
  coverMarket(ctx, { market: id, isLong: lots > 0n, canShare: false, reason, amount });
}

/** The market stops at `price`: mark and edges alike. Not final: not OK, so nobody is taken over at it. */
function stop(ctx: Context, id: number, price: bigint, isFinal: boolean): void {
  ctx.state.patchMarket(id, {
    price,
    low: price,
    high: price,
    edgeBps: 0n,
    fundingRate: 0n,
    syncedAt: FOREVER,
    validUntil: FOREVER,
    state: isFinal ? PriceState.OK : PriceState.STALE,
  });
  setStatusAt(ctx, id, isFinal ? MarketStatus.SETTLED : MarketStatus.SETTLING);
  report(ctx, id);
  ctx.state.risks.set(BigInt(id), closed(ctx.state.risks.get(BigInt(id))));
}

function setStatusAt({ state, world }: Context, id: number, status: MarketStatus): void {
  state.patchMarket(id, { status });
  state.recovery.set(BigInt(id), { ...state.recovery.get(BigInt(id)), since: world.now });
}

function ensureFrom({ world }: Context, earliest: bigint): void {
  ensure(world.now >= earliest, "TooEarly", world.now, earliest);
}
