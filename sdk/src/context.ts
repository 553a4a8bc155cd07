/** What the operations share: the state, the world outside the ledger, synchronisation and the health of an account. */
import { ensure } from "./errors.ts";
import { openInterestCap, syncMarket } from "./funding.ts";
import { marketsOf } from "./ledger.ts";
import type { Exposure } from "./margin.ts";
import { healthOf } from "./margin.ts";
import { mulDivCeil } from "./math.ts";
import { report } from "./pending.ts";
import * as risk from "./risk.ts";
import { interestInEffect, inventoryLots, othersLots } from "./side.ts";
import type { State } from "./state.ts";
import type { DrawReason, Health, Market, MarketParams, MarketRules, Position, Quote, Valuation } from "./types.ts";
import { MarketStatus, PriceState } from "./types.ts";
import { BPS, FEES, isSystem, ownerOf } from "./units.ts";

/** The clock, the oracle and the stakers' capital as the ledger sees them during one operation. */
export interface World {
  /** {s} */
  readonly now: bigint;
  quote(market: number): Quote;
  /** What is pending in a market, {token} each. */
  report(market: number, gain: bigint, loss: bigint, atRisk: bigint): void;
  /** {token} of both pools that counts as coverage, after what has been reported. */
  freeStake(): bigint;
  /** Whether a signal is in force in a market. */
  isRaised(market: number): boolean;
  /** {token} what both pools pay of `requested`, at most that. */
  absorb(market: number, requested: bigint, reason: DrawReason): bigint;
  /** {token} counted against the stack's budgets: what a loss share took from its own lots. */
  countLoss(market: number, assets: bigint): void;
  /** {token} of both pools, before this operation. */
  totalAssets(): bigint;
  /** {token} paid by the stakers for what the engine itself had lost, and not repaid. */
  unrepaid(): bigint;
  /** {token} taken of `assets` that repay it. */
  repay(assets: bigint): bigint;
  /** {token} that the engine holds, before this operation. */
  tokensHeld(): bigint;
  /** {u/lot} the oracle's average of the last `window` s. */
  twap(market: number, window: bigint): bigint;
  /** {u/lot} the same up to the last valid price. */
  lastTwap(market: number, window: bigint): bigint;
  /** {s} when the market's feed was configured. */
  feedSince(market: number): bigint;
  /** {u/lot} what the second source signed first at or after `from`; 0 when nobody brought it. */
  secondPrice(market: number, from: bigint): bigint;
}

export interface Context {
  readonly state: State;
  readonly tokenUnit: bigint; // {u/token} S
  readonly exchange: bigint;
  readonly operators: ReadonlySet<string>;
  world: World;
}

const MINUTE = 60n; // {s}
/** {s} a fill uses a sync younger than this. */
export const SYNC_PERIOD = 60n;

export const operatorKey = (owner: bigint, operator: bigint): string => `${owner}:${operator}`;

export function isAuthorized({ operators }: Context, caller: bigint, account: bigint): boolean {
  return ownerOf(account) === caller || operators.has(operatorKey(ownerOf(account), caller));
}

export function ensureAuthorized(ctx: Context, caller: bigint, account: bigint): void {
  ensure(isAuthorized(ctx, caller, account), "NotAuthorized", caller, account);
}

export function ensureUser(account: bigint): void {
  ensure(!isSystem(account), "SystemAccount", account);
}

export function paramsOf({ state }: Context, market: number): MarketParams {
  const params = state.params.get(market);
  if (params === undefined) throw new RangeError(`market ${market} has no parameters`);
  return params;
}

export function rulesOf({ state }: Context, market: number): MarketRules {
  const rules = state.rules.get(market);
  if (rules === undefined) throw new RangeError(`market ${market} has no rules`);
  return rules;
}

export function listedMarket({ state }: Context, market: number): Market {
  const row = state.market(market);
  ensure(row.syncedAt !== 0n, "UnknownMarket", BigInt(market));
  return row;
}

const isDue = (ctx: Context, market: number): boolean =>
  ctx.world.now >= ctx.state.market(market).syncedAt + SYNC_PERIOD;

export const isPriceOk = ({ world }: Context, market: Market): boolean =>
  market.state <= PriceState.WIDE && world.now <= market.validUntil;

/** Syncs those of `markets` whose last sync is due. */
export function syncDue(ctx: Context, markets: Iterable<number>): void {
  for (const id of markets) if (isDue(ctx, id)) sync(ctx, id);
}

/** Syncs when the last sync is due or the oracle has something new. */
export function refresh(ctx: Context, id: number): void {
  const market = ctx.state.market(id);
  if (market.status >= MarketStatus.SETTLING) return;
  const quote = ctx.world.quote(id);
  const shown = quote.state === PriceState.OK || quote.state === PriceState.STALE;
  const fresh = market.state === PriceState.OK && !isDue(ctx, id);
  if (!fresh || !shown || quote.validUntil !== market.validUntil) sync(ctx, id);
}

/**
 * Accrues funding and premium, stores the newest quote, refreshes rate and maintenance margin; cap and level at the first sync of each
 * aligned minute, and as long as there is no cap at all.
 */
export function sync(ctx: Context, market: number): void {
  const { state, world, tokenUnit } = ctx;
  const row = listedMarket(ctx, market);
  ensure(row.status < MarketStatus.SETTLING, "MarketNotActive", BigInt(market), BigInt(row.status));
  const quote = world.quote(market);
  const result = syncMarket(row, rulesOf(ctx, market), {
    now: world.now,
    quote,
    inventoryLots: inventoryLots(state, market),
    openInterest: interestInEffect(state, market),
  });
  if (quote.state === PriceState.BOUND || quote.state === PriceState.BAD) {
    state.recovery.set(BigInt(market), { ...state.recovery.get(BigInt(market)), badAt: world.now });
  }
  const { maintenanceBps } = result;
  state.markets.set(BigInt(market), result.market);
  state.params.set(market, { ...paramsOf(ctx, market), maintenanceBps });
  report(ctx, market);
  if (row.syncedAt / MINUTE !== world.now / MINUTE || row.openInterestCap === 0n) {
    const freeStake = world.freeStake() * tokenUnit;
    const capacity = openInterestCap(rulesOf(ctx, market), maintenanceBps, freeStake, quote.price);
    const level = observeRisk(ctx, market, capacity, freeStake);
    state.patchMarket(market, { level, openInterestCap: capacity });
  } else if (row.price !== quote.price) {
    state.patchMarket(market, { level: seeRisk(ctx, market) });
  }
  if (result.premium !== 0n) state.addCash(FEES, result.premium);
}

/** Lets the risk engine see a market that has just been synced; the level in force. */
function observeRisk(ctx: Context, market: number, capacity: bigint, freeStake: bigint): bigint {
  const { state, world } = ctx;
  const { price, state: priceState, fundingRate } = state.market(market);
  const openInterest = interestInEffect(state, market);
  const gap = rulesOf(ctx, market).shockBps - paramsOf(ctx, market).maintenanceBps; // {bps}
  const before = state.risks.get(BigInt(market));
  const exposure = {
    ...{ price, state: priceState, openInterest, capacity, freeStake, fundingRate },
    longs: othersLots(state, market, true),
    shorts: othersLots(state, market, false),
    beyondMargin: mulDivCeil(openInterest * price, gap, BPS),
  };
  const { risk: after, level } = risk.update(before, state.limits.get(market), exposure, {
    now: world.now,
    otherLiabilities: state.liabilities - before.liability,
    isRaised: world.isRaised(market),
  });
  if (after !== before) state.risks.set(BigInt(market), after);
  return level;
}

/** Shows the risk engine another price of a minute; the level in force. */
function seeRisk({ state, world }: Context, market: number): bigint {
  const before = state.risks.get(BigInt(market));
  const { risk: after, level } = risk.see(before, state.limits.get(market), state.market(market), world.now);
  if (after !== before) state.risks.set(BigInt(market), after);
  return level;
}

/** Markets in which the account has a position, ascending. */
export const openMarkets = ({ state }: Pick<Context, "state">, account: bigint): number[] =>
  marketsOf(state.accounts.get(account).markets);

export function refreshAll(ctx: Context, account: bigint): void {
  for (const market of openMarkets(ctx, account)) refresh(ctx, market);
}

/** The account's positions with the open interest in effect. */
export function exposures(ctx: Context, account: bigint): Exposure[] {
  return openMarkets(ctx, account).map((id) => exposure(ctx, id, ctx.state.position(account, id)));
}

export function exposure(ctx: Context, id: number, position: Position): Exposure {
  const market = { ...ctx.state.market(id), openInterest: interestInEffect(ctx.state, id) };
  return { position, market, params: paramsOf(ctx, id) };
}

/** Health of a settled account at the stored prices. `scaled` false: initial margin without the open-interest factor. */
export function health(ctx: Context, account: bigint, valuation: Valuation, scaled = true): Health {
  return healthOf(ctx.state.accounts.get(account).cash, exposures(ctx, account), valuation, scaled);
}

/** Nobody joins the winning side while the price is further than maintenance margin from its slow average. */
export function ensureNotWinning(ctx: Context, id: number, isLong: boolean): void {
  const { price, slow } = ctx.state.market(id);
  const won = isLong ? price - slow : slow - price;
  ensure(won * BPS <= slow * paramsOf(ctx, id).maintenanceBps, "WinningSideClosed", BigInt(id), price, slow);
}

export function ensurePricesOk(ctx: Context, markets: readonly number[]): void {
  for (const id of markets) {
    const market = ctx.state.market(id);
    ensure(isPriceOk(ctx, market), "PriceNotValid", BigInt(id), BigInt(market.state));
  }
}
