/** How a market went: price, level, open interest, volatility, funding. */
import { useMemo } from "react";
import type { History } from "../../data/history/types.ts";
import type { MarketRisk } from "../../data/riskPage.ts";
import { Chart } from "../../ui/Chart.tsx";
import { Panel } from "../../ui/parts.tsx";

const dollars = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  notation: "compact",
  maximumFractionDigits: 1,
});
const price = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumFractionDigits: 2 });
const LEVELS = [0, 4] as const;
const parts = (digits: number) => (value: number) => `${value.toFixed(digits)} %`;

export function HistoryPanel({
  history,
  market: { index, name, lotDecimals },
}: {
  history: History;
  market: MarketRisk;
}) {
  const drawn = useMemo(() => {
    const points = history.points.get(index) ?? [];
    const observations = history.observations.get(index) ?? [];
    const coin = 10 ** lotDecimals / 1e12; // {USD/coin} of a {u/lot}
    return {
      times: points.map(({ time }) => Number(time)),
      observed: observations.map(({ time }) => Number(time)),
      prices: [{ label: "Price", colour: "--accent", values: points.map((p) => Number(p.price) * coin) }],
      levels: [{ label: "Level", colour: "--level-3", isStepped: true, values: points.map((p) => p.level) }],
      interest: [
        {
          label: "Open interest",
          colour: "--accent",
          values: points.map((p) => Number(p.openInterest * p.price) / 1e12),
        },
        {
          label: "Cap when calm",
          colour: "--text-soft",
          isDashed: true,
          values: points.map((p) => Number(p.cap * p.price) / 1e12),
        },
      ],
      volatility: [
        { label: "Volatility", colour: "--level-2", values: observations.map((o) => Number(o.volatilityBps) / 100) },
      ],
      coverage: [
        { label: "Coverage", colour: "--accent", values: observations.map((o) => Number(o.coverageBps) / 100) },
      ],
      funding: [
        {
          label: "Funding a day",
          colour: "--accent",
          isStepped: true,
          values: points.map((p) => (Number(p.fundingRate) * 300) / 1e9),
        },
      ],
    };
  }, [history, index, lotDecimals]);
  return (
    <Panel title={`History of ${name}`}>
      <div className="charts">
        <Chart title="Price" times={drawn.times} series={drawn.prices} format={(value) => price.format(value)} />
        <Chart
          title="Intervention level"
          range={LEVELS}
          times={drawn.times}
          series={drawn.levels}
          format={(value) => value.toFixed(0)}
        />
        <Chart
          title="Open interest and cap"
          times={drawn.times}
          series={drawn.interest}
          format={(value) => dollars.format(value)}
        />
        <Chart title="Volatility a year" times={drawn.observed} series={drawn.volatility} format={parts(0)} />
        <Chart title="Coverage of all markets" times={drawn.observed} series={drawn.coverage} format={parts(0)} />
        <Chart title="Funding a day" times={drawn.times} series={drawn.funding} format={parts(3)} />
      </div>
    </Panel>
  );
}
