/** Margin ratios, the open-interest scale and the health of an account: docs/mechanism.md "Margin". */
import { capBps, initialBps } from "./level.ts";
import { abs, ceilDiv, clamp, floorDiv, min, mulDivCeil } from "./math.ts";
import type { Health, Market, MarketParams, Position } from "./types.ts";
import { PriceState, Valuation } from "./types.ts";
import { BPS, ONE } from "./units.ts";

type Tiers = Pick<MarketParams, "initialBps" | "maintenanceBps" | "rampNotional">;

/** D18{1} im(N), up; eq. (9). `notional` in u. */
export function initialRatio(tiers: Tiers, notional: bigint): bigint {
  return min(ONE, tiers.initialBps * (ONE / BPS) + ceilDiv(notional * 1_000_000n, tiers.rampNotional));
}

/** D18{1} mm(N), up: 60 % of the slope of im; eq. (10). */
export function maintenanceRatio(tiers: Tiers, notional: bigint): bigint {
  return min(ONE, tiers.maintenanceBps * (ONE / BPS) + ceilDiv(notional * 600_000n, tiers.rampNotional));
}

/** D18{1} s: 0 up to 40 % of the cap, 1 at the cap, down; eq. (11). */
export function openInterestScale(openInterest: bigint, cap: bigint): bigint {
  if (cap === 0n) return ONE;
  return clamp(floorDiv((10n * openInterest - 4n * cap) * ONE, 6n * cap), 0n, ONE);
}

/** {lot} most open interest at the level in force, down. */
export const capOf = (market: Pick<Market, "openInterestCap" | "level">): bigint =>
  floorDiv(market.openInterestCap * capBps(market.level), BPS);

/** {u} margin of one position of `notional` u, both up; eq. (12). New risk in `market` takes what its level and a WIDE price add. */
export function marginOf(
  tiers: Tiers,
  notional: bigint,
  scale: bigint,
  market?: Pick<Market, "level" | "state">,
): { initial: bigint; maintenance: bigint } {
  const im = initialRatio(tiers, notional);
  const scaled = im + mulDivCeil(ONE - im, scale, ONE);
  return {
    initial: mulDivCeil(notional, market === undefined ? scaled : raised(scaled, market), ONE),
    maintenance: mulDivCeil(notional, maintenanceRatio(tiers, notional), ONE),
  };
}

/** D18{1} initial margin for new risk. */
function raised(ratio: bigint, { level, state }: Pick<Market, "level" | "state">): bigint {
  const byLevel = mulDivCeil(ratio, initialBps(level), BPS);
  return min(ONE, state === PriceState.WIDE ? byLevel + byLevel / 2n : byLevel);
}

/** {u/lot} the price at which `lots` are valued. */
export function valuationPrice(market: Market, lots: bigint, valuation: Valuation): bigint {
  const long = lots > 0n;
  switch (valuation) {
    case Valuation.MARK:
      return market.price;
    case Valuation.UNFAVOURABLE:
      return long ? market.low : market.high;
    case Valuation.FAVOURABLE:
      return long
        ? floorDiv(market.price * (BPS + market.edgeBps), BPS)
        : mulDivCeil(market.price, BPS - market.edgeBps, BPS);
  }
}

/** {u/lot} F(b): the index of the side that `lots` is on. */
export const sideIndex = (market: Market, lots: bigint): bigint => (lots > 0n ? market.indexLong : market.indexShort);

/** {u} Q + b (p - F): what closing the position at `price` would bring. */
export function profitAt(position: Position, market: Market, price: bigint): bigint {
  return position.quote + position.lots * (price - sideIndex(market, position.lots));
}

export interface Exposure {
  readonly position: Position;
  readonly market: Market;
  readonly params: MarketParams;
}

/** One walk over an account's positions. `scaled` false leaves out the open-interest factor, as withdrawals do. */
export function healthOf(cash: bigint, exposures: Iterable<Exposure>, valuation: Valuation, scaled = true): Health {
  let [equity, capped, initial, maintenance, notional] = [cash, cash, 0n, 0n, 0n];
  for (const { position, market, params } of exposures) {
    const size = abs(position.lots) * market.price;
    const scale = scaled ? openInterestScale(market.openInterest, capOf(market)) : 0n;
    const margin = marginOf(params, size, scale, scaled ? market : undefined);
    const profit = profitAt(position, market, valuationPrice(market, position.lots, valuation));
    equity += profit;
    capped += min(profit, margin.initial);
    initial += margin.initial;
    maintenance += margin.maintenance;
    notional += size;
  }
  return { equity, capped, initial, maintenance, notional };
}
