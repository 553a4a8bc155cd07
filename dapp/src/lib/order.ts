/** What a trade asks for and what it gets: the limit that is sent, and what the engine would refuse for anybody. Pure. */
import { abs, max } from "../../../sdk/src/math.ts";
import { BPS, formatLots } from "../../../sdk/src/units.ts";
import type { MarketView } from "../data/markets.ts";
import { percent } from "./format.ts";

export interface TradeQuote {
  readonly total: bigint; // {u} paid or received, fees included
  readonly fromCurve: bigint; // {lot}
  readonly fromPool: bigint; // {lot}
  readonly quote: bigint; // {u} without fees
}

/** {lot} that there is depth for. */
export const gotOf = ({ fromCurve, fromPool }: TradeQuote): bigint => fromCurve + fromPool;

/** {u} most to pay or least to receive. @param slippage {bps} worse than the quote that is still accepted */
export function limitOf({ total }: Pick<TradeQuote, "total">, isBuy: boolean, slippage: bigint): bigint {
  const worse = (total * slippage) / BPS;
  return isBuy ? total + worse : max(0n, total - worse);
}

/** Of a market, what a quote is held against. */
export interface Bounds extends Pick<MarketView, "lotDecimals" | "name"> {
  readonly market: Pick<MarketView["market"], "price">;
  readonly params: Pick<MarketView["params"], "bandBps">;
}

/** What the engine refuses of a quote: the AMM's own figures know neither depth that is short nor the band of fills. @param size {lot} */
export function flawOf(
  quote: TradeQuote,
  { market, params, lotDecimals, name }: Bounds,
  size: bigint,
): string | undefined {
  const got = gotOf(quote);
  if (got < size) return `There is depth for ${formatLots(got, lotDecimals)} ${name} only.`;
  const away = abs(quote.quote / got - market.price);
  return away * BPS > market.price * params.bandBps
    ? `That is too far from the mark: trades lie within ${percent(params.bandBps, BPS, 1)} of it. Trade less at once.`
    : undefined;
}
