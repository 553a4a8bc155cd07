/** Margin in and out. */
import { useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { withdrawalQuery } from "../../data/withdrawal.ts";
import { useTried } from "../../flow/useTried.ts";
import { fundFlow, withdrawFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { fixed } from "../../lib/format.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
import { ApproveChoice } from "../../ui/ApproveChoice.tsx";
import { Panel } from "../../ui/parts.tsx";
import type { AccountProps } from "./props.ts";

export function MoneyPanel(props: AccountProps) {
  return (
    <Panel title="Money in and out">
      <PayIn {...props} />
      <TakeOut {...props} />
    </Panel>
  );
}

function PayIn({ data, account, owner, actor, flow }: AccountProps) {
  const { reader, token } = useBackstop();
  const [approves, setApproves] = useState(false);
  const typed = useAmount(token.decimals);
  const terms = {
    amount: typed.value,
    deadline: data.block.timestamp + DEADLINE,
    permit: approves ? undefined : token.permit,
  };
  return (
    <AmountForm
      {...{ typed, flow, label: "Pay in", symbol: token.symbol, button: "Pay in" }}
      obstacle={actor.obstacle}
      problem={typed.value > account.balance ? "That is more than you hold." : undefined}
      most={account.balance}
      mostLabel="In your wallet"
      start={() => flow.start(fundFlow(reader, token, owner, account, terms))}
    >
      <ApproveChoice approves={approves} onChange={setApproves} />
    </AmountForm>
  );
}

function TakeOut({ data, account, owner, actor, flow }: AccountProps) {
  const { reader, token } = useBackstop();
  const typed = useAmount(token.decimals);
  const { value } = typed;
  const { value: tried, problem } = useTried(withdrawalQuery(reader, owner, value, data), value > 0n);
  const pays = tried?.paid;
  return (
    <AmountForm
      {...{ typed, problem, flow, label: "Take out", symbol: token.symbol, button: "Take out" }}
      obstacle={actor.obstacle}
      most={account.withdrawable / data.pools.tokenUnit}
      mostLabel="Free"
      start={
        pays === undefined ? undefined : () => flow.start(withdrawFlow(reader, token, owner, account, value, pays))
      }
    >
      {pays === undefined || pays >= value ? null : (
        <p className="problem">
          Pays {fixed(pays, token.decimals)} {token.symbol} now; the rest becomes a claim.
        </p>
      )}
    </AmountForm>
  );
}
