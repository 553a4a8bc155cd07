/** Every market in one line: level, price, open interest against its cap, inventory, funding. */
import { capOf } from "../../../../sdk/src/margin.ts";
import { MarketStatus, PriceState } from "../../../../sdk/src/types.ts";
import { formatLots, formatPrice } from "../../../../sdk/src/units.ts";
import type { MarketRisk, RiskPageData } from "../../data/riskPage.ts";
import { priceStateText, statusText } from "../../errors/words.ts";
import { fixed, percent, usd } from "../../lib/format.ts";
import { coverageBps } from "../../lib/risk.ts";
import { Figures, Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

export const Level = ({ level }: { level: bigint | number }) => (
  <span className={`level level-${level}`}>{level.toString()}</span>
);

/** {1e-9 per 8 h} as percent a day. */
const daily = (rate: bigint) => percent(3n * rate, 10n ** 9n, 4);

export function MarketsPanel({ data: { markets, pools } }: { data: RiskPageData }) {
  const coverage = coverageBps(pools);
  return (
    <Panel title="Markets now">
      <Figures
        rows={[
          {
            label: "Coverage of all markets",
            value: coverage === undefined ? "nothing to cover" : percent(coverage, 10_000n, 0),
            hint: `${usd(pools.freeStake * pools.tokenUnit, 0)} of stake that is not leaving stands against ${usd(pools.liabilities, 0)} of potential liabilities.`,
          },
        ]}
      />
      <Table
        caption="Each market at the newest block"
        rows={markets}
        keyOf={({ name }) => name}
        columns={[
          { name: "Market", cell: ({ name }) => name },
          { name: "Level", cell: ({ market }) => <Level level={market.level} /> },
          { name: "Price", cell: (market) => <Price view={market} />, isNumber: true },
          { name: "Open interest", cell: (market) => <OpenInterest view={market} />, isNumber: true },
          {
            name: "Pool holds",
            cell: ({ inventory, lotDecimals, market }) => (
              <>
                {formatLots(inventory.lots, lotDecimals)}
                <span className="sub">of ±{usd(inventory.cap * market.price, 0)}</span>
              </>
            ),
            isNumber: true,
          },
          { name: "Depth of the curve", cell: ({ depth }) => usd(depth.quote, 0), isNumber: true },
          { name: "Funding a day", cell: ({ market }) => daily(market.fundingRate), isNumber: true },
          { name: "Premium a day", cell: ({ premiumRate }) => daily(premiumRate), isNumber: true },
          { name: "Bucket", cell: ({ market }) => usd(market.bucket, 0), isNumber: true },
        ]}
      />
    </Panel>
  );
}

function Price({ view: { market, oracle, lotDecimals } }: { view: MarketRisk }) {
  return (
    <>
      ${formatPrice(oracle.price, lotDecimals)}
      {oracle.state === PriceState.OK ? null : (
        <span className="sub">
          <Tag tone={oracle.state === PriceState.WIDE ? "info" : "warn"}>{priceStateText(BigInt(oracle.state))}</Tag>
        </span>
      )}
      {market.status === MarketStatus.ACTIVE ? null : <span className="sub">{statusText(BigInt(market.status))}</span>}
    </>
  );
}

function OpenInterest({ view: { market, name } }: { view: MarketRisk }) {
  const cap = capOf(market);
  const use = cap === 0n ? 0 : Number((market.openInterest * 1_000n) / cap) / 1_000;
  return (
    <>
      {usd(market.openInterest * market.price, 0)}
      <span className="sub">
        {cap === 0n
          ? "no cap yet"
          : `${fixed((market.openInterest * 1_000n) / cap, 1, 1)} % of ${usd(cap * market.price, 0)}`}
      </span>
      <meter min={0} max={1} value={Math.min(1, use)} aria-label={`Open interest of ${name} against its cap`} />
    </>
  );
}
