/** What keepers do to accounts below maintenance margin: flag, liquidate, take over. docs/mechanism.md "Liquidation". */
import type { Context } from "./context.ts";
import {
  ensureAuthorized,
  ensureNotWinning,
  ensurePricesOk,
  ensureUser,
  health,
  listedMarket,
  openMarkets,
  paramsOf,
  refresh,
  refreshAll,
  syncDue,
} from "./context.ts";
import { rebase, settleAccount } from "./deleverage.ts";
import { ensure } from "./errors.ts";
import { fill } from "./ledger.ts";
import { clockAge, discount, isRunning, isTakeoverable, limitLots, lotsToClose, penaltyOf } from "./liquidation.ts";
import { maintenanceRatio } from "./margin.ts";
import { abs, min } from "./math.ts";
import { report } from "./pending.ts";
import { canShare, coverMarket, coverShortfall, legsOf } from "./shortfall.ts";
import { inventoryEquity, inventoryLots } from "./side.ts";
import { before, ensureMargin, ensureSize, grows } from "./trading.ts";
import type { Health } from "./types.ts";
import { DrawReason, MarketStatus, Valuation } from "./types.ts";
import { inventoryOf } from "./units.ts";
import { split } from "./waterfall.ts";

/** Starts the clock of an unhealthy account; restarts one that is too old. */
export function flag(ctx: Context, account: bigint): void {
  ensureUser(account);
  settleAccount(ctx, account);
  refreshAll(ctx, account);
  ensurePricesOk(ctx, openMarkets(ctx, account));
  ensureUnhealthy(ctx, account);
  const { unhealthySince } = ctx.state.accounts.get(account);
  ensure(!isRunning(unhealthySince, ctx.world.now), "ClockRunning", account, unhealthySince);
  setClock(ctx, account, ctx.world.now);
}

/** Stops the clock of an account that is healthy again. */
export function unflag(ctx: Context, account: bigint): void {
  ensure(ctx.state.accounts.get(account).unhealthySince !== 0n, "ClockNotRunning", account);
  settleAccount(ctx, account);
  refreshAll(ctx, account);
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
  ensureAuthorized(ctx, caller, into);
  ensureUser(into);
  ensure(account !== into, "SameAccount", account);
  settleAccount(ctx, into);
  ensureUser(account);
  ensure(call.maxLots > 0n, "ZeroAmount");
  settleAccount(ctx, account);
  const position = state.position(account, call.market);
  ensure(position.lots !== 0n, "NoPosition", account, BigInt(call.market));
  refreshAll(ctx, account);
  syncDue(ctx, openMarkets(ctx, into));
  ensurePricesOk(ctx, [call.market]);
  const { status, price } = state.market(call.market);
  ensure(status < MarketStatus.SETTLING, "MarketNotActive", BigInt(call.market), BigInt(status));
  ensureUnhealthy(ctx, account);
  const mark = health(ctx, account, Valuation.MARK);
  ensure(mark.equity >= 0n, "Insolvent", account, mark.equity);

  const params = paramsOf(ctx, call.market);
  const size = abs(position.lots);
  const ratio = maintenanceRatio(params, size * price);
  const terms = { ...mark, ratio, price, size, minLots: params.minLots };
  const d = discount(terms, params.discountBps, clockAge(state.accounts.get(account).unhealthySince, world.now));
  ensure(d >= call.minDiscount, "DiscountBelowLimit", d, call.minDiscount);
  const wanted = lotsToClose(terms, d);
  const lots = limitLots(wanted, call.maxLots, terms);
  ensure(lots !== undefined, "LotsAboveLimit", wanted, call.maxLots);
  const { penalty, share } = penaltyOf(terms, lots, d, params.liquidatorShareBps);

  const taker = before(ctx, into, call.market);
  const [buyer, seller] = position.lots > 0n ? [into, account] : [account, into];
  const fees = position.lots > 0n ? [-share, penalty] : [penalty, -share];
  fill(state, { market: call.market, buyer, seller, lots, price }, fees[0], fees[1]);
  rebase(state, account, call.market, position.lots);
  rebase(state, into, call.market, taker.lots);

  ensureSize(ctx, call.market, into);
  const grown = grows(ctx, call.market, taker);
  if (grown) ensureNotWinning(ctx, call.market, position.lots > 0n);
  ensureMargin(ctx, call.market, taker, grown, false);

  const after = health(ctx, account, Valuation.MARK);
  const kept = (after.equity + 2n) * mark.maintenance >= mark.equity * after.maintenance;
  ensure(kept, "HealthFalls", account, after.equity, after.maintenance);
  const { unhealthySince } = state.accounts.get(account);
  if (after.equity >= after.maintenance) setClock(ctx, account, 0n);
  else if (!isRunning(unhealthySince, world.now)) setClock(ctx, account, world.now);
  return { lots, penalty };
}

/** The inventory receives everything; below zero the waterfall pays. Returns E {u} at the mark. */
export function takeover(ctx: Context, account: bigint, rewardAccount: bigint): bigint {
  const { state, world } = ctx;
  ensureUser(account);
  ensureUser(rewardAccount);
  ensure(account !== rewardAccount, "SameAccount", account);
  const wasOpen = openMarkets(ctx, account).length > 0;
  settleAccount(ctx, account);
  settleAccount(ctx, rewardAccount);
  if (wasOpen && openMarkets(ctx, account).length === 0) return 0n; // deleveraging has closed it already
  refreshAll(ctx, account);
  const markets = openMarkets(ctx, account);
  ensurePricesOk(ctx, markets);
  const edge = health(ctx, account, Valuation.FAVOURABLE);
  const age = clockAge(state.accounts.get(account).unhealthySince, world.now);
  const dust = markets.every((id) => abs(state.position(account, id).lots) <= paramsOf(ctx, id).minLots);
  const allowed = isTakeoverable(edge.equity, edge.maintenance, age, dust);
  ensure(allowed, "NotTakeoverable", account, edge.equity, edge.maintenance);

  const legs = legsOf(ctx, account);
  const { maintenance } = health(ctx, account, Valuation.MARK);
  for (const { market, lots, price } of legs) {
    const [buyer, seller] = lots > 0n ? [inventoryOf(market), account] : [account, inventoryOf(market)];
    fill(state, { market, buyer, seller, lots: abs(lots), price });
  }
  const first = markets[0];
  if (first === undefined) throw new RangeError("an account below zero has a position");
  const equity = state.accounts.get(account).cash;
  setClock(ctx, account, 0n);
  const offered = paramsOf(ctx, first).takeoverReward;

  state.addCash(account, -equity);
  if (equity >= 0n) {
    const reward = min(offered, equity / 4n);
    state.addCash(rewardAccount, reward);
    const parts = split(
      equity - reward,
      legs.map((leg) => leg.maintenance),
    );
    for (const [i, { market }] of legs.entries()) {
      const part = parts[i] ?? 0n;
      if (part === 0n) continue;
      state.addCash(inventoryOf(market), part);
      report(ctx, market); // nobody joins cheaply between this gain and the next sync
    }
    return equity;
  }
  const { bucket } = state.market(first);
  const reward = min(min(offered, maintenance / 2n), bucket);
  state.patchMarket(first, { bucket: bucket - reward });
  state.addCash(rewardAccount, reward);
  coverShortfall(ctx, -equity, legs);
  return equity;
}

/** Covers the negative equity of the market's inventory; returns the shortfall {u}. */
export function coverInventory(ctx: Context, market: number): bigint {
  listedMarket(ctx, market);
  refresh(ctx, market);
  ensurePricesOk(ctx, [market]);
  const equity = inventoryEquity(ctx.state, market);
  if (equity >= 0n) {
    report(ctx, market); // a settled market is never synced
    return 0n;
  }
  ctx.state.addCash(inventoryOf(market), -equity);
  const lots = inventoryLots(ctx.state, market);
  const share = lots !== 0n && canShare(ctx, market);
  coverMarket(ctx, { market, isLong: lots > 0n, canShare: share, reason: DrawReason.INVENTORY, amount: -equity });
  report(ctx, market); // it is on the books now
  return -equity;
}

function ensureUnhealthy(ctx: Context, account: bigint): Health {
  const edge = health(ctx, account, Valuation.FAVOURABLE);
  ensure(edge.equity < edge.maintenance, "Healthy", account, edge.equity, edge.maintenance);
  return edge;
}

function setClock({ state }: Context, account: bigint, unhealthySince: bigint): void {
  state.accounts.set(account, { ...state.accounts.get(account), unhealthySince });
}
