/** Where income goes: claims, deficits, the pool; and what the engine itself has lost. docs/mechanism.md "Deficit, haircut, claims". */
import { payAll } from "./claims.ts";
import type { Context } from "./context.ts";
import { listedMarket, rulesOf } from "./context.ts";
import { ensure } from "./errors.ts";
import { max, min } from "./math.ts";
import { report } from "./pending.ts";
import { isFlat } from "./side.ts";
import type { State } from "./state.ts";
import { DrawReason, MarketStatus } from "./types.ts";
import { ENGINE_DEFICIT, FEES, inventoryOf, usd } from "./units.ts";

/**
 * Moves to FEES what a flat inventory holds and the bucket above its target, splits it between claims (down) and deficits, and pays
 * the pool when nothing is left of either; returns the tokens paid, down.
 */
export function collectIncome(ctx: Context, market: number): bigint {
  const { state, tokenUnit } = ctx;
  const { bucket, status, openInterest } = listedMarket(ctx, market);
  const fromInventory = isFlat(state, market) ? max(state.accounts.get(inventoryOf(market)).cash, 0n) : 0n;
  const ownDeficit = state.deficits.get(BigInt(market));
  const isEmpty = status === MarketStatus.SETTLED && openInterest === 0n;
  const target = isEmpty ? 0n : usd(rulesOf(ctx, market).bucketTarget);
  const above = max(0n, bucket - target);
  const owed = state.totalClaims + state.totalDeficit;
  const first = max(state.accounts.get(FEES).cash, 0n) + fromInventory + above;
  const below = ownDeficit > 0n ? min(bucket - above, max(0n, owed - first)) : 0n; // only what repays
  const fromBucket = above + below;
  const income = first + below;

  const recovered = min(income, owed);
  const payable = min((income - recovered) / tokenUnit, state.internalBalance);
  const paid = recovered === owed ? payable : 0n;

  state.patchMarket(market, { bucket: bucket - fromBucket });
  state.addCash(inventoryOf(market), -fromInventory);
  state.addCash(FEES, fromInventory + fromBucket - recovered - paid * tokenUnit);
  state.addBalance(-paid);
  recover(state, market, recovered);
  if (fromInventory > 0n) report(ctx, market);
  return paid;
}

/** Splits `amount` u, at most what is owed, between claims (down) and deficits, those of `market` first. */
function recover(state: State, market: number, amount: bigint): void {
  if (amount === 0n) return;
  const toClaims = (amount * state.totalClaims) / (state.totalClaims + state.totalDeficit);
  const own = min(amount - toClaims, state.deficits.get(BigInt(market)));
  if (toClaims > 0n) payAll(state, toClaims);
  if (own > 0n) state.addDeficit(market, -own);
  state.lowerDeficits(amount - toClaims - own);
}

/** The pool pays for tokens that the engine lacks, the rest becomes its own deficit; tokens beyond the balance repay deficits and claims, then stakers. */
export function coverEngine({ state, world, tokenUnit }: Context): void {
  const balance = state.internalBalance;
  const held = world.tokensHeld();
  if (held >= balance) {
    const amount = min(held - balance, (state.totalClaims + state.totalDeficit) / tokenUnit);
    const returned = min(held - balance - amount, world.unrepaid()); // to the stakers who paid for it
    ensure(amount + returned > 0n, "EngineBacked", held, balance);
    state.addBalance(amount);
    recover(state, ENGINE_DEFICIT, amount * tokenUnit);
    if (returned > 0n) world.repay(returned);
    return;
  }
  const paid = world.absorb(ENGINE_DEFICIT, balance - held, DrawReason.ENGINE_DEFICIT);
  const left = max(0n, balance - held - paid);
  state.addBalance(-left);
  if (left > 0n) state.addDeficit(ENGINE_DEFICIT, left * tokenUnit);
}
