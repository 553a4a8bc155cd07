/** Portfolio: one margin account, its positions, money in and out, trades against the AMM. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useBackstop } from "../../backstop.ts";
import { portfolioQuery } from "../../data/portfolioPage.ts";
import { FlowStatus } from "../../flow/FlowStatus.tsx";
import { useFlow } from "../../flow/useFlow.ts";
import { Notice } from "../../ui/parts.tsx";
import { useActor } from "../../wallet/useActor.ts";
import { AccountPanel } from "./AccountPanel.tsx";
import { MoneyPanel } from "./MoneyPanel.tsx";
import { PositionsPanel } from "./PositionsPanel.tsx";
import { TradePanel } from "./TradePanel.tsx";

export default function PortfolioPage() {
  const { reader } = useBackstop();
  const actor = useActor();
  const query = useMemo(() => portfolioQuery(reader, actor.address), [reader, actor.address]);
  const { data, isError } = useQuery(query);
  const flow = useFlow(query);
  const account = data?.account;
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
      {data !== undefined && account === undefined ? (
        <Notice tone="info" title="Connect a wallet to see your account." />
      ) : null}
      {data === undefined || account === undefined || actor.address === undefined ? null : (
        <>
          <FlowStatus progress={flow.progress} onDismiss={flow.dismiss} />
          <AccountPanel data={data} account={account} actor={actor} flow={flow} />
          <PositionsPanel account={account} />
          <div className="columns">
            <TradePanel data={data} account={account} actor={actor} flow={flow} />
            <MoneyPanel data={data} account={account} owner={actor.address} actor={actor} flow={flow} />
          </div>
        </>
      )}
    </>
  );
}
