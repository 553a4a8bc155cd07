/** Portfolio: one margin account, its positions, money in and out, trades against the AMM. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useBackstop } from "../../backstop.ts";
import { portfolioQuery } from "../../data/portfolioPage.ts";
import { FlowStatus } from "../../flow/FlowStatus.tsx";
import { useFlow } from "../../flow/useFlow.ts";
import { DeficitNotice } from "../../ui/DeficitNotice.tsx";
import { MarketNotices } from "../../ui/MarketNotices.tsx";
import { Notice } from "../../ui/parts.tsx";
import { useActor } from "../../wallet/useActor.ts";
import { AccountPanel } from "./AccountPanel.tsx";
import { ClaimPanel } from "./ClaimPanel.tsx";
import { LeavingPanel } from "./LeavingPanel.tsx";
import { LiquidityPanel } from "./LiquidityPanel.tsx";
import { MoneyPanel } from "./MoneyPanel.tsx";
import { PositionsPanel } from "./PositionsPanel.tsx";
import { TradePanel } from "./TradePanel.tsx";

export default function PortfolioPage() {
  const { reader } = useBackstop();
  const actor = useActor();
  const query = useMemo(() => portfolioQuery(reader, actor.address), [reader, actor.address]);
  const { data, isError } = useQuery(query);
  const flow = useFlow(query, actor.address);
  const account = data?.account;
  const owner = actor.address;
  return (
    <>
      <div className="lead">
        <h1>Portfolio</h1>
        <p>One account for all markets: cash and open profit back every position in it.</p>
      </div>
      {data === undefined ? (
        <p className="hint">{isError ? "The node of the chain does not answer." : "Reading your account …"}</p>
      ) : null}
      {isError && data !== undefined ? <Notice tone="bad" title="The node of the chain does not answer." /> : null}
      {data === undefined ? null : (
        <>
          <DeficitNotice deficit={data.deficit} />
          <MarketNotices markets={data.markets} />
        </>
      )}
      {data !== undefined && account === undefined ? (
        <Notice tone="info" title="Connect a wallet to see your account." />
      ) : null}
      {data === undefined || account === undefined || owner === undefined ? null : (
        <>
          <FlowStatus progress={flow.progress} onDismiss={flow.dismiss} />
          <AccountPanel {...{ data, account, owner, actor, flow }} />
          <PositionsPanel {...{ data, account, owner, actor, flow }} />
          <ClaimPanel {...{ data, account, owner, actor, flow }} />
          <div className="columns">
            <TradePanel {...{ data, account, owner, actor, flow }} />
            <MoneyPanel {...{ data, account, owner, actor, flow }} />
          </div>
          <LeavingPanel {...{ data, account, owner, actor, flow }} />
          <LiquidityPanel {...{ data, account, owner, actor, flow }} />
        </>
      )}
    </>
  );
}
