/** What the connected person has staked, and asking to leave. */
import { useBackstop } from "../../backstop.ts";
import type { Holder } from "../../data/holder.ts";
import { TRANCHES, type TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { requestFlow } from "../../flows/stake.ts";
import { duration, fixed } from "../../lib/format.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
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
  const pool = data.pools[tranche];
  const typed = useAmount(pool.decimals);
  const held = holder[tranche].shares;
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
        <AmountForm
          {...{ typed, flow, symbol: "shares", button: "Request exit" }}
          label={`Shares of the ${tranche} pool to take out`}
          obstacle={actor.obstacle}
          problem={typed.value > held ? "That is more than you hold." : undefined}
          most={held}
          mostLabel="You hold"
          start={() => flow.start(requestFlow(reader, tranche, holder.address, typed.value))}
        >
          <p className="hint">
            Waits {duration(pool.cooldown)}, then can be claimed for {duration(pool.claimWindow)}. Meanwhile these
            shares pay losses like all others and earn nothing: the claim pays at most what they are worth now.
          </p>
        </AmountForm>
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
