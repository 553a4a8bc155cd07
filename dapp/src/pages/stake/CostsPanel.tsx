/** What each step costs, and when: gas at the price of now, waiting, what is forgone. */
import { useBackstop } from "../../backstop.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { duration, fixed } from "../../lib/format.ts";
import { GAS } from "../../lib/gas.ts";
import { Panel } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";

export function CostsPanel({ data, tranche }: { data: StakePageData; tranche: TrancheName }) {
  const { chain } = useBackstop();
  const pool = data.pools[tranche];
  const gas = (step: keyof typeof GAS) =>
    `${fixed(GAS[step][tranche] * data.gasPrice, chain.nativeCurrency.decimals, 6)} ${chain.nativeCurrency.symbol}`;
  const rows = [
    {
      step: "Stake",
      gas: gas("join"),
      when: "At once. A permit is a signature and costs nothing; an approval is a transaction more.",
      forgone: "Nothing.",
    },
    {
      step: "Request an exit",
      gas: gas("request"),
      when: `Starts a cooldown of ${duration(pool.cooldown)}. It runs in the pool's time, which stands still while the pool is paused or the gate is closed.`,
      forgone: "Income from now on. Losses still count.",
    },
    {
      step: "Claim",
      gas: gas("claim"),
      when: `Within ${duration(pool.claimWindow)} after the cooldown.`,
      forgone: "What the shares gained since the request stays with the others.",
    },
    {
      step: "Cancel",
      gas: gas("cancel"),
      when: "At any time before the claim.",
      forgone: "As many shares as leave the rest worth what it was at the request.",
    },
    {
      step: "Lapse",
      gas: gas("cancel"),
      when: "After the claim window. Anybody may then give you the shares back.",
      forgone: "The same as cancelling, and the cooldown begins anew.",
    },
  ];
  return (
    <Panel title="What each step costs, and when">
      <Table
        caption={`Steps of the ${tranche} pool, gas at the price of now`}
        rows={rows}
        keyOf={({ step }) => step}
        columns={[
          { name: "Step", cell: ({ step }) => step },
          { name: "Gas", cell: (row) => row.gas, isNumber: true },
          { name: "When", cell: ({ when }) => when, isText: true },
          { name: "You give up", cell: ({ forgone }) => forgone, isText: true },
        ]}
      />
    </Panel>
  );
}
