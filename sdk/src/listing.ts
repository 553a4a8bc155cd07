/** Lists a market or changes its terms: what keeps an account healthy gets no worse at once. */
import type { Context } from "./context.ts";
import { sync } from "./context.ts";
import { ensure } from "./errors.ts";
import { min } from "./math.ts";
import type { MarketParams, MarketRules } from "./types.ts";
import { MarketStatus, PriceState } from "./types.ts";

/**
 * A rise of maintenance margin ramps, a fall is at once; the rules' own ramp fields are the engine's to set. Bounds of the
 * parameters are not checked here.
 */
export function setMarket(ctx: Context, market: number, params: MarketParams, rules: MarketRules): void {
  const { state, world } = ctx;
  const { state: price } = world.quote(market);
  ensure(price === PriceState.OK, "PriceNotValid", BigInt(market), BigInt(price));

  let { maintenanceBps } = params;
  if (state.market(market).syncedAt === 0n) {
    state.patchMarket(market, { status: MarketStatus.ACTIVE, syncedAt: world.now });
  } else {
    sync(ctx, market); // up to now at the old terms
    const current = state.params.get(market) ?? params;
    ensure(params.rampNotional >= current.rampNotional, "RampTightened", params.rampNotional, current.rampNotional);
    maintenanceBps = min(maintenanceBps, current.maintenanceBps);
  }
  state.params.set(market, { ...params, maintenanceBps });
  state.rules.set(market, {
    ...rules,
    maintenanceTargetBps: params.maintenanceBps,
    maintenanceFromBps: maintenanceBps,
    rampStartedAt: world.now,
  });
  sync(ctx, market);
}
