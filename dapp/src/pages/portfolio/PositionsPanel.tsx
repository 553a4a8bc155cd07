/** Positions as they count: deleveraging that has been recorded is off their size, before the ledger closes it. */
import { useQuery } from "@tanstack/react-query";
import { abs } from "../../../../sdk/src/math.ts";
import { formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import type { Holding } from "../../data/account.ts";
import { ledgerSizeQuery } from "../../data/ledgerSize.ts";
import type { MarketView } from "../../data/markets.ts";
import { percent, usd } from "../../lib/format.ts";
import { Notice, Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import type { AccountProps } from "./props.ts";

const priceOf = (price: bigint, { view }: Holding) => `$${formatPrice(price, view.lotDecimals)}`;
const sizeOf = (lots: bigint, { lotDecimals, name }: MarketView) => `${formatLots(abs(lots), lotDecimals)} ${name}`;

export function PositionsPanel({ data: { block }, account }: AccountProps) {
  const { reader } = useBackstop();
  const sizes = useQuery(ledgerSizeQuery(reader, account, block)).data;
  const { holdings, unsettled } = account;
  const gone = unsettled.filter(({ view }) => !holdings.some((held) => held.view.index === view.index));
  return (
    <Panel title="Your positions">
      {gone.map(({ view }) => (
        <Closed key={view.index} view={view} lots={sizes?.get(view.index) ?? 0n} />
      ))}
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
            cell: ({ view, position }) => (
              <Size view={view} effective={position.lots} inLedger={sizes?.get(view.index) ?? position.lots} />
            ),
            isNumber: true,
          },
          { name: "Worth", cell: ({ position, market }) => usd(abs(position.lots) * market.price), isNumber: true },
          { name: "Break-even", cell: (holding) => priceOf(holding.entry, holding), isNumber: true },
          { name: "Mark", cell: (holding) => priceOf(holding.market.price, holding), isNumber: true },
          { name: "Profit", cell: ({ profit }) => usd(profit), isNumber: true },
          { name: "Liquidated at", cell: (holding) => <Liquidation holding={holding} />, isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Size({ view, effective, inLedger }: { view: MarketView; effective: bigint; inLedger: bigint }) {
  return (
    <>
      {sizeOf(effective, view)}
      {inLedger === effective ? null : (
        <span className="sub">
          ledger {formatLots(abs(inLedger), view.lotDecimals)}, of which{" "}
          {formatLots(abs(inLedger) - abs(effective), view.lotDecimals)} deleveraged
        </span>
      )}
    </>
  );
}

/** Of a position that deleveraging has closed whole. @param lots {lot} in the ledger */
function Closed({ view, lots }: { view: MarketView; lots: bigint }) {
  if (lots === 0n) return null;
  return (
    <Notice tone="info" title={`Your position of ${sizeOf(lots, view)} has been closed by deleveraging.`}>
      It no longer moves with the price; what it brought is in the equity above, and the ledger follows when the account
      is next touched.
    </Notice>
  );
}

function Liquidation({ holding }: { holding: Holding }) {
  const { liquidationPrice: at, market } = holding;
  if (at === undefined) return "never by this market alone";
  if (at === market.price) return <Tag tone="bad">now</Tag>;
  return (
    <>
      {priceOf(at, holding)}
      <span className="sub">{percent(at - market.price, market.price, 1)} from the mark</span>
    </>
  );
}
