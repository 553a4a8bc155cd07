/** A margin engine in bigint: the state-changing calls of IMarginEngine over plain data, all or nothing each. */
import * as cash from "./cash.ts";
import { collectClaim, outstanding } from "./claims.ts";
import type { Context, World } from "./context.ts";
import { ensureUser, operatorKey, sync } from "./context.ts";
import { deleverage, settleAccount, settledHealth, settledView } from "./deleverage.ts";
import { collectIncome, coverEngine } from "./income.ts";
import { marketsOf } from "./ledger.ts";
import { setInventoryCap, setMarket, setStatus, setVolatilityLimits } from "./listing.ts";
import type { Liquidation } from "./rescue.ts";
import * as rescue from "./rescue.ts";
import type { VolatilityLimits } from "./risk.ts";
import { inventoryCap, inventoryEquity, inventoryLots } from "./side.ts";
import { State } from "./state.ts";
import { settle } from "./trading.ts";
import type {
  Account,
  Fill,
  Health,
  Inventory,
  InventoryCap,
  MarketParams,
  MarketRules,
  MarketStatus,
  Position,
  Valuation,
} from "./types.ts";
import { tokenUnit } from "./units.ts";
import * as end from "./winddown.ts";

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
    report: () => unset("report"),
    freeStake: () => unset("freeStake"),
    isRaised: () => unset("isRaised"),
    unrepaid: () => unset("unrepaid"),
    repay: () => unset("repay"),
    absorb: () => unset("absorb"),
    countLoss: () => unset("countLoss"),
    totalAssets: () => unset("totalAssets"),
    tokensHeld: () => unset("tokensHeld"),
    twap: () => unset("twap"),
    lastTwap: () => unset("lastTwap"),
    feedSince: () => unset("feedSince"),
    secondPrice: () => unset("secondPrice"),
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
    collectIncome: (market: number) => run(() => collectIncome(ctx, market)),
    collectClaim: (account: bigint) => run(() => collectClaim(ctx, account)),
    coverEngine: () => run(() => coverEngine(ctx)),
    deleverage: (market: number) => run(() => deleverage(ctx, market)),
    settle: (account: bigint) =>
      run(() => {
        ensureUser(account);
        settleAccount(ctx, account);
      }),

    windDown: (market: number) => run(() => end.windDown(ctx, market)),
    windDownDead: (market: number) => run(() => end.windDownDead(ctx, market)),
    fixSettlementPrice: (market: number) => run(() => end.fixSettlementPrice(ctx, market)),
    challengeSettlementPrice: (market: number) => run(() => end.challengeSettlementPrice(ctx, market)),
    close: (market: number, account: bigint) => run(() => end.close(ctx, market, account)),

    setMarket: (market: number, params: MarketParams, rules: MarketRules) =>
      run(() => setMarket(ctx, market, params, rules)),
    setVolatilityLimits: (market: number, limits: VolatilityLimits) =>
      run(() => setVolatilityLimits(ctx, market, limits)),
    setStatus: (market: number, status: MarketStatus) => run(() => setStatus(ctx, market, status)),
    setInventoryCap: (market: number, cap: InventoryCap) => run(() => setInventoryCap(ctx, market, cap)),

    /** Health at the stored prices, as `settle` would leave the account. */
    health: (account: bigint, valuation: Valuation): Health => settledHealth(ctx, account, valuation),
    /** As `settle` would leave them. */
    account: (account: bigint): Account => settledView(ctx, account).account,
    position: (account: bigint, market: number): Position => settledView(ctx, account).position(market),
    /** Cash and open positions, in one go. */
    settled(account: bigint): { cash: bigint; holdings: ({ market: number } & Position)[] } {
      const { account: row, position } = settledView(ctx, account);
      return { cash: row.cash, holdings: marketsOf(row.markets).map((market) => ({ market, ...position(market) })) };
    },
    /** {u} what haircuts withheld and income has not paid yet. */
    claim: (account: bigint): bigint => outstanding(state, account),
    /** The inventory in effect, at the stored price; `assets` {token} of the pool. */
    inventory: (market: number, assets = ctx.world.totalAssets()): Inventory => ({
      lots: inventoryLots(state, market),
      equity: inventoryEquity(state, market),
      cap: inventoryCap(state, market, assets * ctx.tokenUnit, state.market(market).price),
    }),
  };
}

export type Engine = ReturnType<typeof createEngine>;

function unset(what: string): never {
  throw new Error(`call at(world) first: there is no ${what}`);
}
