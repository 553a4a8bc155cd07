/** Books a shortfall: splits it over the account's markets and walks each part down the layers. */
import type { Context } from "./context.ts";
import { exposures, openMarkets } from "./context.ts";
import { maintenanceRatio, marginOf } from "./margin.ts";
import { abs } from "./math.ts";
import type { DrawReason } from "./types.ts";
import type { Layers, Leg } from "./waterfall.ts";
import { cover, split, weights } from "./waterfall.ts";

/** The account's positions as the waterfall weighs them. */
export function legsOf(ctx: Context, account: bigint): Leg[] {
  const ids = openMarkets(ctx, account);
  return exposures(ctx, account).map(({ position, market, params }, i) => {
    const notional = abs(position.lots) * market.price;
    return {
      market: ids[i] ?? 0,
      lots: position.lots,
      price: market.price,
      slow: market.slow,
      ratio: maintenanceRatio(params, notional),
      maintenance: marginOf(params, notional, 0n).maintenance,
    };
  });
}

/**
 * Covers `shortfall` u through bucket, pool and deficit of each market. An account without positions has no market to
 * weigh: its shortfall falls on the lowest listed market.
 */
export function coverShortfall(ctx: Context, shortfall: bigint, legs: readonly Leg[], reason: DrawReason): Layers[] {
  const ids = legs.length === 0 ? ctx.state.marketIds.slice(0, 1) : legs.map((leg) => leg.market);
  const parts = legs.length === 0 ? [shortfall] : split(shortfall, weights(legs));
  return ids.map((id, i) => coverMarket(ctx, id, parts[i] ?? 0n, reason));
}

function coverMarket({ state, world, tokenUnit }: Context, id: number, part: bigint, reason: DrawReason): Layers {
  const { bucket } = state.market(id);
  const layers = cover(part, bucket, tokenUnit, (requested) => world.absorb(id, requested, reason));
  if (part === 0n) return layers;
  const deficit = state.deficits.get(BigInt(id)) + layers.toDeficit;
  state.balance.set(0n, state.internalBalance + layers.tokens);
  state.deficits.set(BigInt(id), deficit);
  state.patchMarket(id, { bucket: bucket - layers.byBucket + layers.excess, inDeficit: deficit > 0n });
  return layers;
}
