/** The index against the contracts at one block. */
import type { Deployment } from "../../sdk/src/deployment.ts";
import { clientOf, contractFacts, timeAt } from "./contracts.ts";
import { type Difference, differences } from "./facts.ts";
import { indexedFacts } from "./indexed.ts";
import { readRows } from "./rows.ts";

export interface Comparison {
  readonly block: bigint;
  /** How many figures were compared. */
  readonly figures: number;
  readonly differences: readonly Difference[];
}

export interface Sources {
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  /** Of the indexer: http://127.0.0.1:42069. */
  readonly apiUrl: string;
}

export async function compare({ deployment, rpcUrl, apiUrl }: Sources): Promise<Comparison> {
  const client = clientOf(rpcUrl);
  const { block, rows } = await readRows(apiUrl);
  if (rows.ledger.length === 0)
    throw new Error(`The indexer at ${apiUrl} has seen nothing of the engine up to block ${block}`);
  const now = await timeAt(client, block);
  const expected = await contractFacts(client, deployment, block, rows);
  return { block, figures: expected.size, differences: differences(expected, indexedFacts(rows, now)) };
}
