/** The one row of the capital stack. */
import schema from "ponder:schema";
import type { Db } from "./types.ts";

type StackRow = typeof schema.stack.$inferSelect;

const FRESH: StackRow = {
  ...{ id: 0, marketDayBps: 0, windowBps: 0, attachmentBps: 0, juniorWeightBps: 0, treasuryBps: 0 },
  ...{ treasuryOwed: 0n, juniorPaid: 0n, seniorPaid: 0n, unrepaid: 0n, isShut: false },
};

export const stackRow = async (db: Db): Promise<StackRow> => (await db.find(schema.stack, { id: 0 })) ?? FRESH;

export async function patchStack(db: Db, change: (row: StackRow) => Partial<StackRow>): Promise<void> {
  const row = await stackRow(db);
  const next = { ...row, ...change(row) };
  await db.insert(schema.stack).values(next).onConflictDoUpdate(next);
}
