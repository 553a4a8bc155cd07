/** Writes what an operation has changed in the sdk's state back to its rows, with an entry for each account and what its position was charged. */
import schema from "ponder:schema";
import { abs } from "../../../sdk/src/math.ts";
import type { State } from "../../../sdk/src/state.ts";
import { NO_SURVIVAL } from "../../../sdk/src/survival.ts";
import type { Account, Position } from "../../../sdk/src/types.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import { ledgerRow, marketRow } from "./load.ts";
import { type MarketRow, newAccount, newPosition, newSide, type PositionRow } from "./rows.ts";
import { type Db, type Logged, momentOf } from "./types.ts";

/** Rows of accounts and positions before the operation. */
export interface Before {
  readonly accounts: ReadonlyMap<bigint, Account>;
  readonly positions: ReadonlyMap<bigint, Position>;
}

const MARKET_BITS = 6n;

export async function save(db: Db, event: Logged, cause: string, state: State, before: Before): Promise<void> {
  for (const key of state.positions.touched) await savePosition(db, event, state, key);
  for (const key of state.checkpoints.touched) await saveCheckpoint(db, state, key);
  const ids = new Set([...state.accounts.touched, ...state.claims.touched, ...state.claimCheckpoints.touched]);
  for (const id of ids) await saveAccount(db, event, state, id);
  for (const key of state.markets.touched) {
    const { state: priceState, ...row } = state.market(Number(key));
    await db.update(schema.market, { id: Number(key) }).set({ ...row, state: priceState });
  }
  await saveSides(db, state);
  if (state.totals.touched.size > 0) {
    const { internalBalance, totalClaims, claimSurvival } = state.totals.get(0n);
    const { product, epoch } = claimSurvival;
    const change = { internalBalance, totalClaims, claimProduct: product, claimEpoch: epoch };
    await db.update(schema.ledger, { id: (await ledgerRow(db)).id }).set(change);
  }
  await journal(db, event, cause, state, before);
}

async function saveAccount(db: Db, event: Logged, state: State, id: bigint): Promise<void> {
  const now = event.block.timestamp;
  const row = (await db.find(schema.account, { id })) ?? newAccount(id, now);
  const own = state.accounts.touched.has(id) ? state.accounts.get(id) : {};
  const { product, epoch } = state.claimCheckpoints.get(id);
  const point = state.claimCheckpoints.touched.has(id) ? { claimProduct: product, claimEpoch: epoch } : {};
  const claim = state.claims.touched.has(id) ? { claim: state.claims.get(id) } : {};
  const change = { ...own, ...point, ...claim, updatedAt: now };
  await db
    .insert(schema.account)
    .values({ ...row, ...change })
    .onConflictDoUpdate(change);
}

async function savePosition(db: Db, event: Logged, state: State, key: bigint): Promise<void> {
  const [account, id] = [key >> MARKET_BITS, Number(key & 63n)];
  const row = (await db.find(schema.position, { account, market: id })) ?? newPosition(account, id);
  const market = await marketRow(db, id);
  const { lots, quote } = state.positions.get(key);
  await charge(db, event, row, market);
  const change = {
    ...{ lots, quote, fundingAt: market.fundingIndex, premiumAt: market.premiumIndex },
    ...{ shareAt: lots > 0n ? market.shareLong : market.shareShort, updatedAt: event.block.timestamp },
  };
  await db
    .insert(schema.position)
    .values({ ...row, ...change })
    .onConflictDoUpdate(change);
}

/** What the lots held until now have been charged since they were last touched. */
async function charge(db: Db, event: Logged, row: PositionRow, market: MarketRow): Promise<void> {
  const { account, lots } = row;
  const size = abs(lots);
  const funding = lots * (market.fundingIndex - row.fundingAt);
  const premium = size * (market.premiumIndex - row.premiumAt);
  const lossShare = size * ((lots > 0n ? market.shareLong : market.shareShort) - row.shareAt);
  if (lots === 0n || (funding === 0n && premium === 0n && lossShare === 0n)) return;
  const moment = momentOf(event, account);
  await db
    .insert(schema.fundingPayment)
    .values({ ...moment, account, market: row.market, lots, funding, premium, lossShare });
}

async function saveCheckpoint(db: Db, state: State, key: bigint): Promise<void> {
  const { product, value, epoch } = state.checkpoints.get(key);
  const id = { account: key >> MARKET_BITS, market: Number(key & 63n) };
  await db.update(schema.position, id).set({ product, value, epoch });
}

async function saveSides(db: Db, state: State): Promise<void> {
  for (const key of state.sides.touched) {
    const { survival = NO_SURVIVAL, pending, pendingQuote } = state.sides.get(key);
    const change = { ...survival, pending, pendingQuote };
    const row = { ...newSide(Number(key >> 1n), (key & 1n) === 1n), ...change };
    await db.insert(schema.side).values(row).onConflictDoUpdate(change);
  }
  for (const key of state.sideEnds.touched) {
    const side = key & 127n;
    const id = { market: Number(side >> 1n), isLong: (side & 1n) === 1n, epoch: key >> 7n };
    const value = state.sideEnds.get(key);
    await db
      .insert(schema.sideEpoch)
      .values({ ...id, value })
      .onConflictDoUpdate({ value });
  }
}

/** An entry for each account, but those of the system, that got or lost something. */
async function journal(db: Db, event: Logged, cause: string, state: State, before: Before): Promise<void> {
  const moved = new Map([...state.positions.touched].map((key) => [key >> MARKET_BITS, key]));
  for (const account of new Set([...state.accounts.touched, ...moved.keys()])) {
    if (isSystem(account)) continue;
    const key = moved.get(account);
    const now = { cash: state.accounts.get(account).cash, ...(key === undefined ? {} : state.positions.get(key)) };
    const was = { lots: 0n, quote: 0n, ...(key === undefined ? {} : before.positions.get(key)) };
    const cashChange = now.cash - (before.accounts.get(account)?.cash ?? 0n);
    const [lotsChange, quoteChange] = [(now.lots ?? 0n) - was.lots, (now.quote ?? 0n) - was.quote];
    if (cashChange === 0n && lotsChange === 0n && quoteChange === 0n) continue;
    const market = key === undefined ? null : Number(key & 63n);
    const changes = { cause, cashChange, lotsChange, quoteChange };
    await db.insert(schema.entry).values({ ...momentOf(event, account), account, market, ...changes, ...now });
  }
}
