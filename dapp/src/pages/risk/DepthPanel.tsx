/** What can be sold and bought: the providers' curve, and behind it what the pool offers liquidations. */
import { formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import type { MarketRisk } from "../../data/riskPage.ts";
import { date, percent, usd } from "../../lib/format.ts";
import { Figures, Panel } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

export function DepthPanel({
  market: { depth, name, lotDecimals, market, inventory },
  now,
}: {
  market: MarketRisk;
  now: bigint;
}) {
  const marginal = depth.base === 0n ? undefined : depth.quote / depth.base;
  const bands = [
    ...depth.bids.map((band, i) => ({ ...band, name: `Buys ${i + 1}` })),
    ...depth.asks.map((band, i) => ({ ...band, name: `Sells ${i + 1}` })),
  ];
  return (
    <Panel title={`Depth of ${name}`}>
      <Figures
        rows={[
          {
            label: "Curve of the providers",
            value: usd(depth.quote, 0),
            hint:
              marginal === undefined
                ? "Nobody provides depth yet."
                : `Marginal price $${formatPrice(marginal, lotDecimals)}, ${percent(marginal - market.price, market.price)} from the mark. Fee ${percent(depth.feePpm + depth.jumpFeePpm, 1_000_000n, 3)}.`,
          },
          {
            label: "The pool's position",
            value: formatLots(inventory.lots, lotDecimals),
            hint: `${usd(inventory.equity)} at the mark. Above ${formatLots(inventory.cap, lotDecimals)} the winning side is closed pro rata.`,
          },
        ]}
      />
      {depth.disarmedUntil > now ? <p className="hint">The bands are shut until {date(depth.disarmedUntil)}.</p> : null}
      <Table
        caption={`What the pool offers liquidations of ${name}, best first`}
        rows={bands}
        keyOf={(band) => band.name}
        empty="The pool offers nothing now."
        columns={[
          { name: "Band", cell: (band) => band.name },
          { name: "Price", cell: ({ price }) => `$${formatPrice(price, lotDecimals)}`, isNumber: true },
          { name: "Size", cell: ({ lots }) => formatLots(lots, lotDecimals), isNumber: true },
          { name: "Worth", cell: ({ lots, price }) => usd(lots * price, 0), isNumber: true },
        ]}
      />
    </Panel>
  );
}
