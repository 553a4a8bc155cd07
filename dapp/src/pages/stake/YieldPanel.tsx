/** What a tranche earns, by source: expected at today's rates, beside what the last days have brought. */
import { useBackstop } from "../../backstop.ts";
import type { Earnings, Source, Told } from "../../data/history/types.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { rateOf } from "../../lib/apr.ts";
import { count, duration, fixed, percent, usd } from "../../lib/format.ts";
import { type Realised, realised } from "../../lib/realised.ts";
import { Panel } from "../../ui/parts.tsx";
import { type Column, Table } from "../../ui/Table.tsx";

const DAYS = 365n;
const DAY = 86_400n; // {s}
const WINDOWS = [7n, 30n] as const; // {d}
const UNITS_A_USD = 10n ** 12n;

interface Props {
  readonly data: StakePageData;
  /** Undefined until they are read. */
  readonly earnings: Told<Earnings> | undefined;
  readonly tranche: TrancheName;
}

interface Line {
  readonly source: string;
  readonly expected: string;
  readonly past: (realised: Realised) => bigint; // {bps}
  readonly note: string;
}

export function YieldPanel({ data, earnings, tranche }: Props) {
  const pool = data.pools[tranche];
  const lines = useLines(data, tranche);
  return (
    <Panel
      title="What you earn"
      aside={
        <span className="hint">
          Vesting now: {percent(rateOf(pool.incomeRate * DAYS, pool.totalAssets), 10_000n)} a year
        </span>
      }
    >
      <Table
        caption={`Income of the ${tranche} pool by source, a year: expected, and of the last days`}
        rows={lines}
        keyOf={({ source }) => source}
        columns={[
          { name: "Source", cell: ({ source }) => source },
          { name: "Expected", cell: ({ expected }) => expected, isNumber: true },
          ...pastColumns(data, earnings?.what, tranche),
        ]}
      />
      <ul className="notes">
        {lines.map(({ source, note }) => (
          <li key={source}>
            <strong>{source}:</strong> {note}
          </li>
        ))}
      </ul>
      <p className="hint">
        What was realised is what reached the pool, a year, of what was on its books; it vests after that.{" "}
        {earnings === undefined ? "" : sourceText(earnings.source)}
      </p>
    </Panel>
  );
}

function useLines({ pools, markets, expected }: StakePageData, tranche: TrancheName): Line[] {
  const { token } = useBackstop();
  const premiums = tranche === "junior" ? expected.toJunior : expected.toSenior;
  const buckets = markets.map(({ name, market, bucketTarget }) => ({
    isFull: market.bucket >= bucketTarget * UNITS_A_USD,
    text: `${name} ${usd(market.bucket, 0)} of ${usd(bucketTarget * UNITS_A_USD, 0)}`,
  }));
  return [
    {
      source: "Premiums",
      expected: percent(rateOf(premiums, pools[tranche].totalAssets), 10_000n),
      past: (is) => is.premiums,
      note: `longs and shorts pay for the stake they use: ${fixed(expected.premiums, token.decimals, 0)} ${token.symbol} a year at today's rates from all markets, ${percent(pools.treasuryBps, 10_000n, 0)} of it to the treasury.`,
    },
    {
      source: "Fees and penalties",
      expected: buckets.some(({ isFull }) => isFull) ? "not foreseen" : "0.00 %",
      past: (is) => is.bucket,
      note: `go to each market's bucket, which pays losses before you do; what exceeds its target is income. Now: ${buckets.map(({ text }) => text).join(", ")}.`,
    },
    {
      source: "Positions taken over",
      expected: "not foreseen",
      past: (is) => is.inventory,
      note: "what the pools' own positions have earned once they are closed; it repays first what they have cost.",
    },
    {
      source: "Shortfalls paid",
      expected: "not foreseen",
      past: (is) => -is.losses,
      note: "what the pool paid where margin and bucket were not enough.",
    },
    {
      source: "Together",
      expected: "–",
      past: (is) => is.premiums + is.bucket + is.inventory - is.losses,
      note: "not compounded.",
    },
  ];
}

/** A column for each window; it says when less than that is known. */
function pastColumns(data: StakePageData, earnings: Earnings | undefined, tranche: TrancheName): Column<Line>[] {
  return WINDOWS.map((days) => {
    const past = earnings && realised(earnings, tranche, data.block.timestamp, days * DAY);
    const isShort = past !== undefined && past.seconds < days * DAY;
    return {
      name: `${days} days`,
      cell: ({ past: of }) => {
        if (earnings === undefined) return "…";
        if (past === undefined) return "–";
        return (
          <>
            {percent(of(past), 10_000n)}
            {isShort ? <span className="sub">of {duration(past.seconds)}</span> : null}
          </>
        );
      },
      isNumber: true,
    };
  });
}

const sourceText = (source: Source): string =>
  source.kind === "indexer"
    ? ""
    : `${source.why} It is read from the chain itself, back to block ${count(source.from)}.`;
