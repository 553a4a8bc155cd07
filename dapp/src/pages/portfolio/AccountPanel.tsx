/** How an account stands: equity, and the margins it is measured by. */
import { date, percent, usd } from "../../lib/format.ts";
import { Figures, Notice, Panel } from "../../ui/parts.tsx";
import type { AccountProps } from "./props.ts";

export function AccountPanel({ account }: AccountProps) {
  const { mark, favourable, unfavourable, cash } = account;
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
        ]}
      />
    </Panel>
  );
}
