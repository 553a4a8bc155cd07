/** History from the indexer while it keeps up, else from the chain, with the reason. */
import type { QueryClient } from "@tanstack/react-query";
import { BackstopPoolAbi } from "../../../../sdk/src/abi.ts";
import { max } from "../../../../sdk/src/math.ts";
import { tokenUnit } from "../../../../sdk/src/units.ts";
import type { Settings } from "../../config.ts";
import { duration } from "../../lib/format.ts";
import { latest, type Moment, type Reader } from "../reader.ts";
import type { Token } from "../token.ts";
import { earningsOf, historyOf } from "./chain.ts";
import { readIndexed, readIndexedEarnings, readIndexedHistory } from "./indexer.ts";
import { type ChainLogs, readLogs } from "./logs.ts";
import type { Earnings, History, Told } from "./types.ts";

/** The indexer is behind when it is by more than both: a fast chain has many blocks in a minute, a slow one none. */
const LAG = { blocks: 5n, seconds: 60n } as const;
/** {ms} that it gets to take in a block of this page's own, and between two looks. */
const PATIENCE = 2_000;
const PAUSE = 100;

const HISTORY = "history";
/** Of every query that tells history. */
export const historyKey = [HISTORY] as const;
const ownBlockKey = ["own block"] as const;

/** From now on only what knows of `block`, where this page's own transaction is, is good enough to tell history. */
export const rememberOwnBlock = (queries: QueryClient, block: bigint): bigint | undefined =>
  queries.setQueryData<bigint>(ownBlockKey, (known = 0n) => max(known, block));

interface Teller<T> {
  readonly queryKey: readonly string[];
  readonly indexed: (url: string) => Promise<T>;
  readonly logged: (logs: ChainLogs) => Promise<T> | T;
}

async function tell<T>(
  queries: QueryClient,
  reader: Reader,
  url: string | undefined,
  { queryKey, indexed, logged }: Teller<T>,
): Promise<Told<T>> {
  let why = "No indexer is configured.";
  if (url !== undefined) {
    try {
      const found = await follow(queries, reader, url);
      if (typeof found !== "string") {
        const known = queries.getQueryData<Told<T>>(queryKey);
        if (known?.source.kind === "indexer" && known.source.block === found) return known; // nothing is new
        return { source: { kind: "indexer", block: found }, what: await indexed(url) };
      }
      why = found;
    } catch {
      why = "The indexer does not answer.";
    }
  }
  const logs = await logsOf(queries, reader);
  return { source: { kind: "chain", why, from: logs.from }, what: await logged(logs) };
}

/** {block} up to which the indexer knows, or why that is not enough. */
async function follow(queries: QueryClient, reader: Reader, url: string): Promise<bigint | string> {
  const head = await latest(reader);
  const own = queries.getQueryData<bigint>(ownBlockKey) ?? 0n;
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const indexed = await readIndexed(url, reader.deployment.chainId);
    const late = lateness(indexed, head);
    if (late !== undefined) return late;
    if (indexed.number >= own) return indexed.number;
    if (Date.now() > deadline) return "The indexer does not know of your last transaction yet.";
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Why what is known up to `indexed` is too old at `head`; undefined when it is not. */
export function lateness(indexed: Moment, head: Moment): string | undefined {
  const [blocks, seconds] = [head.number - indexed.number, head.timestamp - indexed.timestamp];
  if (blocks <= LAG.blocks || seconds <= LAG.seconds) return undefined;
  return `The indexer is ${blocks} blocks behind (${duration(seconds)}).`;
}

/** One reading for all who tell from it; the next one begins where it ended. */
function logsOf(queries: QueryClient, reader: Reader): Promise<ChainLogs> {
  const queryKey = ["logs", reader.deployment.contracts.engine];
  return queries.fetchQuery({
    queryKey,
    queryFn: () => readLogs(reader, queries.getQueryData<ChainLogs>(queryKey)),
    structuralSharing: false, // they are many, and only grow
  });
}

type Where = Pick<Settings, "indexerUrl">;

export const historyQuery = (reader: Reader, { indexerUrl }: Where, { decimals }: Pick<Token, "decimals">) => {
  const markets = reader.deployment.markets.map(({ index }) => index);
  const queryKey = [HISTORY, "markets", reader.deployment.contracts.engine];
  return {
    queryKey,
    queryFn: ({ client }: { client: QueryClient }): Promise<Told<History>> =>
      tell(client, reader, indexerUrl, {
        queryKey,
        indexed: (url) => readIndexedHistory(url, markets),
        logged: (logs) => historyOf(logs, markets, tokenUnit(decimals)),
      }),
    refetchInterval: 2 * reader.client.pollingInterval,
  };
};

export const earningsQuery = (reader: Reader, { indexerUrl }: Where, { decimals }: Pick<Token, "decimals">) => {
  const { contracts } = reader.deployment;
  const queryKey = [HISTORY, "earnings", contracts.engine];
  return {
    queryKey,
    queryFn: ({ client }: { client: QueryClient }): Promise<Told<Earnings>> =>
      tell(client, reader, indexerUrl, {
        queryKey,
        indexed: (url) => readIndexedEarnings(url, contracts),
        logged: async (logs) => earningsOf(logs, contracts, await booksAt(reader, logs.to), tokenUnit(decimals)),
      }),
    refetchInterval: 4 * reader.client.pollingInterval,
  };
};

/** {asset} on the books of both pools. */
async function booksAt({ client, deployment }: Reader, blockNumber: bigint) {
  const read = (address: Reader["deployment"]["contracts"]["junior"]) =>
    client.readContract({ address, abi: BackstopPoolAbi, functionName: "bookedAssets", blockNumber });
  const [junior, senior] = await Promise.all([read(deployment.contracts.junior), read(deployment.contracts.senior)]);
  return { junior, senior };
}
