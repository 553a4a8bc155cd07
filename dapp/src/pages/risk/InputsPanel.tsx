/** Why a market is at its level: each input, what it asks for, and what would change it. */
import type { Input, InputName, MarketRisk } from "../../data/riskPage.ts";
import { INPUTS } from "../../data/riskPage.ts";
import { duration, percent } from "../../lib/format.ts";
import { Panel } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import { Level } from "./MarketsPanel.tsx";

const MAX = 2n ** 128n; // nothing that is measured comes near
const MOST_COVERAGE = 65_535n; // {bps} as much, or more, or there is nothing to cover

const bps = (value: bigint) => percent(value, 10_000n, 1);
/** D18{1/year} variance as volatility a year. */
const deviation = (variance: bigint) => `${(Math.sqrt(Number(variance) / 1e18) * 100).toFixed(1)} %`;

const WORDS: Readonly<Record<InputName, { readonly label: string; readonly show: (value: bigint) => string }>> = {
  volatility: { label: "Volatility a year", show: deviation },
  use: { label: "Open interest of its capacity", show: (value) => bps(value / 2n) },
  coverage: {
    label: "Coverage of all markets",
    show: (value) => (value >= MOST_COVERAGE ? "655 % or more" : bps(value)),
  },
  divergence: { label: "Curve away from the price", show: bps },
  depletion: { label: "Depth gone of a week's average", show: bps },
  funding: { label: "Funding, average of a day, per 8 h", show: (value) => percent(value, 10n ** 9n, 4) },
};

const DOES = [
  "Calm: everything is as listed.",
  "Initial margin for new risk + 10 %, the cap at 75 %, fees + 1 bp.",
  "Initial margin for new risk + 25 %, the cap at half, premium + 25 %, fees + 3 bp; the bands are open to trades.",
  "Initial margin for new risk + 50 %, the cap at half, premium + 50 %, fees + 6 bp.",
  "No new risk at all; premium doubled. Positions can be reduced, accounts liquidated, stake moved as ever.",
] as const;

export function InputsPanel({ market: { report, name, market }, now }: { market: MarketRisk; now: bigint }) {
  const level = Number(market.level);
  return (
    <Panel title={`Why ${name} is at level ${level}`} aside={<Level level={level} />}>
      <p className="hint">{DOES[level]}</p>
      <Table
        caption={`Inputs of the level of ${name} at the last observation`}
        rows={INPUTS}
        keyOf={(input) => input}
        columns={[
          { name: "Input", cell: (input) => WORDS[input].label },
          { name: "Now", cell: (input) => WORDS[input].show(report.inputs[input].value), isNumber: true },
          { name: "Asks for", cell: (input) => <Level level={report.inputs[input].level} /> },
          { name: "More from", cell: (input) => threshold(input, report.inputs[input]), isNumber: true },
        ]}
      />
      <p className="hint">
        {report.isCrowded ? "One side is crowded: one level more. " : ""}
        {report.isRaised ? "A signed forecast is in force: one level more. " : ""}
        {market.level > BigInt(report.level) ? "The price cannot be relied on: at least level 3. " : ""}
        {next(report.fallsAt, report.wanted, report.level, now)}
      </p>
    </Panel>
  );
}

function threshold(name: InputName, { upAt }: Input): string {
  if (upAt >= MAX || (name === "coverage" && upAt === 0n)) return "–";
  return `${name === "coverage" ? "below " : ""}${WORDS[name].show(upAt)}`;
}

function next(fallsAt: bigint, wanted: number, level: number, now: bigint): string {
  if (wanted > level) return `The inputs ask for level ${wanted}; it rises with the next observations.`;
  if (level === 0) return "Nothing asks for more.";
  if (fallsAt === 0n) return "It falls once every input has been calm for long enough.";
  return fallsAt <= now
    ? "It may fall at the next observation."
    : `It falls in ${duration(fallsAt - now)} if it stays calm.`;
}
