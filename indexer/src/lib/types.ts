/** What handlers pass around: the store, and where an event stands in the chain. */
import type { Context } from "ponder:registry";
import type { Hex } from "viem";

export type Db = Context["db"];

/** What every log of Ponder has. */
export interface Logged {
  readonly id: string;
  readonly block: { readonly number: bigint; readonly timestamp: bigint };
  readonly transaction: { readonly hash: Hex; readonly from: Hex };
  readonly log: { readonly logIndex: number; readonly address: Hex };
}

/** The columns of `moment`. @param part where one log makes several rows */
export const momentOf = ({ id, block, transaction, log }: Logged, part?: bigint | string | number) => ({
  id: part === undefined ? id : `${id}-${part}`,
  block: block.number,
  timestamp: block.timestamp,
  transactionHash: transaction.hash,
  logIndex: log.logIndex,
});

/** A row that must be there: an event about something that no event before it introduced is a fault of the indexer. */
export function known<T>(row: T | null, what: string): T {
  if (row === null) throw new Error(`Nothing is known of ${what}`);
  return row;
}
