/** Lists a market or changes its terms: what keeps an account healthy gets no worse at once. */
import type { Context } from "./context.ts";
import { listedMarket, sync } from "./context.ts";
import { ensure } from "./errors.ts";
import { min } from "./math.ts";
import type { VolatilityLimits } from "./risk.ts";
import type { InventoryCap, MarketParams, MarketRules } from "./types.ts";
import { MarketStatus, PriceState } from "./types.ts";

/**
 * A rise of maintenance margin ramps, a fall is at once; the rules' own ramp fields are the engine's to set. Bounds of the
 * parameters are not checked here.
 */
export function setMarket(ctx: Context, market: number, params: MarketParams, rules: MarketRules): void {
  const { state, world } = ctx;
  const { status } = state.market(market);
  ensure(status < MarketStatus.SETTLING, "MarketNotActive", BigInt(market), BigInt(status));
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
  state.patchMarket(market, { openInterestCap: 0n });
  sync(ctx, market);
}

/** Lets a market take new risk again, or stops it; a wind-down, once begun, is not taken back. */
export function setStatus(ctx: Context, market: number, status: MarketStatus): void {
  const current = listedMarket(ctx, market).status;
  ensure(current <= MarketStatus.REDUCE_ONLY, "MarketNotActive", BigInt(market), BigInt(current));
  const isChoice = status === MarketStatus.ACTIVE || status === MarketStatus.REDUCE_ONLY;
  ensure(isChoice, "MarketNotActive", BigInt(market), BigInt(status));
  ctx.state.patchMarket(market, { status });
}

/** Bounds what the pool's inventory of a market may hold. */
export function setInventoryCap(ctx: Context, market: number, cap: InventoryCap): void {
  listedMarket(ctx, market);
  ensureWithin("lots", cap.lots, 1n, (1n << 56n) - 1n);
  ensureWithin("bps", cap.bps, 500n, 5_000n);
  ctx.state.inventoryCaps.set(BigInt(market), cap);
}

/** From which volatility a market is at which level; the first limits give it levels. */
export function setVolatilityLimits({ state }: Context, market: number, limits: VolatilityLimits): void {
  const { level1, level2, level3, level4, initial } = limits;
  let last = 0n;
  for (const level of [level1, level2, level3, level4]) {
    ensure(level > last, "LimitsNotAscending", last, level);
    last = level;
  }
  ensure(initial > 0n, "LimitsNotAscending", 0n, initial);
  state.limits.set(market, limits);
}

function ensureWithin(name: string, value: bigint, least: bigint, most: bigint): void {
  const bytes32 = [...name].reduce((sum, letter) => (sum << 8n) | BigInt(letter.charCodeAt(0)), 0n);
  const word = bytes32 << BigInt(8 * (32 - name.length));
  ensure(least <= value && value <= most, "ParameterOutOfRange", word, value, least, most);
}
