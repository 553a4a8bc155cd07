/** What the operations share: the state, the world outside the ledger, synchronisation and the health of an account. */
import { ensure } from "./errors.ts";
import { syncMarket } from "./funding.ts";
import { marketsOf } from "./ledger.ts";
import type { Exposure } from "./margin.ts";
import { healthOf } from "./margin.ts";
import type { State } from "./state.ts";
import type { DrawReason, Health, Market, MarketParams, MarketRules, Quote, Valuation } from "./types.ts";
import { MarketStatus, PriceState } from "./types.ts";
import { FEES, INVENTORY, isSystem, ownerOf } from "./units.ts";

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

/** {s} a fill uses a sync that is at most this old. */
export const SYNC_PERIOD = 60n;
/** Markets that one account may be in. */
export const MAX_MARKETS = 8n;

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
  ensure(row.status !== MarketStatus.UNLISTED, "UnknownMarket", BigInt(market));
  return row;
}

/** Accrues funding and premium, stores the newest quote, refreshes cap, rate and maintenance margin. */
export function sync(ctx: Context, market: number): void {
  const { state, world, tokenUnit } = ctx;
  const result = syncMarket(listedMarket(ctx, market), rulesOf(ctx, market), {
    now: world.now,
    quote: world.quote(market),
    freeStake: world.freeStake() * tokenUnit,
    inventoryLots: state.position(INVENTORY, market).lots,
  });
  state.markets.set(BigInt(market), result.market);
  state.params.set(market, { ...paramsOf(ctx, market), maintenanceBps: result.maintenanceBps });
  if (result.premium !== 0n) state.addCash(FEES, result.premium);
}

/** Markets in which the account has a position, ascending. */
export const openMarkets = ({ state }: Context, account: bigint): number[] =>
  marketsOf(state.accounts.get(account).markets);

export function syncAll(ctx: Context, account: bigint): void {
  for (const market of openMarkets(ctx, account)) sync(ctx, market);
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

export function ensurePricesOk(ctx: Context, account: bigint): void {
  for (const id of openMarkets(ctx, account)) {
    const { state } = ctx.state.market(id);
    ensure(state === PriceState.OK, "PriceNotValid", BigInt(id), BigInt(state));
  }
}
