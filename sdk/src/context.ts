/** What the operations share: the state, the world outside the ledger, synchronisation and the health of an account. */
import { ensure } from "./errors.ts";
import { syncMarket } from "./funding.ts";
import { marketsOf } from "./ledger.ts";
import type { Exposure } from "./margin.ts";
import { healthOf } from "./margin.ts";
import type { State } from "./state.ts";
import type { DrawReason, Health, Market, MarketParams, MarketRules, Quote } from "./types.ts";
import { PriceState, Valuation } from "./types.ts";
import { FEES, inventoryOf, isSystem, ownerOf } from "./units.ts";

/** The clock, the oracle and the pool as the ledger sees them during one operation. */
export interface World {
  /** {s} */
  readonly now: bigint;
  quote(market: number): Quote;
  /** {token} */
  freeStake(): bigint;
  /** {token} what the pool pays of `requested`, at most that. */
  absorb(market: number, requested: bigint, reason: DrawReason): bigint;
}

export interface Context {
  readonly state: State;
  readonly tokenUnit: bigint; // {u/token} S
  readonly exchange: bigint;
  readonly operators: ReadonlySet<string>;
  world: World;
}

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
  market.state === PriceState.OK && world.now <= market.validUntil;

/** Syncs those of `markets` whose last sync is due. */
export function syncDue(ctx: Context, markets: Iterable<number>): void {
  for (const id of markets) if (isDue(ctx, id)) sync(ctx, id);
}

/** Syncs when the last sync is due or the oracle has something new. */
export function refresh(ctx: Context, id: number): void {
  const market = ctx.state.market(id);
  if (ctx.world.now === market.syncedAt) return;
  const quote = ctx.world.quote(id);
  const shown = quote.state === PriceState.OK || quote.state === PriceState.STALE;
  const current = market.state === PriceState.OK && shown && quote.validUntil === market.validUntil;
  if (!current || isDue(ctx, id)) sync(ctx, id);
}

/** Accrues funding and premium, stores the newest quote, refreshes cap, rate and maintenance margin. */
export function sync(ctx: Context, market: number): void {
  const { state, world, tokenUnit } = ctx;
  const result = syncMarket(listedMarket(ctx, market), rulesOf(ctx, market), {
    now: world.now,
    quote: world.quote(market),
    freeStake: world.freeStake() * tokenUnit,
    inventoryLots: state.position(inventoryOf(market), market).lots,
  });
  state.markets.set(BigInt(market), result.market);
  state.params.set(market, { ...paramsOf(ctx, market), maintenanceBps: result.maintenanceBps });
  if (result.premium !== 0n) state.addCash(FEES, result.premium);
}

/** Markets in which the account has a position, ascending. */
export const openMarkets = ({ state }: Context, account: bigint): number[] =>
  marketsOf(state.accounts.get(account).markets);

export function refreshAll(ctx: Context, account: bigint): void {
  for (const market of openMarkets(ctx, account)) refresh(ctx, market);
}

/** Stops the clock of an account that what came in has made healthy. */
export function unflagIfHealthy(ctx: Context, account: bigint): void {
  const row = ctx.state.accounts.get(account);
  if (row.unhealthySince === 0n) return;
  refreshAll(ctx, account);
  const { equity, maintenance } = health(ctx, account, Valuation.FAVOURABLE);
  if (equity >= maintenance) ctx.state.accounts.set(account, { ...row, unhealthySince: 0n });
}

export function exposures(ctx: Context, account: bigint): Exposure[] {
  return openMarkets(ctx, account).map((id) => ({
    position: ctx.state.position(account, id),
    market: ctx.state.market(id),
    params: paramsOf(ctx, id),
  }));
}

/** Health at the stored prices. `scaled` false: initial margin without the open-interest factor. */
export function health(ctx: Context, account: bigint, valuation: Valuation, scaled = true): Health {
  return healthOf(ctx.state.accounts.get(account).cash, exposures(ctx, account), valuation, scaled);
}

export function ensurePricesOk(ctx: Context, markets: readonly number[]): void {
  for (const id of markets) {
    const market = ctx.state.market(id);
    ensure(isPriceOk(ctx, market), "PriceNotValid", BigInt(id), BigInt(market.state));
  }
}
