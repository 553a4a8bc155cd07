/** Books a shortfall: splits it over the account's markets and walks each part down the layers. */
import type { Context } from "./context.ts";
import { exposures, openMarkets, paramsOf } from "./context.ts";
import { INDEX_BOUND } from "./funding.ts";
import { maintenanceRatio, marginOf } from "./margin.ts";
import { abs, ceilDiv, max, min } from "./math.ts";
import { othersLots } from "./side.ts";
import type { Recovery } from "./types.ts";
import { DrawReason, MarketStatus } from "./types.ts";
import type { Leg } from "./waterfall.ts";
import { cover, partsOf, shareLimit } from "./waterfall.ts";

/** {s} a shortfall this close to a bad price is the oracle's. */
export const FAILURE_TIME = 600n;
/** {s} after settlement, for losses to be recognised before anybody is closed. */
export const CLOSE_DELAY = 3_600n;
/** {s} half-life of the slow EMA: two aligned ones cover any. */
const HOUR = 3_600n;

/** The account's positions as the waterfall weighs them. */
export function legsOf(ctx: Context, account: bigint): Leg[] {
  const ids = openMarkets(ctx, account);
  return exposures(ctx, account).map(({ position, market, params }, i) => {
    const notional = abs(position.lots) * market.price;
    return {
      market: ids[i] ?? 0,
      lots: position.lots,
      price: market.price,
      slow: market.slow,
      ratio: maintenanceRatio(params, notional),
      maintenance: marginOf(params, notional, 0n).maintenance,
    };
  });
}

/** A shortfall of one market whose account was made whole by the caller. */
export interface Loss {
  readonly market: number;
  readonly isLong: boolean; // the side it was on
  readonly canShare: boolean; // whether winners may be asked
  readonly reason: DrawReason;
  readonly amount: bigint; // {u}
}

/** Splits `shortfall` u over the markets of `legs` and covers each part. */
export function coverShortfall(ctx: Context, shortfall: bigint, legs: readonly Leg[]): void {
  const parts = partsOf(shortfall, legs);
  for (const [i, { market, lots }] of legs.entries()) {
    const reason = reasonOf(ctx, market);
    coverMarket(ctx, {
      market,
      isLong: lots > 0n,
      canShare: canShare(ctx, market),
      reason,
      amount: parts[i] ?? 0n,
    });
  }
}

/** Bucket, pool, winners, deficit of one market. */
export function coverMarket(ctx: Context, loss: Loss): void {
  const { state, world, tokenUnit } = ctx;
  const { market: id, amount, reason } = loss;
  if (amount === 0n) return;
  const { bucket } = state.market(id);
  const layers = cover(amount, bucket, tokenUnit, {
    absorb: (requested) => world.absorb(id, requested, reason),
    share: (needed) => (loss.canShare ? share(ctx, id, !loss.isLong, needed) : 0n),
  });
  if (layers.tokens > 0n) state.addBalance(layers.tokens);
  state.patchMarket(id, { bucket: bucket - layers.byBucket + layers.excess });
  if (layers.toDeficit > 0n) state.addDeficit(id, layers.toDeficit);
}

/** Why an account of the market fell below zero. */
export function reasonOf({ state, world }: Context, id: number): DrawReason {
  const { badAt } = state.recovery.get(BigInt(id));
  const isOracle = state.market(id).status === MarketStatus.SETTLED || world.now < badAt + FAILURE_TIME;
  return isOracle ? DrawReason.ORACLE_FAILURE : DrawReason.LIQUIDATION;
}

/** Winners share losses until they may leave at the settlement price. */
export function canShare({ state, world }: Context, id: number): boolean {
  if (state.market(id).status !== MarketStatus.SETTLED) return true;
  return world.now < state.recovery.get(BigInt(id)).since + CLOSE_DELAY;
}

/** {u} collected from one side through its index; at least `needed` unless the limit binds. */
function share(ctx: Context, id: number, isLong: boolean, needed: bigint): bigint {
  const { state, world, tokenUnit } = ctx;
  const market = state.market(id);
  const lots = market.openInterest;
  const others = othersLots(state, id, isLong);
  if (others === 0n) return 0n;
  const charged = chargedNow(state.recovery.get(BigInt(id)), world.now);
  const { maintenanceBps } = paramsOf(ctx, id);
  const room = max(0n, shareLimit(market, maintenanceBps, !isLong) - charged.shared - charged.sharedBefore);
  const perLot = min(ceilDiv(needed, lots), room);
  const index = isLong ? market.indexLong + perLot : market.indexShort - perLot;
  if (perLot === 0n || abs(index) >= INDEX_BOUND) return 0n;

  state.patchMarket(id, isLong ? { indexLong: index } : { indexShort: index });
  state.recovery.set(BigInt(id), { ...charged, shared: charged.shared + perLot });
  const own = ceilDiv(perLot * (lots - others), tokenUnit);
  if (own > 0n) world.countLoss(id, own);
  return perLot * lots;
}

/** The charges of the hour that `now` lies in and of the one before. */
export function chargedNow(recovery: Recovery, now: bigint): Recovery {
  const hour = now / HOUR;
  if (hour === recovery.hour) return recovery;
  return { ...recovery, hour, shared: 0n, sharedBefore: hour === recovery.hour + 1n ? recovery.shared : 0n };
}
