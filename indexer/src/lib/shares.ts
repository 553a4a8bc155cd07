/** All shares of a pool divided at once: balances and requests follow. */

import schema from "ponder:schema";
import { and, eq, sql } from "ponder";
import type { Hex } from "viem";
import { SCALE_BITS } from "../../../sdk/src/pool.ts";
import type { Db } from "./types.ts";

const FACTOR = (1n << SCALE_BITS).toString();

/** Down, as each would be when it is next touched. Rare, so the store is asked for all of them. */
export async function rescale(db: Db, pool: Hex): Promise<void> {
  const { shareBalance, exitRequest } = schema;
  const down = (shares: typeof shareBalance.shares | typeof exitRequest.shares) =>
    sql`div(${shares}, ${sql.raw(`${FACTOR}::numeric`)})`; // exact: a quotient of numeric is rounded before floor sees it
  await db.sql
    .update(shareBalance)
    .set({ shares: down(shareBalance.shares) })
    .where(eq(shareBalance.pool, pool));
  await db.sql
    .update(exitRequest)
    .set({ shares: down(exitRequest.shares) })
    .where(and(eq(exitRequest.pool, pool), eq(exitRequest.status, "open")));
}
