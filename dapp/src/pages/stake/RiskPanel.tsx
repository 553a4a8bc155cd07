/** What a staker may lose, in plain words with figures. */
import { useBackstop } from "../../backstop.ts";
import type { Earnings } from "../../data/history/types.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { date, fixed, percent, usd } from "../../lib/format.ts";
import { largestLoss, lossesOf } from "../../lib/realised.ts";
import { bornBy, budgetLeft, coverageBps, worstLoss } from "../../lib/risk.ts";
import { Figures, Panel, type Row } from "../../ui/parts.tsx";

const MOVE = 3_000n; // {bps}

interface Props {
  readonly data: StakePageData;
  /** Undefined until they are read. */
  readonly earnings: Earnings | undefined;
  readonly tranche: TrancheName;
}

export function RiskPanel({ data: { pools, markets }, earnings, tranche }: Props) {
  const { token } = useBackstop();
  const pool = pools[tranche];
  const worst = worstLoss(markets, MOVE);
  const loss = worst / pools.tokenUnit;
  const born = bornBy(pools, loss, budgetLeft(pools));
  const coverage = coverageBps(pools);
  const tokens = (amount: bigint) => `${fixed(amount, token.decimals, 0)} ${token.symbol}`;
  return (
    <Panel title="What you can lose">
      <p>
        {tranche === "junior"
          ? "The junior pool pays first: every shortfall that a market's own bucket does not cover comes from here, up to all of it but one token."
          : "The senior pool pays what the junior one cannot. While the junior pool lasts, you lose nothing; after that, up to all of it but one token."}{" "}
        The contracts draw for four reasons only, each with a cap.
      </p>
      <Figures
        rows={[
          {
            label: "A 30 % move at once would cost at most",
            value: tokens(born[tranche]),
            hint: `${percent(born[tranche], pool.bookedAssets)} of this pool. In all markets ${usd(worst, 0)}, the pools' own positions included, if every losing trader had bare maintenance margin and nobody were liquidated on the way${born.beyond > 0n ? `; ${tokens(born.beyond)} of it is beyond this week's budget and falls on winning traders` : ""}.`,
          },
          pastLoss(earnings, tranche, tokens),
          {
            label: "Coverage",
            value: coverage === undefined ? "nothing to cover" : percent(coverage, 10_000n, 0),
            hint: "Stake that is not leaving, for each part of what the open positions may cost in a shock.",
          },
          {
            label: "Queued to leave",
            value: percent(pool.queued, pool.supply),
            hint: `${tokens(pool.supply === 0n ? 0n : (pool.queued * pool.totalAssets) / pool.supply)} that still pays losses until claimed, and earns nothing.`,
          },
          {
            label: "Losses pending",
            value: tokens(pool.pendingLoss),
            hint: "Not on the books yet. Whoever leaves now leaves his part behind.",
          },
          {
            label: "Left of the week's budget",
            value: tokens(budgetLeft(pools)),
            hint: `All markets together may draw ${percent(pools.windowBps, 10_000n, 0)} of both pools in a week, one market ${percent(pools.marketDayBps, 10_000n, 0)} in a day.`,
          },
        ]}
      />
    </Panel>
  );
}

function pastLoss(earnings: Earnings | undefined, tranche: TrancheName, tokens: (amount: bigint) => string): Row {
  const label = "Largest past loss";
  if (earnings === undefined) return { label, value: "…" };
  const changes = earnings.books[tranche];
  const [first] = changes;
  const worst = largestLoss(changes);
  const since = first === undefined ? "" : ` since ${date(first.time)}`;
  if (worst === undefined) return { label, value: "none", hint: `No shortfall has reached this pool${since}.` };
  const count = lossesOf(changes).length;
  return {
    label,
    value: percent(worst.assets, worst.before),
    hint: `of every share: ${tokens(worst.assets)} for one shortfall on ${date(worst.time)}. ${count === 1 ? "The only one" : `The pool paid ${count}`}${since}.`,
  };
}
