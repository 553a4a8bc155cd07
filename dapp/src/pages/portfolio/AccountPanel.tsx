/** How an account stands: equity, margins, and what a deficit or the gate would do to it now. */
import { useBackstop } from "../../backstop.ts";
import type { MarginAccount } from "../../data/account.ts";
import type { PortfolioData } from "../../data/portfolioPage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { collectClaimFlow } from "../../flows/margin.ts";
import { date, percent, usd } from "../../lib/format.ts";
import { Figures, Notice, Panel } from "../../ui/parts.tsx";
import type { Actor } from "../../wallet/useActor.ts";

interface Props {
  readonly data: PortfolioData;
  readonly account: MarginAccount;
  readonly actor: Actor;
  readonly flow: FlowRunner<PortfolioData>;
}

export function AccountPanel({ data: { pools, internalBalance, block }, account, actor, flow }: Props) {
  const { reader } = useBackstop();
  const { mark, favourable, unfavourable, cash, claim } = account;
  const held = internalBalance * pools.tokenUnit;
  const isUnhealthy = favourable.equity < favourable.maintenance;
  return (
    <Panel title="Your account">
      {isUnhealthy ? (
        <Notice tone="bad" title="Anybody may liquidate this account now.">
          Pay in, or close part of a position.{" "}
          {account.unhealthySince === 0n ? "" : `The clock runs since ${date(account.unhealthySince)}.`}
        </Notice>
      ) : null}
      <Figures
        rows={[
          { label: "Equity at the mark", value: usd(mark.equity), hint: `${usd(cash)} of it is cash.` },
          {
            label: "Maintenance margin",
            value: usd(mark.maintenance),
            hint: mark.maintenance === 0n ? undefined : `Equity is ${percent(mark.equity, mark.maintenance, 0)} of it.`,
          },
          {
            label: "Initial margin, for more risk",
            value: usd(unfavourable.initial),
            hint: `${usd(unfavourable.capped)} counts: the price less favourable to you, profit up to each position's own margin.`,
          },
          { label: "Can be withdrawn", value: usd(account.withdrawable) },
          {
            label: "Of a withdrawal is paid now",
            value: percent(held, held + pools.totalDeficit, 2),
            hint:
              pools.totalDeficit === 0n
                ? "There is no deficit. When there is one, every withdrawal is cut alike, and the rest becomes a claim."
                : `A deficit of ${usd(pools.totalDeficit)} stands: every withdrawal is cut alike, the rest becomes a claim that income repays.`,
          },
          {
            label: "The gate",
            value: pools.junior.gateEnd > block.timestamp ? "closed" : "open",
            hint: "It holds back stakers, never traders: margin can be withdrawn while it is closed.",
          },
          ...(claim === 0n
            ? []
            : [{ label: "Your claim", value: usd(claim), hint: "Withheld by earlier withdrawals." }]),
        ]}
      />
      {claim === 0n ? null : (
        <button
          type="button"
          disabled={actor.obstacle !== undefined || flow.isRunning}
          onClick={() => void flow.start(collectClaimFlow(reader, account))}
        >
          Collect what was paid on it
        </button>
      )}
    </Panel>
  );
}
