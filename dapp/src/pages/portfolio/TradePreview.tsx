/** What a trade costs, how far it moves the price, and how the account would stand behind it. */
import { capOf } from "../../../../sdk/src/margin.ts";
import { max } from "../../../../sdk/src/math.ts";
import { BPS, formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import type { Standing } from "../../data/account.ts";
import type { MarketView } from "../../data/markets.ts";
import { percent, usd } from "../../lib/format.ts";
import { gotOf, type TradeQuote } from "../../lib/order.ts";
import { Figures } from "../../ui/parts.tsx";

interface Props {
  readonly quote: TradeQuote;
  /** The account as the trade would leave it; undefined while that is not known or it is refused. */
  readonly after: Standing | undefined;
  readonly limit: bigint; // {u}
  readonly view: MarketView;
  readonly isBuy: boolean;
}

export function TradePreview({ quote, after, limit, view, isBuy }: Props) {
  const { market, lotDecimals, name } = view;
  const average = quote.quote / gotOf(quote);
  const fees = isBuy ? quote.total - quote.quote : quote.quote - quote.total;
  const price = (value: bigint) => `$${formatPrice(value, lotDecimals)}`;
  const held = after?.holdings.find(({ view: { index } }) => index === view.index);
  return (
    <Figures
      rows={[
        {
          label: isBuy ? "You pay in all" : "You get in all",
          value: usd(quote.total),
          hint: `${usd(fees)} of fees; never ${isBuy ? "more" : "less"} than ${usd(limit)}. It is booked against margin; only profit and loss move cash.`,
        },
        {
          label: "Average price",
          value: price(average),
          hint: `${percent(average - market.price, market.price, 3)} from the mark of ${price(market.price)}`,
        },
        ...(quote.fromPool === 0n
          ? []
          : [{ label: "From the pool's own position", value: formatLots(quote.fromPool, lotDecimals) }]),
        ...(after === undefined
          ? []
          : [
              {
                label: "Your position afterwards",
                value: `${formatLots(held?.position.lots ?? 0n, lotDecimals)} ${name}`,
                hint:
                  held?.liquidationPrice === undefined ? undefined : `Liquidated at ${price(held.liquidationPrice)}.`,
              },
              {
                label: "Your margin afterwards",
                value: percent(after.favourable.equity, after.favourable.maintenance, 0),
                hint:
                  after.mark.maintenance === 0n
                    ? `No position is left: ${usd(after.cash)} of cash.`
                    : `${usd(after.mark.equity)} of equity, ${usd(after.mark.maintenance)} of maintenance margin; ${usd(after.unfavourable.capped)} counts for the ${usd(after.unfavourable.initial)} that new risk needs.`,
              },
            ]),
      ]}
    />
  );
}

export function TradeLimits({ view: { market, params, lotDecimals, name } }: { view: MarketView }) {
  const room = max(0n, capOf(market) - market.openInterest);
  return (
    <p className="hint">
      Smallest position {formatLots(params.minLots, lotDecimals)} {name}. The stake carries{" "}
      {formatLots(room, lotDecimals)} {name} more of open interest now ({usd(room * market.price, 0)}). Trades lie
      within {percent(params.bandBps, BPS, 1)} of the mark.
    </p>
  );
}
