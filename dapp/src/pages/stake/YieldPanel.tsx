/** What a tranche earns, by source: expected at today's rates, and what vests now. */
import { useBackstop } from "../../backstop.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { rateOf } from "../../lib/apr.ts";
import { fixed, percent, usd } from "../../lib/format.ts";
import { Panel } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

const DAYS = 365n;
const UNITS_A_USD = 10n ** 12n;

export function YieldPanel({ data, tranche }: { data: StakePageData; tranche: TrancheName }) {
  const { token } = useBackstop();
  const { pools, markets, expected } = data;
  const pool = pools[tranche];
  const premiums = tranche === "junior" ? expected.toJunior : expected.toSenior;
  const rate = (income: bigint) => percent(rateOf(income, pool.totalAssets), 10_000n);
  const buckets = markets.map(({ name, market, bucketTarget }) => ({
    name,
    isFull: market.bucket >= bucketTarget * UNITS_A_USD,
    text: `${name} ${usd(market.bucket, 0)} of ${usd(bucketTarget * UNITS_A_USD, 0)}`,
  }));
  const rows = [
    {
      source: "Premiums",
      expected: rate(premiums),
      note: `Longs and shorts pay for the stake they use: ${fixed(expected.premiums, token.decimals, 0)} ${token.symbol} a year at today's rates from all markets, ${percent(pools.treasuryBps, 10_000n, 0)} of it to the treasury.`,
    },
    {
      source: "Fees and penalties",
      expected: buckets.some(({ isFull }) => isFull) ? "not foreseen" : "0.00 %",
      note: `Go to each market's bucket, which pays losses before you do; what exceeds its target is income. Now: ${buckets.map(({ text }) => text).join(", ")}.`,
    },
    {
      source: "Positions taken over",
      expected: "not foreseen",
      note: "What the pools' own positions have earned once they are closed; it repays first what they have cost.",
    },
  ];
  return (
    <Panel
      title="What you earn"
      aside={<span className="hint">Vesting now: {rate(pool.incomeRate * DAYS)} a year</span>}
    >
      <Table
        caption={`Expected income of the ${tranche} pool by source, a year`}
        rows={rows}
        keyOf={({ source }) => source}
        columns={[
          { name: "Source", cell: ({ source }) => source },
          { name: "Expected", cell: (row) => row.expected, isNumber: true },
          { name: "How", cell: ({ note }) => <span className="hint">{note}</span>, isText: true },
        ]}
      />
    </Panel>
  );
}
