/** The pool's position of a market in effect, and rows of what it becomes. */
import schema from "ponder:schema";
import { inventoryEquity, inventoryLots } from "../../../sdk/src/side.ts";
import { load } from "./load.ts";
import { type Db, type Logged, momentOf } from "./types.ts";

/** {lot} and {u} at the mark. */
export async function inventoryOfMarket(db: Db, market: number): Promise<{ lots: bigint; equity: bigint }> {
  const state = await load(db, { market });
  return { lots: inventoryLots(state, market), equity: inventoryEquity(state, market) };
}

/** Remembers it as it is; `after` writes a row when it is another one then. */
export async function noteInventory(db: Db, event: Logged, market: number) {
  const { lots: lotsBefore } = await inventoryOfMarket(db, market);
  return {
    async after(cause: string): Promise<void> {
      const { lots: lotsAfter, equity: equityAfter } = await inventoryOfMarket(db, market);
      if (lotsAfter === lotsBefore) return;
      const row = { market, cause, lotsBefore, lotsAfter, equityAfter };
      await db.insert(schema.inventoryChange).values({ ...momentOf(event), ...row });
    },
  };
}
