/** Margin in and out. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { withdrawalQuery } from "../../data/withdrawal.ts";
import { explain } from "../../errors/explain.ts";
import { fundFlow, withdrawFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { fixed } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
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
  const [text, setText] = useState("");
  const amount = parseAmount(text, token.decimals);
  const value = amount.kind === "ok" ? amount.value : 0n;
  const problem = value > account.balance ? "That is more than you hold." : undefined;
  const canStart = actor.obstacle === undefined && problem === undefined && value > 0n && !flow.isRunning;

  async function start() {
    const terms = { amount: value, deadline: data.block.timestamp + DEADLINE, permit: token.permit };
    const done = await flow.start(fundFlow(reader, token, owner, account, terms));
    if (done.status === "done") setText("");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canStart) void start();
      }}
    >
      <AmountField
        {...{ label: "Pay in", symbol: token.symbol, decimals: token.decimals, text, amount, problem }}
        onChange={setText}
        most={account.balance}
        mostLabel="In your wallet"
        disabled={flow.isRunning}
      />
      <button type="submit" disabled={!canStart}>
        Pay in
      </button>
    </form>
  );
}

function TakeOut({ data, account, owner, actor, flow }: AccountProps) {
  const { reader, token, names } = useBackstop();
  const [text, setText] = useState("");
  const amount = parseAmount(text, token.decimals);
  const value = amount.kind === "ok" ? amount.value : 0n;
  const most = account.withdrawable / data.pools.tokenUnit;
  const foreseen = useQuery({ ...withdrawalQuery(reader, owner, value, data), enabled: value > 0n }).data;
  const problem = foreseen?.refusal === undefined ? undefined : explain(foreseen.refusal, names).sentence;
  const pays = value > 0n ? foreseen?.value?.paid : undefined;
  const canStart = actor.obstacle === undefined && pays !== undefined && !flow.isRunning;

  async function start(paid: bigint) {
    const done = await flow.start(withdrawFlow(reader, token, owner, account, value, paid));
    if (done.status === "done") setText("");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canStart) void start(pays);
      }}
    >
      <AmountField
        {...{ label: "Take out", symbol: token.symbol, decimals: token.decimals, text, amount, problem }}
        onChange={setText}
        most={most}
        mostLabel="Free"
        disabled={flow.isRunning}
      />
      {pays === undefined || pays >= value ? null : (
        <p className="problem">
          Pays {fixed(pays, token.decimals)} {token.symbol} now; the rest becomes a claim.
        </p>
      )}
      <button type="submit" disabled={!canStart}>
        Take out
      </button>
    </form>
  );
}
