/** Money in, out and across: deposits, withdrawals with haircut, transfers. docs/mechanism.md "Deficit". */
import { addClaim } from "./claims.ts";
import type { Context } from "./context.ts";
import { ensureAuthorized, ensurePricesOk, ensureUser, health, openMarkets, refreshAll } from "./context.ts";
import { settleAccount } from "./deleverage.ts";
import { ensure } from "./errors.ts";
import { Valuation } from "./types.ts";
import { haircut } from "./waterfall.ts";

/** {token} the most that one deposit or withdrawal moves. */
export const MAX_AMOUNT = (1n << 64n) - 1n;

/** `amount` in token units. Refused while the engine holds fewer tokens than its ledger says, the deposit included. */
export function deposit(ctx: Context, account: bigint, amount: bigint): void {
  ensureUser(account);
  ensureAmount(amount);
  settleAccount(ctx, account);
  ctx.state.addCash(account, amount * ctx.tokenUnit);
  ctx.state.addBalance(amount);
  unflagIfHealthy(ctx, account);
  const [held, balance] = [ctx.world.tokensHeld() + amount, ctx.state.internalBalance];
  ensure(held >= balance, "TokenShort", held, balance);
}

/** `amount` in token units; returns the tokens paid. What rounding withholds beyond the deficits stays in cash. */
export function withdraw(ctx: Context, caller: bigint, account: bigint, amount: bigint, minPaid = 0n): bigint {
  const { state, tokenUnit } = ctx;
  ensureAuthorized(ctx, caller, account);
  ensureAmount(amount);
  settleAccount(ctx, account);
  refreshAll(ctx, account);

  const held = state.internalBalance;
  const { paid, withheld } = haircut(amount, held * tokenUnit, state.totalDeficit, tokenUnit);
  state.addCash(account, -(paid * tokenUnit + withheld));
  ensureWithdrawable(ctx, account);
  ensure(paid <= held, "AmountTooLarge", paid, held); // others are below zero by what is missing
  state.addBalance(-paid);
  if (withheld > 0n) {
    addClaim(state, account, withheld);
    state.lowerDeficits(withheld);
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
  settleAccount(ctx, from);
  settleAccount(ctx, to);
  refreshAll(ctx, from);
  ctx.state.addCash(from, -amount);
  ctx.state.addCash(to, amount);
  ensureWithdrawable(ctx, from);
  unflagIfHealthy(ctx, to);
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

/** Stops the clock of an account that what came in has made healthy. */
function unflagIfHealthy(ctx: Context, account: bigint): void {
  if (ctx.state.accounts.get(account).unhealthySince === 0n) return;
  settleAccount(ctx, account);
  refreshAll(ctx, account);
  const { equity, maintenance } = health(ctx, account, Valuation.FAVOURABLE);
  const row = ctx.state.accounts.get(account);
  if (equity >= maintenance) ctx.state.accounts.set(account, { ...row, unhealthySince: 0n });
}
