/** Stake: see what a tranche earns and risks, join it, leave it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useBackstop } from "../../backstop.ts";
import { earningsQuery } from "../../data/history/query.ts";
import type { TrancheName } from "../../data/pools.ts";
import { stakePageQuery } from "../../data/stakePage.ts";
import { FlowStatus } from "../../flow/FlowStatus.tsx";
import { useFlow } from "../../flow/useFlow.ts";
import { useActor } from "../../wallet/useActor.ts";
import { CostsPanel } from "./CostsPanel.tsx";
import { DepositPanel } from "./DepositPanel.tsx";
import { HoldingPanel } from "./HoldingPanel.tsx";
import { PoolNotices } from "./PoolNotices.tsx";
import { RequestsPanel } from "./RequestsPanel.tsx";
import { RiskPanel } from "./RiskPanel.tsx";
import { TrancheChoice } from "./TrancheChoice.tsx";
import { YieldPanel } from "./YieldPanel.tsx";

export function StakePage() {
  const { reader, settings, token } = useBackstop();
  const actor = useActor();
  const [tranche, setTranche] = useState<TrancheName>("senior");
  const query = useMemo(() => stakePageQuery(reader, actor.address), [reader, actor.address]);
  const { data, isError } = useQuery(query);
  const earnings = useQuery(useMemo(() => earningsQuery(reader, settings, token), [reader, settings, token]));
  const flow = useFlow(query, actor.address);
  return (
    <>
      <div className="lead">
        <h1>Stake</h1>
        <p>
          Your capital stands behind the market. Traders pay for that every hour; when a crash leaves a loss that no
          trader&apos;s margin covers, it is paid from here.
        </p>
      </div>
      {data === undefined ? (
        <p className="hint">{isError ? "The node of the chain does not answer." : "Reading the pools …"}</p>
      ) : (
        <>
          <PoolNotices data={data} isOld={isError} />
          <TrancheChoice data={data} chosen={tranche} onChoose={setTranche} />
          <FlowStatus progress={flow.progress} onDismiss={flow.dismiss} />
          <div className="columns">
            <div>
              <DepositPanel data={data} tranche={tranche} actor={actor} flow={flow} />
              <YieldPanel data={data} earnings={earnings.data} tranche={tranche} />
            </div>
            <RiskPanel data={data} earnings={earnings.data?.what} tranche={tranche} />
          </div>
          {data.holder === undefined ? null : (
            <>
              <HoldingPanel data={data} holder={data.holder} tranche={tranche} actor={actor} flow={flow} />
              <RequestsPanel data={data} holder={data.holder} actor={actor} flow={flow} />
            </>
          )}
          <CostsPanel data={data} tranche={tranche} />
        </>
      )}
    </>
  );
}
