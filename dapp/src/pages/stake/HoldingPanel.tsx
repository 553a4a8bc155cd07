/** What the connected person has staked, and asking to leave. */
import { useState } from "react";
import { useBackstop } from "../../backstop.ts";
import type { Holder } from "../../data/holder.ts";
import { TRANCHES, type TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { requestFlow } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { duration, fixed } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { Panel } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import type { Actor } from "../../wallet/useActor.ts";

interface Props {
  readonly data: StakePageData;
  readonly holder: Holder;
  readonly tranche: TrancheName;
  readonly actor: Actor;
  readonly flow: FlowRunner<StakePageData>;
}

export function HoldingPanel({ data, holder, tranche, actor, flow }: Props) {
  const { reader, token } = useBackstop();
  const [text, setText] = useState("");
  const pool = data.pools[tranche];
  const amount = parseAmount(text, pool.decimals);
  const shares = amount.kind === "ok" ? amount.value : 0n;
  const held = holder[tranche].shares;
  const problem = shares > held ? "That is more than you hold." : undefined;
  const canStart = actor.obstacle === undefined && problem === undefined && shares > 0n && !flow.isRunning;

  async function start() {
    const done = await flow.start(requestFlow(reader, tranche, holder.address, shares));
    if (done.status === "done") setText("");
  }

  return (
    <Panel title="Your stake">
      <Table
        caption="Your shares of both pools"
        rows={TRANCHES}
        keyOf={(name) => name}
        columns={[
          { name: "Pool", cell: (name) => (name === "junior" ? "Junior" : "Senior") },
          { name: "Shares", cell: (name) => fixed(holder[name].shares, data.pools[name].decimals, 4), isNumber: true },
          {
            name: "Worth",
            cell: (name) => `${fixed(holder[name].worth, token.decimals)} ${token.symbol}`,
            isNumber: true,
          },
          {
            name: "In exit requests",
            cell: (name) => queuedOf(holder, name, data.pools[name].decimals),
            isNumber: true,
          },
        ]}
      />
      {held === 0n ? null : (
        <form
          className="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (canStart) void start();
          }}
        >
          <AmountField
            label={`Shares of the ${tranche} pool to take out`}
            symbol="shares"
            decimals={pool.decimals}
            text={text}
            amount={amount}
            onChange={setText}
            most={held}
            mostLabel="You hold"
            problem={problem}
            disabled={flow.isRunning}
          />
          <button type="submit" disabled={!canStart}>
            Request exit
          </button>
          <p className="hint">
            Waits {duration(pool.cooldown)}, then can be claimed for {duration(pool.claimWindow)}. Meanwhile these
            shares pay losses like all others and earn nothing: the claim pays at most what they are worth now.
          </p>
        </form>
      )}
    </Panel>
  );
}

const queuedOf = (holder: Holder, name: TrancheName, decimals: number): string =>
  fixed(
    holder[name].requests.reduce((sum, { shares }) => sum + shares, 0n),
    decimals,
    4,
  );
