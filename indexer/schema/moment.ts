/** Columns that every event row has, and the types of its key. */
import type { onchainTable } from "ponder";

type Columns = Parameters<Extract<Parameters<typeof onchainTable>[1], (columns: never) => unknown>>[0];

/** `id` is Ponder's id of the log, or that with a number behind it where one log makes several rows. */
export const moment = (t: Columns) => ({
  id: t.text().primaryKey(),
  block: t.bigint().notNull(),
  timestamp: t.bigint().notNull(), // {s}
  transactionHash: t.hex().notNull(),
  logIndex: t.integer().notNull(),
});
