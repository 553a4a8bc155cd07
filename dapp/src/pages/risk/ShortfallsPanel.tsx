/** Every past shortfall with who paid it; the layers sum to the unit. */
import { type History, layersOf, type Shortfall } from "../../data/history/types.ts";
import type { MarketRisk } from "../../data/riskPage.ts";
import { Transaction } from "../../flow/FlowStatus.tsx";
import { date, usd } from "../../lib/format.ts";
import { Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

const REASONS = ["account below zero", "the pool's own position", "account, price was bad", "tokens missing"] as const;

export function ShortfallsPanel({
  history: { shortfalls },
  markets,
}: {
  history: History;
  markets: readonly MarketRisk[];
}) {
  const total = shortfalls.reduce((sum, { amount }) => sum + amount, 0n);
  const money = (name: string, of: (row: Shortfall) => bigint) => ({
    name,
    cell: (row: Shortfall) => (of(row) === 0n ? "–" : usd(of(row))),
    isNumber: true,
  });
  return (
    <Panel
      title="Past shortfalls"
      aside={
        <span className="hint">
          {shortfalls.length} for {usd(total)}
        </span>
      }
    >
      <Table
        caption="Who paid each shortfall, in the order in which the layers pay"
        rows={shortfalls}
        keyOf={({ id }) => id}
        empty="There has been none."
        columns={[
          { name: "When", cell: ({ time }) => date(time) },
          { name: "Market", cell: ({ market }) => markets.find(({ index }) => index === market)?.name ?? market },
          { name: "Cause", cell: ({ reason }) => REASONS[reason] ?? reason },
          money("Shortfall", ({ amount }) => amount),
          money("Bucket", ({ byBucket }) => byBucket),
          money("Junior", ({ byJunior }) => byJunior),
          money("Senior", ({ bySenior }) => bySenior),
          money("Winners", ({ byShare }) => byShare),
          money("Deficit", ({ toDeficit }) => toDeficit),
          {
            name: "Sum",
            cell: (row) =>
              layersOf(row) === row.amount ? <Tag tone="good">to the unit</Tag> : <Tag tone="bad">does not add up</Tag>,
          },
          { name: "Transaction", cell: ({ hash }) => <Transaction hash={hash} /> },
        ]}
      />
    </Panel>
  );
}
