/** Runs flows from a page: the wallet signs and sends, the node answers, the page's own query says what is on the screen. */
import { type QueryClient, skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import type { Address, Hex } from "viem";
import { type Config, useConfig } from "wagmi";
import { getWalletClient } from "wagmi/actions";
import { syncingLimit } from "../../../sdk/src/gas.ts";
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

/**
 * One flow a page at a time, whoever is connected and wherever the person goes meanwhile: it is there again when he comes back.
 * @param actor whose flows they are: a wallet that is on another account by then neither signs nor sends
 */
export function useFlow<Page extends { readonly block: Moment }>(
  query: PageQuery<Page>,
  actor: Address | undefined,
): FlowRunner<Page> {
  const config = useConfig();
  const queries = useQueryClient();
  const backstop = useBackstop();
  const [page] = query.queryKey;
  const queryKey = useMemo(() => ["flow", page] as const, [page]);
  const { data: progress = IDLE } = useQuery<Progress>({
    ...{ queryKey, queryFn: skipToken, staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY },
  });

  const start = useCallback(
    async (flow: Flow<Page>) => {
      if (queries.getQueryData<Progress>(queryKey)?.status === "running") return IDLE;
      const report = (now: Progress) => queries.setQueryData(queryKey, now);
      return runFlow(flow, outsideOf(config, queries, backstop, query, actor), report);
    },
    [config, queries, backstop, query, queryKey, actor],
  );
  return {
    ...{ progress, isRunning: progress.status === "running", start },
    dismiss: () => queries.setQueryData(queryKey, IDLE),
  };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

function outsideOf<Page extends { readonly block: Moment }>(
  config: Config,
  queries: QueryClient,
  { reader, names, chain }: Backstop,
  query: PageQuery<Page>,
  actor: Address | undefined,
): Outside<Page> {
  const { client, deployment } = reader;
  const syncing = new Set([deployment.contracts.engine, deployment.contracts.amm]);
  const wallet = async () => {
    const found = await getWalletClient(config, { chainId: chain.id });
    if (found.account.address === actor) return found;
    throw new PlainError(
      "The wallet is on another account than the one this was begun with. Nothing more was sent; what is done stays done.",
    );
  };
  return {
    sign: async (data) => {
      const { account, signTypedData } = await wallet();
      return signTypedData({ account, ...data });
    },
    send: async (call) => {
      const { account, writeContract } = await wallet();
      await client.simulateContract({ ...call, account });
      if (!syncing.has(call.address)) return writeContract({ ...call, account, chain });
      const gas = syncingLimit(await client.estimateContractGas({ ...call, account }));
      return writeContract({ ...call, account, chain, gas });
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
        await pause(client.pollingInterval);
      }
    },
    history: async (block) => {
      rememberOwnBlock(queries, block);
      await queries.refetchQueries({ queryKey: historyKey, type: "active" });
    },
    explain: (error) => explain(error, names),
    pause,
  };
}

/** Until it is, however long it takes and however often the node does not answer: it has been sent, and may be mined at any time. */
async function mined(client: Backstop["reader"]["client"], hash: Hex): Promise<Mined> {
  for (;;) {
    let replaced: Mined["replaced"] = "no";
    const onReplaced = ({ reason }: { reason: "cancelled" | "replaced" | "repriced" }) => {
      replaced = reason === "replaced" ? "other" : reason;
    };
    try {
      return { receipt: await client.waitForTransactionReceipt({ hash, timeout: 0, onReplaced }), replaced };
    } catch {
      await pause(client.pollingInterval);
    }
  }
}
