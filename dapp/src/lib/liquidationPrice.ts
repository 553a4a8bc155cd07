/** At which price of one market an account would be liquidated, everything else as it is. Pure; the margin rules are the sdk's. */
import { type Exposure, healthOf } from "../../../sdk/src/margin.ts";
import { Valuation } from "../../../sdk/src/types.ts";

/** Times the price of now up to which a short's liquidation is looked for. */
const REACH = 64n;

/**
 * {u/lot} the price nearest to the present one at which equity at the favourable edge is below maintenance margin; undefined when
 * there is none. Exact: at the next price toward the present one the account is healthy.
 */
export function liquidationPrice(cash: bigint, exposures: readonly Exposure[], of: Exposure): bigint | undefined {
  const isUnhealthy = (price: bigint): boolean => {
    const moved = exposures.map((one) => (one === of ? { ...one, market: { ...one.market, price } } : one));
    const { equity, maintenance } = healthOf(cash, moved, Valuation.FAVOURABLE);
    return equity < maintenance;
  };
  const { price } = of.market;
  if (isUnhealthy(price)) return price;
  let healthy = price;
  let unhealthy = of.position.lots > 0n ? 1n : price * REACH;
  if (!isUnhealthy(unhealthy)) return undefined;
  while (healthy - unhealthy > 1n || unhealthy - healthy > 1n) {
    const middle = (healthy + unhealthy) / 2n;
    if (isUnhealthy(middle)) unhealthy = middle;
    else healthy = middle;
  }
  return unhealthy;
}
