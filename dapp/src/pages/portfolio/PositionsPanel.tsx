/** Positions as they would be settled now: deleveraging that has been recorded is already in their size. */
import { abs } from "../../../../sdk/src/math.ts";
import { formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import type { Holding, MarginAccount } from "../../data/account.ts";
import { percent, usd } from "../../lib/format.ts";
import { Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

export function PositionsPanel({ account: { holdings } }: { account: MarginAccount }) {
  const priceOf = (price: bigint, { view }: Holding) => `$${formatPrice(price, view.lotDecimals)}`;
  return (
    <Panel title="Your positions">
      <Table
        caption="Positions at their effective size: what deleveraging has closed is taken off"
        rows={holdings}
        keyOf={({ view }) => view.name}
        empty="No positions."
        columns={[
          { name: "Market", cell: ({ view }) => view.name },
          {
            name: "Side",
            cell: ({ position }) => (
              <Tag tone={position.lots > 0n ? "good" : "bad"}>{position.lots > 0n ? "long" : "short"}</Tag>
            ),
          },
          {
            name: "Size",
            cell: ({ position, view }) => `${formatLots(abs(position.lots), view.lotDecimals)} ${view.name}`,
            isNumber: true,
          },
          { name: "Worth", cell: ({ position, market }) => usd(abs(position.lots) * market.price), isNumber: true },
          { name: "Break-even", cell: (holding) => priceOf(holding.entry, holding), isNumber: true },
          { name: "Mark", cell: (holding) => priceOf(holding.market.price, holding), isNumber: true },
          { name: "Profit", cell: ({ profit }) => usd(profit), isNumber: true },
          {
            name: "Liquidated at",
            cell: (holding) => <Liquidation holding={holding} text={priceOf} />,
            isNumber: true,
          },
        ]}
      />
    </Panel>
  );
}

function Liquidation({ holding, text }: { holding: Holding; text: (price: bigint, holding: Holding) => string }) {
  const { liquidationPrice: at, market } = holding;
  if (at === undefined) return "never by this market alone";
  if (at === market.price) return <Tag tone="bad">now</Tag>;
  return (
    <>
      {text(at, holding)}
      <span className="sub">{percent(at - market.price, market.price, 1)} from the mark</span>
    </>
  );
}
