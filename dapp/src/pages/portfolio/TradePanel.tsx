/** Trades against the AMM: what they cost, how far they move the price, where they stop. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { capOf } from "../../../../sdk/src/margin.ts";
import { abs, max } from "../../../../sdk/src/math.ts";
import { formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import type { MarginAccount } from "../../data/account.ts";
import type { MarketView } from "../../data/markets.ts";
import { type PortfolioData, type TradeQuote, tradeQuery } from "../../data/portfolioPage.ts";
import { explain } from "../../errors/explain.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { tradeFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { percent, usd } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { Figures, Panel } from "../../ui/parts.tsx";
import type { Actor } from "../../wallet/useActor.ts";

/** {bps} worse than the quote that is still accepted. */
const SLIPPAGES = [10n, 50n, 100n] as const;
const BPS = 10_000n;

interface Props {
  readonly data: PortfolioData;
  readonly account: MarginAccount;
  readonly actor: Actor;
  readonly flow: FlowRunner<PortfolioData>;
}

export function TradePanel({ data, account, actor, flow }: Props) {
  const { reader, names } = useBackstop();
  const [index, setIndex] = useState(data.markets[0]?.index ?? 0);
  const [isBuy, setBuy] = useState(true);
  const [reduceOnly, setReduceOnly] = useState(false);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[1]);
  const [text, setText] = useState("");
  const view = data.markets.find((market) => market.index === index);
  const amount = parseAmount(text, view?.lotDecimals ?? 0);
  const size = amount.kind === "ok" ? amount.value : 0n;
  const lots = isBuy ? size : -size;
  const quote = useQuery({
    ...tradeQuery(reader, index, lots, data.block),
    enabled: size > 0n,
    retry: false,
    placeholderData: (previous) => (size > 0n ? previous : undefined),
  });
  if (view === undefined) return null;
  const got = quote.data === undefined ? 0n : quote.data.fromCurve + quote.data.fromPool;
  const problem =
    (quote.error === null ? undefined : explain(quote.error, names).sentence) ??
    (quote.data === undefined || size === 0n || quote.isPlaceholderData ? undefined : limitOf(quote.data, view, size));
  const canStart = actor.obstacle === undefined && problem === undefined && got >= size && size > 0n && !flow.isRunning;

  async function start(market: MarketView, { total }: TradeQuote) {
    const worse = (total * slippage) / BPS;
    const limit = isBuy ? total + worse : max(0n, total - worse);
    const order = { lots, limit, deadline: data.block.timestamp + DEADLINE, reduceOnly };
    const done = await flow.start(tradeFlow(reader, account, market, order));
    if (done.status === "done") setText("");
  }

  return (
    <Panel title="Trade against the AMM">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canStart && quote.data !== undefined) void start(view, quote.data);
        }}
      >
        <div className="field-row">
          <label>
            Market{" "}
            <select value={index} onChange={(event) => setIndex(Number(event.target.value))}>
              {data.markets.map((market) => (
                <option key={market.index} value={market.index}>
                  {market.name}
                </option>
              ))}
            </select>
          </label>
          <fieldset className="choice">
            <legend>Side</legend>
            {[true, false].map((side) => (
              <label key={String(side)} className={side === isBuy ? "chosen" : undefined}>
                <input type="radio" name="side" checked={side === isBuy} onChange={() => setBuy(side)} />
                {side ? "Buy" : "Sell"}
              </label>
            ))}
          </fieldset>
        </div>
        <AmountField
          {...{ label: "Size", symbol: view.name, decimals: view.lotDecimals, text, amount, problem }}
          onChange={setText}
          disabled={flow.isRunning}
        />
        <div className="field-row">
          <label>
            Accept at most{" "}
            <select value={slippage.toString()} onChange={(event) => setSlippage(BigInt(event.target.value))}>
              {SLIPPAGES.map((bps) => (
                <option key={bps} value={bps.toString()}>
                  {percent(bps, BPS, 1)} worse
                </option>
              ))}
            </select>
          </label>
          <label className="check">
            <input type="checkbox" checked={reduceOnly} onChange={(event) => setReduceOnly(event.target.checked)} />
            Reduce only
          </label>
        </div>
        {quote.data === undefined || size === 0n || got === 0n ? null : (
          <Preview {...{ quote: quote.data, view, isBuy, got }} />
        )}
        <button type="submit" className="primary wide" disabled={!canStart}>
          {isBuy ? "Buy" : "Sell"} {view.name}
        </button>
        <p className="hint">{actor.obstacle ?? ""}</p>
      </form>
      <Limits view={view} />
    </Panel>
  );
}

function Preview({ quote, view, isBuy, got }: { quote: TradeQuote; view: MarketView; isBuy: boolean; got: bigint }) {
  const { market, lotDecimals } = view;
  const average = quote.quote / got;
  const fees = isBuy ? quote.total - quote.quote : quote.quote - quote.total;
  return (
    <Figures
      rows={[
        {
          label: isBuy ? "You pay in all" : "You get in all",
          value: usd(quote.total),
          hint: `${usd(fees)} of fees. It is booked against margin; only profit and loss move cash.`,
        },
        {
          label: "Average price",
          value: `$${formatPrice(average, lotDecimals)}`,
          hint: `${percent(average - market.price, market.price, 3)} from the mark of $${formatPrice(market.price, lotDecimals)}`,
        },
        ...(quote.fromPool === 0n
          ? []
          : [{ label: "From the pool's own position", value: formatLots(quote.fromPool, lotDecimals) }]),
      ]}
    />
  );
}

function Limits({ view: { market, params, lotDecimals, name } }: { view: MarketView }) {
  const room = max(0n, capOf(market) - market.openInterest);
  return (
    <p className="hint">
      Smallest position {formatLots(params.minLots, lotDecimals)} {name}. The stake carries{" "}
      {formatLots(room, lotDecimals)} {name} more of open interest now ({usd(room * market.price, 0)}). Trades lie
      within {percent(params.bandBps, BPS, 1)} of the mark.
    </p>
  );
}

/** What of a quote the engine would refuse for anybody. @param size {lot} asked for */
function limitOf(
  { quote, fromCurve, fromPool }: TradeQuote,
  { market, params, lotDecimals, name }: MarketView,
  size: bigint,
) {
  const got = fromCurve + fromPool;
  if (got < size) return `There is depth for ${formatLots(got, lotDecimals)} ${name} only.`;
  const away = abs(quote / got - market.price);
  return away * BPS > market.price * params.bandBps
    ? `That is too far from the mark: trades lie within ${percent(params.bandBps, BPS, 1)} of it. Trade less at once.`
    : undefined;
}
