/** Runs flows from a page: the wallet signs and sends, the node answers, the page's own query says what is on the screen. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import type { Hex, TransactionReceipt } from "viem";
import { type Config, useConfig } from "wagmi";
import { getWalletClient } from "wagmi/actions";
import { type Backstop, useBackstop } from "../backstop.ts";
import { historyKey, rememberOwnBlock } from "../data/history/query.ts";
import type { Moment } from "../data/reader.ts";
import { explain, PlainError } from "../errors/explain.ts";
import { type Mined, type Outside, runFlow } from "./run.ts";
import { type Flow, IDLE, type Progress } from "./types.ts";

/** What a page shows, and how it is read. */
export interface PageQuery<Page> {
  readonly queryKey: readonly unknown[];
  readonly queryFn: () => Promise<Page>;
}

export interface FlowRunner<Page> {
  readonly progress: Progress;
  readonly isRunning: boolean;
  start(flow: Flow<Page>): Promise<Progress>;
  dismiss(): void;
}

export function useFlow<Page extends { readonly block: Moment }>(query: PageQuery<Page>): FlowRunner<Page> {
  const [progress, setProgress] = useState<Progress>(IDLE);
  const running = useRef(false);
  const config = useConfig();
  const queries = useQueryClient();
  const backstop = useBackstop();

  const start = useCallback(
    async (flow: Flow<Page>) => {
      if (running.current) return IDLE;
      running.current = true;
      try {
        return await runFlow(flow, outsideOf(config, queries, backstop, query), setProgress);
      } finally {
        running.current = false;
      }
    },
    [config, queries, backstop, query],
  );
  return { progress, isRunning: progress.status === "running", start, dismiss: () => setProgress(IDLE) };
}

function outsideOf<Page extends { readonly block: Moment }>(
  config: Config,
  queries: QueryClient,
  { reader, names, chain }: Backstop,
  query: PageQuery<Page>,
): Outside<Page> {
  const { client } = reader;
  const wallet = () => getWalletClient(config, { chainId: chain.id });
  return {
    sign: async (data) => {
      const { account, signTypedData } = await wallet();
      return signTypedData({ account, ...data });
    },
    send: async (call) => {
      const { account, writeContract } = await wallet();
      await client.simulateContract({ ...call, account });
      return writeContract({ ...call, account, chain });
    },
    wait: (hash) => mined(client, hash),
    blame: async (call, receipt) => {
      await client.simulateContract({ ...call, account: receipt.from, blockNumber: receipt.blockNumber });
      throw new PlainError("The transaction reverted as it was mined. It would go through now: try again.");
    },
    page: async (block) => {
      for (;;) {
        const page = await queries.fetchQuery({ queryKey: query.queryKey, queryFn: query.queryFn, staleTime: 0 });
        if (page.block.number >= block) return page;
        await new Promise((resolve) => setTimeout(resolve, client.pollingInterval));
      }
    },
    history: async (block) => {
      rememberOwnBlock(queries, block);
      await queries.refetchQueries({ queryKey: historyKey, type: "active" });
    },
    explain: (error) => explain(error, names),
  };
}

async function mined(client: Backstop["reader"]["client"], hash: Hex): Promise<Mined> {
  let replaced: Mined["replaced"] = "no";
  const receipt: TransactionReceipt = await client.waitForTransactionReceipt({
    hash,
    onReplaced: ({ reason }) => {
      replaced = reason === "replaced" ? "other" : reason;
    },
  });
  return { receipt, replaced };
}
