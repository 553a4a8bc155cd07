/** The accounts nearest to liquidation, with every way to act on each: what it pays, and its button. */
import { formatLots, ownerOf } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { type Candidate, isUnhealthy, type KeeperData } from "../../data/keeperPage.ts";
import type { Rescue } from "../../data/rescues.ts";
import { marketOf, type Names } from "../../errors/words.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { RESCUES, rescueFlow } from "../../flows/keeper.ts";
import { date, percent, shortHex, usd } from "../../lib/format.ts";
import { Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import type { Actor } from "../../wallet/useActor.ts";

interface Props {
  readonly data: KeeperData;
  readonly actor: Actor;
  readonly flow: FlowRunner<KeeperData>;
}

const ownerText = (id: bigint) => shortHex(`0x${ownerOf(id).toString(16).padStart(40, "0")}`);

export function CandidatesPanel({ data, actor, flow }: Props) {
  const { names } = useBackstop();
  const nameOf = (market: number) => marketOf(names, market).name;
  return (
    <Panel title="Accounts nearest to liquidation" aside={<span className="hint">{data.known} with positions</span>}>
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
          { name: "Pays you", cell: (candidate) => <Ways {...{ candidate, data, actor, flow }} /> },
        ]}
      />
    </Panel>
  );
}

function Health(candidate: Candidate) {
  const { equity, maintenance, unhealthySince } = candidate;
  const text = percent(equity, maintenance, 0);
  if (!isUnhealthy(candidate)) return text;
  return (
    <>
      <Tag tone="bad">{text}</Tag>
      {unhealthySince === 0n ? null : <span className="sub">flagged {date(unhealthySince)}</span>}
    </>
  );
}

function Ways({ candidate, data, actor, flow }: Props & { candidate: Candidate }) {
  const { reader, names } = useBackstop();
  const { address } = actor;
  if (!isUnhealthy(candidate)) return <span className="hint">healthy</span>;
  if (address === undefined) return <span className="hint">Connect a wallet to act.</span>;
  if (candidate.rescues.length === 0) return <span className="hint">nothing succeeds now</span>;
  return (
    <ul className="ways">
      {candidate.rescues.map((rescue) => (
        <li key={keyOf(rescue)}>
          <span>
            <strong>{usd(rescue.pays)}</strong>
            <span className="sub">{detailOf(rescue, names)}</span>
          </span>
          <button
            type="button"
            aria-label={`${RESCUES[rescue.kind]}: ${ownerText(candidate.id)}`}
            disabled={actor.obstacle !== undefined || flow.isRunning}
            onClick={() =>
              void flow.start(rescueFlow(reader, candidate, rescue, { actor: address, cash: data.cash ?? 0n, names }))
            }
          >
            {RESCUES[rescue.kind]}
          </button>
        </li>
      ))}
    </ul>
  );
}

const keyOf = (rescue: Rescue) => (rescue.kind === "takeover" ? "takeover" : `${rescue.kind} ${rescue.market}`);

/** What happens for it. */
function detailOf(rescue: Rescue, names: Names): string {
  if (rescue.kind === "takeover") return "the pool takes all of it over";
  const { name, lotDecimals } = marketOf(names, rescue.market);
  const size = `${formatLots(rescue.lots, lotDecimals)} ${name}`;
  const where = rescue.kind === "amm" ? `${size} are closed against the AMM` : `${size} become your position`;
  return `${where}; the account pays ${usd(rescue.penalty)}`;
}
