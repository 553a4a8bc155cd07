/** Margin in and out. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Address } from "viem";
import { useBackstop } from "../../backstop.ts";
import type { MarginAccount } from "../../data/account.ts";
import { type PortfolioData, withdrawalQuery } from "../../data/portfolioPage.ts";
import { explain } from "../../errors/explain.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { fundFlow, withdrawFlow } from "../../flows/margin.ts";
import { DEADLINE } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { fixed } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { Panel } from "../../ui/parts.tsx";
import type { Actor } from "../../wallet/useActor.ts";

interface Props {
  readonly data: PortfolioData;
  readonly account: MarginAccount;
  readonly owner: Address;
  readonly actor: Actor;
  readonly flow: FlowRunner<PortfolioData>;
}

export function MoneyPanel(props: Props) {
  return (
    <Panel title="Money in and out">
      <PayIn {...props} />
      <TakeOut {...props} />
    </Panel>
  );
}

function PayIn({ data, account, owner, actor, flow }: Props) {
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

function TakeOut({ data, account, owner, actor, flow }: Props) {
  const { reader, token, names } = useBackstop();
  const [text, setText] = useState("");
  const amount = parseAmount(text, token.decimals);
  const value = amount.kind === "ok" ? amount.value : 0n;
  const most = account.withdrawable / data.pools.tokenUnit;
  const foreseen = useQuery({
    ...withdrawalQuery(reader, owner, account.id, value, data.block),
    enabled: value > 0n,
    retry: false,
    placeholderData: (previous) => previous,
  });
  const problem = foreseen.error === null ? undefined : explain(foreseen.error, names).sentence;
  const pays = foreseen.data;
  const canStart =
    actor.obstacle === undefined && problem === undefined && value > 0n && pays !== undefined && !flow.isRunning;

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
      {pays === undefined || value === 0n || pays >= value ? null : (
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
