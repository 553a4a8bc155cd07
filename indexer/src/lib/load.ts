/** Reads rows into the sdk's state, whose operations are the contracts' own: nothing is computed twice. */
import schema from "ponder:schema";
import { positionKey, State, sideKey } from "../../../sdk/src/state.ts";
import { inventoryOf } from "../../../sdk/src/units.ts";
import { type MarketRow, marketOf } from "./rows.ts";
import { type Db, known } from "./types.ts";

/** What an event may touch: accounts, and one market with their positions in it. */
export interface Scope {
  readonly accounts?: readonly bigint[];
  readonly market?: number;
  /** The account whose claim moves, or true: the sum of all. */
  readonly claims?: bigint | true;
}

/** Epochs that a holding can be old and still be reduced in part, its own included. */
const EPOCHS = [0n, 1n, 2n];

export async function load(db: Db, { accounts = [], market, claims }: Scope): Promise<State> {
  const state = new State();
  for (const id of accounts) await loadAccount(db, state, id);
  if (market !== undefined) await loadMarket(db, state, market, accounts);
  if (claims !== undefined) await loadClaims(db, state, claims);
  return state;
}

async function loadAccount(db: Db, state: State, id: bigint): Promise<void> {
  const row = await db.find(schema.account, { id });
  if (row !== null)
    state.accounts.set(id, { cash: row.cash, markets: row.markets, unhealthySince: row.unhealthySince });
}

async function loadMarket(db: Db, state: State, id: number, accounts: readonly bigint[]): Promise<void> {
  const row = known(await db.find(schema.market, { id }), `market ${id}`);
  state.markets.set(BigInt(id), marketOf(row));
  setCap(state, row);
  for (const isLong of [true, false]) {
    const side = await db.find(schema.side, { market: id, isLong });
    if (side === null) continue;
    const { product, value, epoch, pending, pendingQuote } = side;
    state.sides.set(sideKey(id, isLong), { survival: { product, value, epoch }, pending, pendingQuote });
  }
  const inventory = inventoryOf(id);
  if (!accounts.includes(inventory)) await loadAccount(db, state, inventory);
  for (const account of new Set([...accounts, inventory])) await loadPosition(db, state, account, id);
}

async function loadPosition(db: Db, state: State, account: bigint, market: number): Promise<void> {
  const row = await db.find(schema.position, { account, market });
  if (row === null) return;
  const { lots, quote, product, value, epoch } = row;
  state.positions.set(positionKey(account, market), { lots, quote });
  state.checkpoints.set(positionKey(account, market), { product, value, epoch });
  const isLong = lots > 0n;
  const now = state.side(market, isLong).survival.epoch;
  const first = epoch === 0n ? 1n : epoch;
  for (const past of EPOCHS.map((back) => first + back).filter((one) => one < now)) {
    const end = await db.find(schema.sideEpoch, { market, isLong, epoch: past });
    if (end !== null) state.setSideEnd(market, isLong, past, end.value);
  }
}

async function loadClaims(db: Db, state: State, account: bigint | true): Promise<void> {
  const { internalBalance, totalClaims, claimProduct, claimEpoch } = await ledgerRow(db);
  const claimSurvival = { product: claimProduct, value: 0n, epoch: claimEpoch }; // paid at no price
  state.totals.set(0n, { internalBalance, totalClaims, claimSurvival });
  const row = account === true ? null : await db.find(schema.account, { id: account });
  if (row === null) return;
  state.claims.set(row.id, row.claim);
  state.claimCheckpoints.set(row.id, { product: row.claimProduct, value: 0n, epoch: row.claimEpoch });
}

function setCap(state: State, { id, inventoryCapLots, inventoryCapBps }: MarketRow): void {
  state.inventoryCaps.set(BigInt(id), { lots: inventoryCapLots, bps: inventoryCapBps });
}

export const ledgerRow = async (db: Db) => known(await db.find(schema.ledger, { id: 0 }), "the engine");
export const marketRow = async (db: Db, id: number) => known(await db.find(schema.market, { id }), `market ${id}`);
