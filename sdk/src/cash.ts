/** Money in, out and across: deposits, withdrawals with haircut, transfers, income. docs/mechanism.md "Deficit". */
import type { Context } from "./context.ts";
import {
  ensureAuthorized,
  ensurePricesOk,
  ensureUser,
  health,
  listedMarket,
  openMarkets,
  refreshAll,
  rulesOf,
  unflagIfHealthy,
} from "./context.ts";
import { ensure } from "./errors.ts";
import { max, min } from "./math.ts";
import { Valuation } from "./types.ts";
import { FEES, inventoryOf, usd } from "./units.ts";
import { haircut } from "./waterfall.ts";

/** {token} the most that one deposit or withdrawal moves. */
export const MAX_AMOUNT = (1n << 64n) - 1n;

/** `amount` in token units. */
export function deposit(ctx: Context, account: bigint, amount: bigint): void {
  ensureUser(account);
  ensureAmount(amount);
  ctx.state.addCash(account, amount * ctx.tokenUnit);
  ctx.state.addBalance(amount);
  unflagIfHealthy(ctx, account);
}

/** `amount` in token units; returns the tokens paid. What rounding withholds beyond the deficits stays in cash. */
export function withdraw(ctx: Context, caller: bigint, account: bigint, amount: bigint, minPaid = 0n): bigint {
  const { state, tokenUnit } = ctx;
  ensureAuthorized(ctx, caller, account);
  ensureAmount(amount);
  refreshAll(ctx, account);

  const held = state.internalBalance;
  const { paid, withheld } = haircut(amount, held * tokenUnit, state.totalDeficit, tokenUnit);
  state.addCash(account, -(paid * tokenUnit + withheld));
  ensureWithdrawable(ctx, account);
  ensure(paid <= held, "AmountTooLarge", paid, held); // others are below zero by what is missing
  state.addBalance(-paid);
  if (withheld > 0n) {
    state.claims.set(account, state.claims.get(account) + withheld);
    lowerDeficits(ctx, withheld);
  }
  ensure(paid >= minPaid, "PaidTooLittle", paid, minPaid);
  return paid;
}

/** `amount` in u. */
export function transfer(ctx: Context, caller: bigint, from: bigint, to: bigint, amount: bigint): void {
  ensureAuthorized(ctx, caller, from);
  ensureUser(to);
  ensure(from !== to, "SameAccount", from);
  ensure(amount > 0n, "ZeroAmount");
  refreshAll(ctx, from);
  ctx.state.addCash(from, -amount);
  ctx.state.addCash(to, amount);
  ensureWithdrawable(ctx, from);
  unflagIfHealthy(ctx, to);
}

/**
 * Takes what a flat inventory holds, repays the market's deficit from bucket and FEES, skims the bucket, pays FEES to the
 * pool; returns the tokens paid.
 */
export function collectIncome(ctx: Context, market: number): bigint {
  const { state, tokenUnit } = ctx;
  const { bucket } = listedMarket(ctx, market);
  const inventory = state.accounts.get(inventoryOf(market));
  const fromInventory = inventory.markets === 0n ? max(inventory.cash, 0n) : 0n;
  const collected = max(state.accounts.get(FEES).cash, 0n) + fromInventory;
  const deficit = state.deficits.get(BigInt(market));
  const byBucket = min(bucket, deficit);
  const byFees = min(collected, deficit - byBucket);
  const skimmed = max(bucket - byBucket - usd(rulesOf(ctx, market).bucketTarget), 0n);
  reduceDeficit(ctx, market, byBucket + byFees);

  const payable = min((collected - byFees + skimmed) / tokenUnit, state.internalBalance);
  const paid = state.totalDeficit === 0n ? payable : 0n;
  state.patchMarket(market, { bucket: bucket - byBucket - skimmed });
  state.addCash(inventoryOf(market), -fromInventory);
  state.addCash(FEES, fromInventory + skimmed - byFees - paid * tokenUnit);
  state.addBalance(-paid);
  return paid;
}

function ensureAmount(amount: bigint): void {
  ensure(amount > 0n, "ZeroAmount");
  ensure(amount <= MAX_AMOUNT, "AmountTooLarge", amount, MAX_AMOUNT);
}

/** Realised cash is not negative, prices are OK and initial margin, free of the open-interest factor, is met. */
function ensureWithdrawable(ctx: Context, account: bigint): void {
  const { cash } = ctx.state.accounts.get(account);
  ensure(cash >= 0n, "CashNegative", account, cash);
  ensurePricesOk(ctx, openMarkets(ctx, account));
  const { capped, initial } = health(ctx, account, Valuation.UNFAVOURABLE, false);
  ensure(capped >= initial, "InitialMarginNotMet", account, capped, initial);
}

/** Lowest market first. */
function lowerDeficits(ctx: Context, amount: bigint): void {
  let left = amount;
  for (const id of ctx.state.marketIds) {
    const part = min(left, ctx.state.deficits.get(BigInt(id)));
    reduceDeficit(ctx, id, part);
    left -= part;
  }
}

function reduceDeficit({ state }: Context, market: number, amount: bigint): void {
  if (amount > 0n) state.addDeficit(market, -amount);
}
