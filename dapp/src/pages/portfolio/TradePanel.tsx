/** Trades against the AMM: a quote, the very transaction tried before it is offered, then the transaction. */
import { useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { tradedQuery, tradeQuery } from "../../data/trade.ts";
import { useTried } from "../../flow/useTried.ts";
import { tradeFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { flawOf, gotOf, limitOf } from "../../lib/order.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
import { Panel } from "../../ui/parts.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { AccountProps } from "./props.ts";
import { MarketSelect, SideChoice } from "./TradeFields.tsx";
import { TradeLimits, TradePreview } from "./TradePreview.tsx";

export function TradePanel({ data, account, owner, actor, flow }: AccountProps) {
  const { reader } = useBackstop();
  const [market, setMarket] = useState(data.markets[0]?.index ?? 0);
  const [isBuy, setBuy] = useState(true);
  const [reduceOnly, setReduceOnly] = useState(false);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[1]);
  const view = data.markets.find(({ index }) => index === market);
  const typed = useAmount(view?.lotDecimals ?? 0);
  const size = typed.value;
  const lots = isBuy ? size : -size;
  const asked = useTried(tradeQuery(reader, market, lots, data.block), size > 0n);
  const quote = asked.value;
  const limit = quote === undefined ? 0n : limitOf(quote, isBuy, slippage);
  const order = { market, lots, limit, deadline: data.block.timestamp + DEADLINE, reduceOnly };
  const flaw = quote === undefined || view === undefined ? undefined : flawOf(quote, view, size);
  const tried = useTried(tradedQuery(reader, owner, order, data), quote !== undefined && flaw === undefined);
  const after = tried.value?.after;
  if (view === undefined) return null;
  return (
    <Panel title="Trade against the AMM">
      <AmountForm
        {...{ typed, flow, label: "Size", symbol: view.name, button: `${isBuy ? "Buy" : "Sell"} ${view.name}` }}
        isPrimary
        obstacle={actor.obstacle}
        problem={flaw ?? asked.problem ?? tried.problem}
        start={after === undefined ? undefined : () => flow.start(tradeFlow(reader, account, view, order))}
        above={
          <div className="field-row">
            <MarketSelect label="Market" markets={data.markets} index={market} onChange={setMarket} />
            <SideChoice isBuy={isBuy} onChange={setBuy} />
          </div>
        }
      >
        <div className="field-row">
          <SlippageSelect value={slippage} what="worse" onChange={setSlippage} />
          <label className="check">
            <input type="checkbox" checked={reduceOnly} onChange={(event) => setReduceOnly(event.target.checked)} />
            Reduce only
          </label>
        </div>
        {quote === undefined || gotOf(quote) === 0n ? null : <TradePreview {...{ quote, after, limit, view, isBuy }} />}
      </AmountForm>
      <TradeLimits view={view} />
    </Panel>
  );
}
