/** Money in, out and across: deposits, withdrawals with haircut, transfers, income. docs/mechanism.md "Deficit". */
import type { Context } from "./context.ts";
import { ensureAuthorized, ensurePricesOk, ensureUser, health, listedMarket, rulesOf, syncAll } from "./context.ts";
import { ensure } from "./errors.ts";
import { min } from "./math.ts";
import { Valuation } from "./types.ts";
import { FEES, usd } from "./units.ts";
import { haircut } from "./waterfall.ts";

/** {token} larger amounts would not fit the ledger's u. */
export const AMOUNT_BOUND = 1n << 96n;

/** `amount` in token units. */
export function deposit(ctx: Context, account: bigint, amount: bigint): void {
  ensure(amount > 0n, "ZeroAmount");
  ensureUser(account);
  ctx.state.addCash(account, amount * ctx.tokenUnit);
  ctx.state.balance.set(0n, ctx.state.internalBalance + amount);
}

/** `amount` in token units; returns the tokens paid. What rounding withholds beyond the deficits stays in cash. */
export function withdraw(ctx: Context, caller: bigint, account: bigint, amount: bigint): bigint {
  const { state, tokenUnit } = ctx;
  ensure(amount > 0n, "ZeroAmount");
  ensureUser(account);
  ensureAuthorized(ctx, caller, account);
  syncAll(ctx, account);
  ensureFree(ctx, account, amount * tokenUnit);

  const held = state.internalBalance;
  const { paid, withheld } = haircut(amount, held * tokenUnit, state.totalDeficit, tokenUnit);
  ensure(paid <= held, "TokenShort", held, paid);
  state.addCash(account, -(paid * tokenUnit + withheld));
  state.balance.set(0n, held - paid);
  if (withheld > 0n) {
    lowerDeficits(ctx, withheld);
    state.claims.set(account, state.claims.get(account) + withheld);
  }
  return paid;
}

/** `amount` in u. */
export function transfer(ctx: Context, caller: bigint, from: bigint, to: bigint, amount: bigint): void {
  ensure(amount > 0n, "ZeroAmount");
  ensure(from !== to, "SameAccount", from);
  ensureUser(from);
  ensureUser(to);
  ensureAuthorized(ctx, caller, from);
  syncAll(ctx, from);
  ensureFree(ctx, from, amount);
  ctx.state.addCash(from, -amount);
  ctx.state.addCash(to, amount);
}

/** Repays the market's deficit from bucket and FEES, skims the bucket, pays FEES to the pool; returns the tokens paid. */
export function collectIncome(ctx: Context, market: number): bigint {
  const { state, tokenUnit } = ctx;
  const { bucket } = listedMarket(ctx, market);
  const deficit = state.deficits.get(BigInt(market));
  const byBucket = min(bucket, deficit);
  const byFees = min(state.accounts.get(FEES).cash, deficit - byBucket);
  reduceDeficit(ctx, market, byBucket + byFees);

  const target = usd(rulesOf(ctx, market).bucketTarget);
  const left = bucket - byBucket;
  const skimmed = left > target ? left - target : 0n;
  if (byBucket + skimmed > 0n) state.patchMarket(market, { bucket: left - skimmed });
  if (byFees !== skimmed) state.addCash(FEES, skimmed - byFees);
  if (state.totalDeficit > 0n) return 0n;

  const paid = state.accounts.get(FEES).cash / tokenUnit;
  if (paid > 0n) {
    state.addCash(FEES, -paid * tokenUnit);
    state.balance.set(0n, state.internalBalance - paid);
  }
  return paid;
}

/** All prices OK, and initial margin and cash still good after `amount` u leave. */
function ensureFree(ctx: Context, account: bigint, amount: bigint): void {
  ensurePricesOk(ctx, account);
  const { capped, initial } = health(ctx, account, Valuation.UNFAVOURABLE, false);
  ensure(capped - amount >= initial, "InitialMarginNotMet", account, capped - amount, initial);
  const { cash } = ctx.state.accounts.get(account);
  ensure(cash >= amount, "CashNegative", account, cash - amount);
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
  if (amount === 0n) return;
  const left = state.deficits.get(BigInt(market)) - amount;
  state.deficits.set(BigInt(market), left);
  if (left === 0n) state.patchMarket(market, { inDeficit: false });
}
