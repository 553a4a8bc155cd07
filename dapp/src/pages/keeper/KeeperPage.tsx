/** Keeper: accounts near liquidation, what acting on them pays, buttons that do it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useBackstop } from "../../backstop.ts";
import { type KeeperData, keeperQuery } from "../../data/keeperPage.ts";
import { FlowStatus } from "../../flow/FlowStatus.tsx";
import { useFlow } from "../../flow/useFlow.ts";
import { usd } from "../../lib/format.ts";
import { DeficitNotice } from "../../ui/DeficitNotice.tsx";
import { Notice } from "../../ui/parts.tsx";
import { useActor } from "../../wallet/useActor.ts";
import { CandidatesPanel } from "./CandidatesPanel.tsx";

export default function KeeperPage() {
  const { reader, settings } = useBackstop();
  const actor = useActor();
  const query = useMemo(() => keeperQuery(reader, actor.address, settings), [reader, actor.address, settings]);
  const { data, isError } = useQuery(query);
  const flow = useFlow(query, actor.address);
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
        <>
          {isError ? <Notice tone="bad" title="The node of the chain does not answer." /> : null}
          <DeficitNotice deficit={data.deficit} />
          <CandidatesPanel data={data} actor={actor} flow={flow} />
          <p className="hint">
            {data.cash === undefined ? "" : `Your own account holds ${usd(data.cash)} of cash. `}
            {sourceText(data)}
          </p>
        </>
      )}
    </>
  );
}

function sourceText({ source }: KeeperData): string {
  if (source.kind === "indexer") return `The accounts are those the indexer knows at block ${source.block}.`;
  return `${source.why} The accounts are those that have traded since block ${source.from}, from the chain's own logs.`;
}
