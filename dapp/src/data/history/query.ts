/** History from the indexer while it keeps up, else from the chain, with the reason. */
import type { Settings } from "../../config.ts";
import { latest, type Moment, type Reader } from "../reader.ts";
import { readChainHistory } from "./chain.ts";
import { readIndexedBlock, readIndexedHistory } from "./indexer.ts";
import type { History } from "./types.ts";

/** {block} that the indexer may be behind. */
export const LAG = 5n;

export async function readHistory(reader: Reader, indexerUrl: string | undefined): Promise<History> {
  const block = await latest(reader);
  if (indexerUrl === undefined) return readChainHistory(reader, block, "No indexer is configured.");
  const why = await fromIndexer(reader, indexerUrl, block);
  return typeof why === "string" ? readChainHistory(reader, block, why) : why;
}

/** Its history, or why there is none. */
async function fromIndexer(reader: Reader, url: string, block: Moment): Promise<History | string> {
  try {
    const indexed = await readIndexedBlock(url);
    if (indexed + LAG < block.number) return `The indexer is ${block.number - indexed} blocks behind.`;
    const markets = reader.deployment.markets.map(({ index }) => index);
    return await readIndexedHistory(url, markets, indexed);
  } catch {
    return "The indexer does not answer.";
  }
}

export const historyQuery = (reader: Reader, { indexerUrl }: Pick<Settings, "indexerUrl">) => ({
  queryKey: ["history", reader.deployment.contracts.engine],
  queryFn: () => readHistory(reader, indexerUrl),
  refetchInterval: 2 * reader.client.pollingInterval,
});
