/** The rules of a fill: band, size, cap, fees and the margin of both sides. docs/mechanism.md "Margin". */
import type { Context } from "./context.ts";
import { ensureUser, health, listedMarket, MAX_MARKETS, openMarkets, paramsOf, SYNC_PERIOD, sync } from "./context.ts";
import { ensure } from "./errors.ts";
import { fill } from "./ledger.ts";
import { abs, ceilDiv, floorDiv } from "./math.ts";
import type { Fill, Health, Market, MarketParams } from "./types.ts";
import { MarketStatus, PriceState, Valuation } from "./types.ts";
import { BPS } from "./units.ts";

/** {lot} |b| and OI stay below. */
export const LOTS_BOUND = 1n << 56n;
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
  listedMarket(ctx, order.market);
  if (ctx.world.now - ctx.state.market(order.market).syncedAt > SYNC_PERIOD) sync(ctx, order.market);
  const market = ctx.state.market(order.market);
  const params = paramsOf(ctx, order.market);
  ensureInBand(order.price, market, params);

  const buyer = before(ctx, order.buyer, order.market);
  const seller = before(ctx, order.seller, order.market);
  const buyerFee = feeOf(params, order.lots * order.price, order.buyerIsTaker);
  const sellerFee = feeOf(params, order.lots * order.price, !order.buyerIsTaker);
  fill(ctx.state, order, buyerFee, sellerFee);

  const opened = [
    ensureSide(ctx, order.market, buyer, order.buyerReduceOnly),
    ensureSide(ctx, order.market, seller, order.sellerReduceOnly),
  ];
  if (opened.includes(true)) ensureOpen(ctx, order.market, market.openInterest);
  ensureMargin(ctx, buyer, opened[0] ?? false);
  ensureMargin(ctx, seller, opened[1] ?? false);
}

export function before(ctx: Context, account: bigint, market: number): Before {
  return {
    account,
    lots: ctx.state.position(account, market).lots,
    health: health(ctx, account, Valuation.UNFAVOURABLE),
  };
}

/** {u} positive paid: the taker's fee up, the maker's rebate down; eq. (13). */
export function feeOf(params: MarketParams, notional: bigint, isTaker: boolean): bigint {
  return isTaker ? ceilDiv(notional * params.takerFeePpm, PPM) : -floorDiv(notional * params.makerRebatePpm, PPM);
}

function ensureInBand(price: bigint, market: Market, params: MarketParams): void {
  const width = market.price * params.bandBps;
  const parts = market.state === PriceState.OK ? BPS : 5n * BPS;
  const low = market.price - floorDiv(width, parts);
  const high = market.price + floorDiv(width, parts);
  ensure(price >= low && price <= high, "PriceOutsideBand", price, low, high);
}

/** Size, reduce-only and number of markets; returns whether the side opened or increased. */
export function ensureSide(ctx: Context, market: number, side: Before, reduceOnly: boolean): boolean {
  const { account } = side;
  const { lots } = ctx.state.position(account, market);
  const opened = abs(lots) > abs(side.lots) || lots * side.lots < 0n;
  ensure(!(reduceOnly && opened), "ReduceOnly", account, side.lots);
  ensure(abs(lots) < LOTS_BOUND, "PositionTooLarge", account, lots);
  const { minLots } = paramsOf(ctx, market);
  ensure(lots === 0n || abs(lots) >= minLots, "PositionTooSmall", account, abs(lots), minLots);
  ensure(BigInt(openMarkets(ctx, account).length) <= MAX_MARKETS, "TooManyMarkets", account, MAX_MARKETS);
  return opened;
}

/** What a market must be to take new risk. */
export function ensureOpen(ctx: Context, id: number, openInterestBefore: bigint): void {
  const market = ctx.state.market(id);
  const key = BigInt(id);
  ensure(market.status === MarketStatus.ACTIVE, "MarketNotActive", key, BigInt(market.status));
  const price = market.state === PriceState.OK && ctx.world.now > market.validUntil ? PriceState.STALE : market.state;
  ensure(price === PriceState.OK, "PriceNotValid", key, BigInt(price));
  ensure(!market.inDeficit, "DeficitOutstanding", key, ctx.state.deficits.get(key));
  const { openInterest, openInterestCap } = market;
  const withinCap = openInterest <= openInterestBefore || openInterest <= openInterestCap;
  ensure(withinCap, "OpenInterestAboveCap", openInterest, openInterestCap);
}

/** Initial margin, or for a side that reduced: not below zero and not less healthy. All at the unfavourable edge. */
export function ensureMargin(ctx: Context, side: Before, opened: boolean): void {
  const after = health(ctx, side.account, Valuation.UNFAVOURABLE);
  if (after.capped >= after.initial) return;
  ensure(!opened, "InitialMarginNotMet", side.account, after.capped, after.initial);
  const kept = after.equity >= 0n && after.equity * side.health.maintenance >= side.health.equity * after.maintenance;
  ensure(kept, "ReduceLowersHealth", side.account, after.equity, after.maintenance);
}
