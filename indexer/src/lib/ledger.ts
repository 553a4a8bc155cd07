/** Changes of rows that no operation of the sdk makes: balance, deficits, buckets. */
import schema from "ponder:schema";
import { Contradiction } from "../../../sdk/src/attribution.ts";
import { ENGINE_DEFICIT } from "../../../sdk/src/units.ts";
import { ledgerRow, marketRow } from "./load.ts";
import type { MarketRow } from "./rows.ts";
import { type Db, type Logged, momentOf } from "./types.ts";

/** The log and the books must say the same, or the indexer stops rather than serve what is wrong. */
export function agree(what: string, said: unknown, indexed: unknown): void {
  if (said !== indexed) throw new Contradiction(`The log says ${what} is ${said}, the index ${indexed}`);
}

/** @param tokens {token} */
export async function addBalance(db: Db, tokens: bigint): Promise<void> {
  const { internalBalance } = await ledgerRow(db);
  await db.update(schema.ledger, { id: 0 }).set({ internalBalance: internalBalance + tokens });
}

export async function patchMarket(db: Db, id: number, change: Partial<MarketRow>): Promise<MarketRow> {
  const row = { ...(await marketRow(db, id)), ...change };
  await db.update(schema.market, { id }).set(change);
  return row;
}

/** Changes a deficit by `amount` {u} and returns what is left. @param market 64: of the engine itself */
export async function addDeficit(db: Db, event: Logged, market: number, amount: bigint): Promise<bigint> {
  const isEngine = market === ENGINE_DEFICIT;
  const left = (isEngine ? (await ledgerRow(db)).engineDeficit : (await marketRow(db, market)).deficit) + amount;
  if (isEngine) await db.update(schema.ledger, { id: 0 }).set({ engineDeficit: left });
  else await db.update(schema.market, { id: market }).set({ deficit: left });
  await db.insert(schema.deficitChange).values({ ...momentOf(event), market, amount, left });
  return left;
}
