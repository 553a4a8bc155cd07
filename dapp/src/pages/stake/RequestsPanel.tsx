/** Exit requests with their count-down by chain time: claim, take back. */
import { min } from "../../../../sdk/src/math.ts";
import { useBackstop } from "../../backstop.ts";
import type { Holder, Request } from "../../data/holder.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { cancelFlow, claimFlow, DEADLINE, isVisible } from "../../flows/stake.ts";
import { phaseOf, poolTimeAt, standsUntil } from "../../lib/clock.ts";
import { date, duration, fixed } from "../../lib/format.ts";
import { useElapsed } from "../../lib/useElapsed.ts";
import { Panel, Tag } from "../../ui/parts.tsx";
import { Table } from "../../ui/Table.tsx";
import type { Actor } from "../../wallet/useActor.ts";

interface Props {
  readonly data: StakePageData;
  readonly holder: Holder;
  readonly actor: Actor;
  readonly flow: FlowRunner<StakePageData>;
}

/** {bps} less than what the page shows that a claim may pay: a loss may come in between, and then one should look again. */
const CLAIM_SLIPPAGE = 10n;

export function RequestsPanel({ data, holder, actor, flow }: Props) {
  const { token } = useBackstop();
  const requests = [...holder.junior.requests, ...holder.senior.requests];
  if (requests.length === 0) return null;
  const lost = requests.reduce((sum, request) => sum + request.valueCap - paysNow(request), 0n);
  const tokens = (amount: bigint) => `${fixed(amount, token.decimals)} ${token.symbol}`;
  return (
    <Panel title="Exit requests">
      <Table
        caption="Your open exit requests"
        rows={requests}
        keyOf={({ tranche, id }) => `${tranche}-${id}`}
        columns={[
          { name: "Request", cell: ({ tranche, id }) => `${tranche === "junior" ? "Junior" : "Senior"} ${id}` },
          {
            name: "Shares",
            cell: ({ tranche, shares }) => fixed(shares, data.pools[tranche].decimals, 4),
            isNumber: true,
          },
          { name: "Pays at most", cell: ({ valueCap }) => tokens(valueCap), isNumber: true },
          {
            name: "Pays now",
            cell: (request) => tokens(paysNow(request)),
            isNumber: true,
          },
          { name: "State", cell: (request) => <State request={request} data={data} /> },
          { name: "", cell: (request) => <Actions {...{ request, data, holder, actor, flow }} /> },
        ]}
      />
      {isVisible(lost, token) ? (
        <p className="hint">
          Losses that the pool has paid since took {tokens(lost)} of what your requests pay at most.
        </p>
      ) : null}
    </Panel>
  );
}

/** {asset} */
const paysNow = ({ payout, worth, valueCap }: Request): bigint => payout ?? min(worth, valueCap);

function State({ request, data }: { request: Request; data: StakePageData }) {
  const pool = data.pools[request.tranche];
  const { number, timestamp } = data.block;
  const elapsed = useElapsed(number);
  const phase = phaseOf(request, poolTimeAt(pool, timestamp, elapsed));
  const stands = standsUntil(pool, timestamp);
  if (phase.kind === "lapsed") return <Tag tone="warn">lapsed {duration(phase.since)} ago</Tag>;
  const text =
    phase.kind === "cooling" ? `claimable in ${duration(phase.left)}` : `claim within ${duration(phase.left)}`;
  return (
    <>
      <Tag tone={phase.kind === "cooling" ? "info" : "good"}>{text}</Tag>
      {stands === undefined ? null : <span className="hint"> stands still, at the latest until {date(stands)}</span>}
    </>
  );
}

function Actions({ request, data, holder, actor, flow }: Props & { request: Request }) {
  const { reader, token } = useBackstop();
  const isStopped = actor.obstacle !== undefined || flow.isRunning;
  const { payout } = request;
  const isLapsed = phaseOf(request, data.pools[request.tranche].poolTime).kind === "lapsed";

  function claim(pays: bigint) {
    const minAssets = pays - (pays * CLAIM_SLIPPAGE) / 10_000n;
    const deadline = data.block.timestamp + DEADLINE;
    void flow.start(claimFlow(reader, token, holder.address, request, { minAssets, deadline }));
  }

  return (
    <span className="actions">
      {payout === undefined ? null : (
        <button type="button" className="primary" disabled={isStopped} onClick={() => claim(payout)}>
          Claim
        </button>
      )}
      <button
        type="button"
        disabled={isStopped}
        onClick={() => void flow.start(cancelFlow(reader, holder.address, request, data.pools[request.tranche]))}
      >
        {isLapsed ? "Take back" : "Cancel"}
      </button>
    </span>
  );
}
