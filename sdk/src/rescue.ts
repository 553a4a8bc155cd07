/** What keepers do to accounts below maintenance margin: flag, liquidate, take over. docs/mechanism.md "Liquidation". */
import type { Context } from "./context.ts";
import { ensureAuthorized, ensurePricesOk, ensureUser, health, openMarkets, paramsOf, syncAll } from "./context.ts";
import { ensure } from "./errors.ts";
import { fill } from "./ledger.ts";
import { clockAge, discount, isTakeoverable, limitLots, lotsToClose, penaltyOf } from "./liquidation.ts";
import { maintenanceRatio } from "./margin.ts";
import { abs, min } from "./math.ts";
import { coverShortfall, legsOf } from "./shortfall.ts";
import { before, ensureMargin, ensureOpen, ensureSide } from "./trading.ts";
import type { Health } from "./types.ts";
import { DrawReason, Valuation } from "./types.ts";
import { INVENTORY } from "./units.ts";

/** Starts the clock of an unhealthy account; restarts one that is too old. */
export function flag(ctx: Context, account: bigint): void {
  ensureUser(account);
  syncAll(ctx, account);
  ensureUnhealthy(ctx, account);
  startClock(ctx, account);
}

/** Stops the clock of an account that is healthy again. */
export function unflag(ctx: Context, account: bigint): void {
  ensureUser(account);
  syncAll(ctx, account);
  const { equity, maintenance } = health(ctx, account, Valuation.FAVOURABLE);
  ensure(equity >= maintenance, "Unhealthy", account, equity, maintenance);
  setClock(ctx, account, 0n);
}

export interface Liquidation {
  readonly account: bigint;
  readonly market: number;
  readonly into: bigint;
  readonly maxLots: bigint;
  readonly minDiscount: bigint; // D18
}

/** Closes part of a position into `into` at the mark; returns {lot} closed and {u} penalty. */
export function liquidate(ctx: Context, caller: bigint, call: Liquidation): { lots: bigint; penalty: bigint } {
  const { state, world } = ctx;
  const { account, into } = call;
  ensureUser(account);
  ensureUser(into);
  ensure(account !== into, "SameAccount", account);
  ensureAuthorized(ctx, caller, into);
  syncAll(ctx, account);
  syncAll(ctx, into);
  ensurePricesOk(ctx, account);
  ensureUnhealthy(ctx, account);
  const mark = health(ctx, account, Valuation.MARK);
  ensure(mark.equity >= 0n, "Insolvent", account, mark.equity);
  const position = state.position(account, call.market);
  ensure(position.lots !== 0n, "NoPosition", account, BigInt(call.market));
  startClock(ctx, account);

  const { price, openInterest } = state.market(call.market);
  const params = paramsOf(ctx, call.market);
  const size = abs(position.lots);
  const ratio = maintenanceRatio(params, size * price);
  const terms = { ...mark, ratio, price, size, minLots: params.minLots };
  const d = discount(terms, params.discountBps, clockAge(state.accounts.get(account).unhealthySince, world.now));
  ensure(d >= call.minDiscount, "DiscountBelowLimit", d, call.minDiscount);
  const wanted = lotsToClose(terms, d);
  const lots = limitLots(wanted, call.maxLots, terms);
  ensure(lots !== undefined, "LotsAboveLimit", wanted, call.maxLots);
  ensure(lots > 0n, "ZeroAmount");
  const { penalty, share } = penaltyOf(terms, lots, d, params.liquidatorShareBps);

  const taker = before(ctx, into, call.market);
  const [buyer, seller] = position.lots > 0n ? [into, account] : [account, into];
  const fees = position.lots > 0n ? [-share, penalty] : [penalty, -share];
  fill(state, { market: call.market, buyer, seller, lots, price }, fees[0], fees[1]);

  const after = health(ctx, account, Valuation.MARK);
  const kept = after.equity * mark.maintenance >= mark.equity * after.maintenance;
  ensure(kept, "ReduceLowersHealth", account, after.equity, after.maintenance);
  const opened = ensureSide(ctx, call.market, taker, false);
  if (opened) ensureOpen(ctx, call.market, openInterest);
  ensureMargin(ctx, taker, opened);
  return { lots, penalty };
}

/** The inventory receives everything; below zero the waterfall pays. Returns E {u} at the mark. */
export function takeover(ctx: Context, account: bigint, rewardAccount: bigint): bigint {
  const { state, world } = ctx;
  ensureUser(account);
  ensureUser(rewardAccount);
  ensure(account !== rewardAccount, "SameAccount", account);
  syncAll(ctx, account);
  ensurePricesOk(ctx, account);
  const markets = openMarkets(ctx, account);
  const edge = health(ctx, account, Valuation.FAVOURABLE);
  const age = clockAge(state.accounts.get(account).unhealthySince, world.now);
  const dust = markets.every((id) => abs(state.position(account, id).lots) <= paramsOf(ctx, id).minLots);
  const allowed = isTakeoverable(edge.equity, edge.maintenance, age, dust);
  ensure(allowed, "NotTakeoverable", account, edge.equity, (4n * edge.maintenance) / 10n);

  const legs = legsOf(ctx, account);
  const { maintenance } = health(ctx, account, Valuation.MARK);
  for (const { market, lots, price } of legs) {
    const [buyer, seller] = lots > 0n ? [INVENTORY, account] : [account, INVENTORY];
    fill(state, { market, buyer, seller, lots: abs(lots), price });
  }
  const equity = state.accounts.get(account).cash;
  setClock(ctx, account, 0n);
  const first = markets[0];
  const offered = first === undefined ? 0n : paramsOf(ctx, first).takeoverReward;

  state.addCash(account, -equity);
  if (equity >= 0n) {
    const reward = min(offered, equity);
    state.addCash(rewardAccount, reward);
    state.addCash(INVENTORY, equity - reward);
    return equity;
  }
  coverShortfall(ctx, -equity, legs, DrawReason.LIQUIDATION);
  if (first !== undefined) {
    const { bucket } = state.market(first);
    const reward = min(min(offered, bucket), maintenance);
    state.patchMarket(first, { bucket: bucket - reward });
    state.addCash(rewardAccount, reward);
  }
  return equity;
}

/** Covers the inventory's negative equity; returns the shortfall {u}. */
export function coverInventory(ctx: Context): bigint {
  syncAll(ctx, INVENTORY);
  const { equity } = health(ctx, INVENTORY, Valuation.MARK);
  if (equity >= 0n) return 0n;
  coverShortfall(ctx, -equity, legsOf(ctx, INVENTORY), DrawReason.INVENTORY);
  ctx.state.addCash(INVENTORY, -equity);
  return -equity;
}

function ensureUnhealthy(ctx: Context, account: bigint): Health {
  const edge = health(ctx, account, Valuation.FAVOURABLE);
  ensure(edge.equity < edge.maintenance, "Healthy", account, edge.equity, edge.maintenance);
  return edge;
}

function startClock(ctx: Context, account: bigint): void {
  const { unhealthySince } = ctx.state.accounts.get(account);
  if (clockAge(unhealthySince, ctx.world.now) === 0n) setClock(ctx, account, ctx.world.now);
}

function setClock({ state }: Context, account: bigint, unhealthySince: bigint): void {
  state.accounts.set(account, { ...state.accounts.get(account), unhealthySince });
}
