/** The rules of a fill: band, size, cap, fees and the margin of both sides. docs/mechanism.md "Margin". */
import type { Context } from "./context.ts";
import {
  ensureNotWinning,
  ensurePricesOk,
  ensureUser,
  health,
  isPriceOk,
  listedMarket,
  openMarkets,
  paramsOf,
  refresh,
  syncDue,
} from "./context.ts";
import { rebase, settleAccount } from "./deleverage.ts";
import { ensure } from "./errors.ts";
import { fill } from "./ledger.ts";
import { REDUCE_ONLY, takerFeePpm } from "./level.ts";
import { capOf } from "./margin.ts";
import { abs, ceilDiv, floorDiv, mulDivCeil, mulDivFloor } from "./math.ts";
import { interestInEffect } from "./side.ts";
import type { Fill, Health, MarketParams } from "./types.ts";
import { MarketStatus, Valuation } from "./types.ts";
import { BPS } from "./units.ts";

const PPM = 1_000_000n;

/** An account before a fill, at the unfavourable edge. */
export interface Before {
  readonly account: bigint;
  readonly lots: bigint;
  readonly health: Health;
}

/** Settles an order of the exchange. */
export function settle(ctx: Context, caller: bigint, order: Fill): void {
  ensure(caller === ctx.exchange, "NotExchange", caller);
  ensure(order.lots > 0n, "ZeroAmount");
  ensure(order.buyer !== order.seller, "SameAccount", order.buyer);
  ensureUser(order.buyer);
  ensureUser(order.seller);
  const id = order.market;
  listedMarket(ctx, id);
  settleAccount(ctx, order.buyer);
  settleAccount(ctx, order.seller);
  const involved = new Set([id, ...openMarkets(ctx, order.buyer), ...openMarkets(ctx, order.seller)]);
  syncDue(
    ctx,
    [...involved].sort((a, b) => a - b),
  );
  const opening =
    ctx.state.position(order.buyer, id).lots + order.lots > 0n ||
    ctx.state.position(order.seller, id).lots < order.lots;
  if (opening) refresh(ctx, id);
  const market = ctx.state.market(id);
  const params = paramsOf(ctx, id);
  ensure(market.status < MarketStatus.SETTLING, "MarketNotActive", BigInt(id), BigInt(market.status));
  ensureInBand(order.price, market.price, isPriceOk(ctx, market) ? params.bandBps : params.bandBps / 5n);

  const buyer = before(ctx, order.buyer, id);
  const seller = before(ctx, order.seller, id);
  const buyerFee = feeOf(params, market.level, order.lots * order.price, order.buyerIsTaker);
  const sellerFee = feeOf(params, market.level, order.lots * order.price, !order.buyerIsTaker);
  fill(ctx.state, order, buyerFee, sellerFee);
  for (const side of [buyer, seller]) rebase(ctx.state, side.account, id, side.lots);

  const buyerGrows = ensureSide(ctx, id, buyer, order.buyerReduceOnly);
  const sellerGrows = ensureSide(ctx, id, seller, order.sellerReduceOnly);
  if (buyerGrows || sellerGrows) ensureOpen(ctx, id, buyerGrows, sellerGrows);
  const inEffect = interestInEffect(ctx.state, id);
  const cap = capOf(market);
  const isMore = ctx.state.market(id).openInterest > market.openInterest;
  ensure(!isMore || inEffect <= cap, "OpenInterestAboveCap", inEffect, cap);
}

export function before(ctx: Context, account: bigint, market: number): Before {
  return {
    account,
    lots: ctx.state.position(account, market).lots,
    health: health(ctx, account, Valuation.UNFAVOURABLE),
  };
}

/** {u} positive paid: the taker's fee, with what the level adds, up, the maker's rebate down; eq. (13). */
export function feeOf(params: MarketParams, level: bigint, notional: bigint, isTaker: boolean): bigint {
  if (!isTaker) return -floorDiv(notional * params.makerRebatePpm, PPM);
  return ceilDiv(notional * (params.takerFeePpm + takerFeePpm(level)), PPM);
}

function ensureInBand(price: bigint, mark: bigint, bandBps: bigint): void {
  const low = mulDivCeil(mark, BPS - bandBps, BPS);
  const high = mulDivFloor(mark, BPS + bandBps, BPS);
  ensure(price >= low && price <= high, "PriceOutsideBand", price, low, high);
}

/** Whether the position grew or turned round. */
export function grows(ctx: Context, market: number, side: Before): boolean {
  const { lots } = ctx.state.position(side.account, market);
  return abs(lots) > abs(side.lots) || lots * side.lots < 0n;
}

export function ensureSize(ctx: Context, market: number, account: bigint): void {
  const size = abs(ctx.state.position(account, market).lots);
  const { minLots } = paramsOf(ctx, market);
  ensure(size === 0n || size >= minLots, "PositionTooSmall", account, size, minLots);
}

/** Reduce-only, size and margin of one side of a fill; returns whether it grew. */
function ensureSide(ctx: Context, market: number, side: Before, reduceOnly: boolean): boolean {
  const { account } = side;
  const grown = grows(ctx, market, side);
  ensure(!(grown && reduceOnly), "ReduceOnly", account, side.lots);
  ensureSize(ctx, market, account);
  const met = ensureMargin(ctx, market, side, grown, true);
  const row = ctx.state.accounts.get(account);
  if (met && row.unhealthySince !== 0n) ctx.state.accounts.set(account, { ...row, unhealthySince: 0n });
  return grown;
}

/** What a market must be to take new risk. */
function ensureOpen(ctx: Context, id: number, longGrows: boolean, shortGrows: boolean): void {
  const market = ctx.state.market(id);
  const key = BigInt(id);
  ensure(isPriceOk(ctx, market), "PriceNotValid", key, BigInt(market.state));
  ensure(market.status === MarketStatus.ACTIVE, "MarketNotActive", key, BigInt(market.status));
  ensure(market.level < REDUCE_ONLY, "LevelTooHigh", key, market.level);
  if (longGrows) ensureNotWinning(ctx, id, true);
  if (shortGrows) ensureNotWinning(ctx, id, false);
  const deficit = ctx.state.deficits.get(key);
  ensure(deficit === 0n, "DeficitOutstanding", key, deficit);
  const balance = ctx.state.internalBalance * ctx.tokenUnit;
  const total = ctx.state.totalDeficit;
  ensure(total * 1_000n <= balance, "OpeningStopped", total, balance);
}

/**
 * Initial margin, which counts only while the other markets' prices are OK, or for a side that reduced: not below zero and
 * not less healthy. All at the unfavourable edge. Returns whether initial margin is met.
 */
export function ensureMargin(ctx: Context, market: number, side: Before, grown: boolean, scaled: boolean): boolean {
  const others = openMarkets(ctx, side.account).filter((id) => id !== market);
  if (grown) ensurePricesOk(ctx, others);
  const othersOk = others.every((id) => isPriceOk(ctx, ctx.state.market(id)));
  const after = health(ctx, side.account, Valuation.UNFAVOURABLE, scaled);
  if (after.capped >= after.initial && othersOk) return true;
  ensure(!grown, "InitialMarginNotMet", side.account, after.capped, after.initial);
  const kept = after.equity >= 0n && after.equity * side.health.maintenance >= side.health.equity * after.maintenance;
  ensure(kept, "ReduceLowersHealth", side.account, after.equity, after.maintenance);
  return false;
}
