/** Rows of a curve and of its shares. */
import schema from "ponder:schema";
import type { Hex } from "viem";
import { marketRow } from "./load.ts";
import { type Db, type Logged, momentOf } from "./types.ts";

type CurveRow = typeof schema.curve.$inferSelect;
type Reserves = Pick<CurveRow, "base" | "quote"> & Partial<CurveRow>;

export async function changeCurve(
  db: Db,
  event: Logged,
  cause: "trade" | "join" | "leave",
  market: number,
  change: Reserves,
): Promise<void> {
  await db.update(schema.curve, { market }).set(change);
  const { price: index } = await marketRow(db, market);
  const { base, quote } = change;
  await db.insert(schema.curveChange).values({ ...momentOf(event), market, cause, base, quote, index });
}

export const addLpShares = (db: Db, id: { market: number; epoch: number; holder: Hex }, shares: bigint) =>
  db
    .insert(schema.lpShare)
    .values({ ...id, shares })
    .onConflictDoUpdate((row) => ({ shares: row.shares + shares }));
