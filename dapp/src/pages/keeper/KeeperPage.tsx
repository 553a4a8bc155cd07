/** Keeper: accounts near liquidation, what acting on them pays, a button that does it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { ownerOf } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { type Candidate, keeperQuery } from "../../data/keeperPage.ts";
import { FlowStatus } from "../../flow/FlowStatus.tsx";
import { useFlow } from "../../flow/useFlow.ts";
import { RESCUES, rescueFlow } from "../../flows/keeper.ts";
import { date, percent, shortHex, usd } from "../../lib/format.ts";
import { Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import { useActor } from "../../wallet/useActor.ts";

const ownerText = (id: bigint) => shortHex(`0x${ownerOf(id).toString(16).padStart(40, "0")}`);

export default function KeeperPage() {
  const { reader, names } = useBackstop();
  const actor = useActor();
  const query = useMemo(() => keeperQuery(reader, actor.address), [reader, actor.address]);
  const { data, isError } = useQuery(query);
  const flow = useFlow(query);
  const { address } = actor;
  const nameOf = (market: number) => names.markets.get(market)?.name ?? market.toString();

  function Act({ candidate }: { candidate: Candidate }) {
    const { rescue } = candidate;
    if (candidate.equity >= candidate.maintenance) return <span className="hint">healthy</span>;
    if (address === undefined) return <span className="hint">Connect a wallet to act.</span>;
    if (rescue === undefined) return <span className="hint">nothing succeeds now</span>;
    return (
      <button
        type="button"
        className="primary"
        disabled={actor.obstacle !== undefined || flow.isRunning}
        onClick={() => void flow.start(rescueFlow(reader, candidate, rescue, address, data?.cash ?? 0n))}
      >
        {RESCUES[rescue.kind]}
      </button>
    );
  }

  return (
    <>
      <div className="lead">
        <h1>Keeper</h1>
        <p>
          Anybody may close what is about to cost the stakers, and is paid for it from the account&apos;s own margin.
          Liquidating through the AMM needs no capital.
        </p>
      </div>
      <FlowStatus progress={flow.progress} onDismiss={flow.dismiss} />
      {data === undefined ? (
        <p className="hint">{isError ? "The node of the chain does not answer." : "Looking for accounts …"}</p>
      ) : (
        <Panel
          title="Accounts nearest to liquidation"
          aside={<span className="hint">{data.known} with positions</span>}
        >
          <Table
            caption="By equity for each unit of maintenance margin, at the price that is favourable to the account"
            rows={data.candidates}
            keyOf={({ id }) => id.toString()}
            empty="Nobody has a position."
            columns={[
              { name: "Account", cell: ({ id }) => <code>{ownerText(id)}</code> },
              { name: "Markets", cell: ({ markets }) => markets.map(nameOf).join(", ") },
              { name: "Positions", cell: ({ notional }) => usd(notional, 0), isNumber: true },
              { name: "Equity", cell: ({ equity }) => usd(equity), isNumber: true },
              { name: "Maintenance", cell: ({ maintenance }) => usd(maintenance), isNumber: true },
              { name: "Health", cell: (candidate) => <Health {...candidate} />, isNumber: true },
              { name: "Pays", cell: (candidate) => <Pays candidate={candidate} />, isNumber: true },
              { name: "", cell: (candidate) => <Act candidate={candidate} /> },
            ]}
          />
        </Panel>
      )}
    </>
  );
}

function Health({ equity, maintenance, unhealthySince }: Candidate) {
  const text = percent(equity, maintenance, 0);
  if (equity >= maintenance) return text;
  return (
    <>
      <Tag tone="bad">{text}</Tag>
      {unhealthySince === 0n ? null : <span className="sub">flagged {date(unhealthySince)}</span>}
    </>
  );
}

/** {u} what the account pays; the caller and the bucket share what the depth does not cost of it. */
function Pays({ candidate: { rescue } }: { candidate: Candidate }) {
  if (rescue === undefined) return "–";
  if (rescue.kind === "takeover") return "a fixed reward";
  return (
    <>
      {usd(rescue.penalty)}
      <span className="sub">shared with depth and bucket</span>
    </>
  );
}
