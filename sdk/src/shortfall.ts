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

/** Splits `shortfall` u over the markets of `legs` and covers each part. */
export function coverShortfall(ctx: Context, shortfall: bigint, legs: readonly Leg[], reason: DrawReason): void {
  const parts = split(shortfall, weights(legs));
  for (const [i, { market }] of legs.entries()) coverMarket(ctx, market, parts[i] ?? 0n, reason);
}

/** Bucket, pool, deficit of one market. */
export function coverMarket(
  { state, world, tokenUnit }: Context,
  id: number,
  part: bigint,
  reason: DrawReason,
): Layers {
  const { bucket } = state.market(id);
  const layers = cover(part, bucket, tokenUnit, (requested) => world.absorb(id, requested, reason));
  if (part === 0n) return layers;
  if (layers.tokens > 0n) state.addBalance(layers.tokens);
  state.patchMarket(id, { bucket: bucket - layers.byBucket + layers.excess });
  if (layers.toDeficit > 0n) state.addDeficit(id, layers.toDeficit);
  return layers;
}
