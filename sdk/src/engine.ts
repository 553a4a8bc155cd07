/** A margin engine in bigint: the state-changing calls of IMarginEngine over plain data, all or nothing each. */
import * as cash from "./cash.ts";
import type { Context, World } from "./context.ts";
import { health, operatorKey, sync } from "./context.ts";
import { ensure } from "./errors.ts";
import { setMarket } from "./listing.ts";
import type { Liquidation } from "./rescue.ts";
import * as rescue from "./rescue.ts";
import { State } from "./state.ts";
import { settle } from "./trading.ts";
import type { Fill, Health, MarketParams, MarketRules, MarketStatus, Valuation } from "./types.ts";
import { tokenUnit } from "./units.ts";

export interface EngineOptions {
  readonly tokenDecimals: number;
  /** Address, as a number, that may call `fill`. */
  readonly exchange: bigint;
}

/** `at(world)` fixes clock, oracle and pool for the calls that follow. Every call throws EngineError and then changes nothing. */
export function createEngine({ tokenDecimals, exchange }: EngineOptions) {
  const state = new State();
  const operators = new Set<string>();
  const none: World = {
    now: 0n,
    quote: () => unset("quote"),
    freeStake: () => unset("freeStake"),
    absorb: () => unset("absorb"),
  };
  const ctx: Context = { state, tokenUnit: tokenUnit(tokenDecimals), exchange, operators, world: none };
  const run = <T>(operation: () => T): T => state.atomically(operation);

  return {
    state,
    tokenUnit: ctx.tokenUnit,
    at(world: World): void {
      ctx.world = world;
    },

    deposit: (account: bigint, amount: bigint) => run(() => cash.deposit(ctx, account, amount)),
    withdraw: (caller: bigint, account: bigint, amount: bigint, minPaid = 0n) =>
      run(() => cash.withdraw(ctx, caller, account, amount, minPaid)),
    transfer: (caller: bigint, from: bigint, to: bigint, amount: bigint) =>
      run(() => cash.transfer(ctx, caller, from, to, amount)),
    setOperator(owner: bigint, operator: bigint, approved: boolean): void {
      if (approved) operators.add(operatorKey(owner, operator));
      else operators.delete(operatorKey(owner, operator));
    },

    fill: (caller: bigint, order: Fill) => run(() => settle(ctx, caller, order)),

    sync: (market: number) => run(() => sync(ctx, market)),
    flag: (account: bigint) => run(() => rescue.flag(ctx, account)),
    unflag: (account: bigint) => run(() => rescue.unflag(ctx, account)),
    liquidate: (caller: bigint, call: Liquidation) => run(() => rescue.liquidate(ctx, caller, call)),
    takeover: (account: bigint, rewardAccount: bigint) => run(() => rescue.takeover(ctx, account, rewardAccount)),
    coverInventory: (market: number) => run(() => rescue.coverInventory(ctx, market)),
    collectIncome: (market: number) => run(() => cash.collectIncome(ctx, market)),

    setMarket: (market: number, params: MarketParams, rules: MarketRules) =>
      run(() => setMarket(ctx, market, params, rules)),
    setStatus: (market: number, status: MarketStatus) =>
      run(() => {
        ensure(state.market(market).syncedAt !== 0n, "UnknownMarket", BigInt(market));
        state.patchMarket(market, { status });
      }),

    /** Health at the stored prices. */
    health: (account: bigint, valuation: Valuation): Health => health(ctx, account, valuation),
  };
}

export type Engine = ReturnType<typeof createEngine>;

function unset(what: string): never {
  throw new Error(`call at(world) first: there is no ${what}`);
}
