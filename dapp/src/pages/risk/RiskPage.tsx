/** Risk: how far each market is from trouble, what the pools carry, and what has happened. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { historyQuery } from "../../data/history/query.ts";
import { riskPageQuery } from "../../data/riskPage.ts";
import { DeficitNotice } from "../../ui/DeficitNotice.tsx";
import { MarketNotices } from "../../ui/MarketNotices.tsx";
import { DepthPanel } from "./DepthPanel.tsx";
import { HistoryPanel } from "./HistoryPanel.tsx";
import { InputsPanel } from "./InputsPanel.tsx";
import { MarketsPanel } from "./MarketsPanel.tsx";
import { ShortfallsPanel } from "./ShortfallsPanel.tsx";
import { SourceNotice } from "./SourceNotice.tsx";

export default function RiskPage() {
  const { reader, settings, token } = useBackstop();
  const [index, setIndex] = useState(0);
  const now = useQuery(useMemo(() => riskPageQuery(reader), [reader]));
  const history = useQuery(useMemo(() => historyQuery(reader, settings, token), [reader, settings, token]));
  const { data } = now;
  if (data === undefined)
    return (
      <>
        <h1>Risk</h1>
        <p className="hint">{now.isError ? "The node of the chain does not answer." : "Reading the markets …"}</p>
      </>
    );
  const chosen = data.markets.find((market) => market.index === index) ?? data.markets[0];
  return (
    <>
      <div className="lead">
        <h1>Risk</h1>
        <p>What the contracts see now, what they do about it, and who paid when it was not enough.</p>
      </div>
      <SourceNotice source={history.data?.source} data={data} isOld={now.isError} />
      <MarketsPanel data={data} />
      <DeficitNotice deficit={data.deficit} />
      <MarketNotices markets={data.markets} />
      {chosen === undefined ? null : (
        <>
          <fieldset className="choice">
            <legend>Details of</legend>
            {data.markets.map((market) => (
              <label key={market.index} className={market === chosen ? "chosen" : undefined}>
                <input type="radio" name="market" checked={market === chosen} onChange={() => setIndex(market.index)} />
                {market.name}
              </label>
            ))}
          </fieldset>
          <div className="columns">
            <InputsPanel market={chosen} now={data.block.timestamp} />
            <DepthPanel market={chosen} now={data.block.timestamp} />
          </div>
          {history.data === undefined ? null : <HistoryPanel history={history.data.what} market={chosen} />}
        </>
      )}
      {history.data === undefined ? null : <ShortfallsPanel history={history.data.what} markets={data.markets} />}
    </>
  );
}
