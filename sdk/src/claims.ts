/** What haircuts withheld, repaid to all pro rata: survival with price 0. docs/mechanism.md "Deficit, haircut, claims". */
import type { Context } from "./context.ts";
import { ensure } from "./errors.ts";
import type { State } from "./state.ts";
import type { Owed } from "./survival.ts";
import { checkpoint, lotsOwed, owed, reduce } from "./survival.ts";
import { CLAIMS } from "./units.ts";

/** Pays `amount` u, at least 1 and at most all claims, to everybody with a claim. The caller takes it from somewhere. */
export function payAll(state: State, amount: bigint): void {
  const { totalClaims, claimSurvival } = state.totals.get(0n);
  const { survival, end } = reduce(claimSurvival, amount, totalClaims, 0n);
  if (end !== undefined) state.claimEnds.set(end.epoch, end.value);
  state.patchTotals({ totalClaims: totalClaims - amount, claimSurvival: survival });
  state.addCash(CLAIMS, amount);
}

/** Credits the account with what its claim has been paid; returns the amount u, down. */
export function collect(state: State, account: bigint): bigint {
  const size = state.claims.get(account);
  const due = owedTo(state, account);
  const amount = lotsOwed(due, size);
  if (amount === 0n) return 0n;
  const left = size - amount;
  state.claims.set(account, left);
  if (left > 0n) state.claimCheckpoints.set(account, checkpoint(survivalOf(state), due, size, amount, left));
  state.addCash(CLAIMS, -amount);
  state.addCash(account, amount);
  return amount;
}

/** Adds `amount` u to the account's claim, which is collected first. */
export function addClaim(state: State, account: bigint, amount: bigint): void {
  collect(state, account);
  const size = state.claims.get(account);
  const survival = survivalOf(state);
  const next = size === 0n ? survival : checkpoint(survival, owedTo(state, account), size, 0n, size + amount);
  state.claimCheckpoints.set(account, next);
  state.claims.set(account, size + amount);
  state.patchTotals({ totalClaims: state.totalClaims + amount });
}

/** {u} what the account is still owed. */
export function outstanding(state: State, account: bigint): bigint {
  const size = state.claims.get(account);
  return size - lotsOwed(owedTo(state, account), size);
}

export function collectClaim({ state }: Context, account: bigint): bigint {
  const amount = collect(state, account);
  ensure(amount > 0n, "NoClaim", account);
  return amount;
}

const survivalOf = (state: State) => state.totals.get(0n).claimSurvival;

function owedTo(state: State, account: bigint): Owed {
  return owed(survivalOf(state), (epoch) => state.claimEnds.get(epoch), state.claimCheckpoints.get(account));
}
