/** Trades against the AMM: a quote, the very transaction tried before it is offered, then the transaction. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { tradedQuery, tradeQuery } from "../../data/trade.ts";
import { explain } from "../../errors/explain.ts";
import { tradeFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { flawOf, gotOf, limitOf } from "../../lib/order.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { Panel } from "../../ui/parts.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { AccountProps } from "./props.ts";
import { MarketSelect, SideChoice } from "./TradeFields.tsx";
import { TradeLimits, TradePreview } from "./TradePreview.tsx";

export function TradePanel({ data, account, owner, actor, flow }: AccountProps) {
  const { reader, names } = useBackstop();
  const [market, setMarket] = useState(data.markets[0]?.index ?? 0);
  const [isBuy, setBuy] = useState(true);
  const [reduceOnly, setReduceOnly] = useState(false);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[1]);
  const [text, setText] = useState("");
  const view = data.markets.find(({ index }) => index === market);
  const amount = parseAmount(text, view?.lotDecimals ?? 0);
  const size = amount.kind === "ok" ? amount.value : 0n;
  const lots = isBuy ? size : -size;
  const asked = useQuery({ ...tradeQuery(reader, market, lots, data.block), enabled: size > 0n }).data;
  const quote = size > 0n ? asked?.value : undefined;
  const limit = quote === undefined ? 0n : limitOf(quote, isBuy, slippage);
  const order = { market, lots, limit, deadline: data.block.timestamp + DEADLINE, reduceOnly };
  const flaw = quote === undefined || view === undefined ? undefined : flawOf(quote, view, size);
  const isTried = quote !== undefined && flaw === undefined;
  const tried = useQuery({ ...tradedQuery(reader, owner, order, data), enabled: isTried }).data;
  if (view === undefined) return null;
  const after = isTried ? tried?.value?.after : undefined;
  const refusal = size === 0n ? undefined : (asked?.refusal ?? (isTried ? tried?.refusal : undefined));
  const problem = flaw ?? (refusal === undefined ? undefined : explain(refusal, names).sentence);
  const canStart = actor.obstacle === undefined && after !== undefined && !flow.isRunning;

  async function start(of: NonNullable<typeof view>) {
    const done = await flow.start(tradeFlow(reader, account, of, order));
    if (done.status === "done") setText("");
  }

  return (
    <Panel title="Trade against the AMM">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canStart) void start(view);
        }}
      >
        <div className="field-row">
          <MarketSelect label="Market" markets={data.markets} index={market} onChange={setMarket} />
          <SideChoice isBuy={isBuy} onChange={setBuy} />
        </div>
        <AmountField
          {...{ label: "Size", symbol: view.name, decimals: view.lotDecimals, text, amount, problem }}
          onChange={setText}
          disabled={flow.isRunning}
        />
        <div className="field-row">
          <SlippageSelect value={slippage} what="worse" onChange={setSlippage} />
          <label className="check">
            <input type="checkbox" checked={reduceOnly} onChange={(event) => setReduceOnly(event.target.checked)} />
            Reduce only
          </label>
        </div>
        {quote === undefined || gotOf(quote) === 0n ? null : <TradePreview {...{ quote, after, limit, view, isBuy }} />}
        <button type="submit" className="primary wide" disabled={!canStart}>
          {isBuy ? "Buy" : "Sell"} {view.name}
        </button>
        <p className="hint">{actor.obstacle ?? ""}</p>
      </form>
      <TradeLimits view={view} />
    </Panel>
  );
}
