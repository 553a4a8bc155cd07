/** Whose accounts a keeper looks at: from the indexer while it keeps up, else from the fills in the chain's logs. */
import { getAbiItem } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import { ask, big, page } from "./history/graphql.ts";
import { readIndexed } from "./history/indexer.ts";
import { lateness } from "./history/query.ts";
import { firstBlock, inPieces } from "./logs.ts";
import type { Moment, Reader } from "./reader.ts";

export interface Traders {
  readonly ids: readonly bigint[];
  readonly source: TraderSource;
}

export type TraderSource =
  | { readonly kind: "indexer"; readonly block: bigint }
  /** Why not the indexer, and the first block that was looked at. */
  | { readonly kind: "chain"; readonly why: string; readonly from: bigint };

/** {row} in one answer of the indexer. */
const PAGE = 1_000;

export async function readTraders(reader: Reader, indexerUrl: string | undefined, block: Moment): Promise<Traders> {
  if (indexerUrl === undefined) return fromLogs(reader, block, "No indexer is configured.");
  try {
    const indexed = await readIndexed(indexerUrl, reader.deployment.chainId);
    const late = lateness(indexed, block);
    if (late !== undefined) return await fromLogs(reader, block, late);
    return { ids: await fromIndexer(indexerUrl), source: { kind: "indexer", block: indexed.number } };
  } catch {
    return fromLogs(reader, block, "The indexer does not answer.");
  }
}

/** Accounts with a position, as the ledger was last touched. */
async function fromIndexer(url: string): Promise<bigint[]> {
  const ids: bigint[] = [];
  let after: string | undefined = "";
  while (after !== undefined) {
    const from = after && `, after: ${JSON.stringify(after)}`;
    const query = `accounts(where: { markets_gt: "0" }, orderBy: "id", limit: ${PAGE}${from})`;
    const data = await ask(url, `{ ${query} { items { id } pageInfo { hasNextPage endCursor } } }`);
    const { rows, next } = page(data.accounts);
    ids.push(...rows.map(({ id }) => big(id)));
    after = next;
  }
  return ids.filter((id) => !isSystem(id));
}

/** Everybody who has traded in the blocks that are looked at. */
async function fromLogs(reader: Reader, block: Moment, why: string): Promise<Traders> {
  const { client, deployment } = reader;
  const event = getAbiItem({ abi: MarginEngineAbi, name: "Filled" });
  const first = firstBlock(reader, block.number);
  const fills = await inPieces(first, block.number, (fromBlock, toBlock) =>
    client.getLogs({ address: deployment.contracts.engine, event, fromBlock, toBlock, strict: true }),
  );
  const ids = new Set(fills.flatMap(({ args: { buyer, seller } }) => [buyer, seller]));
  const source = { kind: "chain", why, from: first } as const;
  return { ids: [...ids].filter((id) => !isSystem(id)), source };
}
