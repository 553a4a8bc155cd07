/** What the pool's positions and accounts nobody has taken over may still bring or cost the stakers. docs/mechanism.md "What is pending". */
import type { Context } from "./context.ts";
import { paramsOf, rulesOf } from "./context.ts";
import { abs, ceilDiv, floorDiv, max } from "./math.ts";
import { interestInEffect, inventoryEquity, inventoryLots, othersLots } from "./side.ts";
import { MarketStatus, PriceState } from "./types.ts";
import { BPS } from "./units.ts";

/** {s} for which a settled market is measured from its slow average. */
export const SETTLED_TIME = 3n * 86_400n;

/** {u} what the inventory has gained at the favourable edge and lost at the unfavourable one. */
function edges({ state }: Context, id: number): { gain: bigint; loss: bigint } {
  const { price, low, high, edgeBps } = state.market(id);
  const [equity, lots] = [inventoryEquity(state, id), inventoryLots(state, id)];
  const size = abs(lots);
  const worse = lots > 0n ? price - low : high - price;
  return {
    gain: max(0n, equity + ceilDiv(size * price * edgeBps, BPS)),
    loss: max(0n, size * worse - equity),
  };
}

/**
 * {u} what accounts may have lost beyond their margin: how far the price has left the short EMA beyond maintenance margin, for every
 * lot of the losing side that is not the pool's; all that the market may cost while the price is not good.
 */
function atRisk(ctx: Context, id: number): bigint {
  const { state, world } = ctx;
  const market = state.market(id);
  const { maintenanceBps } = paramsOf(ctx, id);
  if (market.state > PriceState.WIDE) {
    const notional = interestInEffect(state, id) * market.price;
    return ceilDiv(notional * (rulesOf(ctx, id).shockBps - maintenanceBps), BPS);
  }
  const isSettled = market.status === MarketStatus.SETTLED;
  if (isSettled && world.now >= state.recovery.get(BigInt(id)).since + SETTLED_TIME) return 0n;
  const move = isSettled ? market.slow - market.price : market.high + market.low - 2n * market.price;
  const beyond = abs(move) - floorDiv(market.price * maintenanceBps, BPS);
  return beyond <= 0n ? 0n : othersLots(state, id, move > 0n) * beyond;
}

/** Tells the stack what is pending in a market, in token units, up. */
export function report(ctx: Context, id: number): void {
  const { gain, loss } = edges(ctx, id);
  const tokens = (amount: bigint) => ceilDiv(amount, ctx.tokenUnit);
  ctx.world.report(id, tokens(gain), tokens(loss), tokens(atRisk(ctx, id)));
}
