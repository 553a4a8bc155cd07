/** What of the transaction at hand has no cause yet. A row, not a variable: a reorg takes it back like any other. */
import schema from "ponder:schema";
import type { FilledLots } from "../../../sdk/src/attribution.ts";
import type { Db, Logged } from "./types.ts";

export interface WaitingFill extends FilledLots {
  readonly id: string;
  /** What the AMM had booked of the block's use before this fill; null: nothing was booked. */
  readonly used: { readonly usedAt: bigint; readonly used: bigint } | null;
}

export interface Waiting {
  readonly fills: readonly WaitingFill[];
  /** {token} of the draw that the next shortfall names. */
  readonly draw: { readonly byJunior: bigint; readonly bySenior: bigint } | null;
  /** Loss shares of the next shortfall, and {u} what they collected. */
  readonly shares: readonly string[];
  readonly collected: bigint;
  /** Shortfalls that a takeover may name. */
  readonly shortfalls: readonly { readonly id: string; readonly account: bigint }[];
  /** The orders that the next fill settles. */
  readonly orders: { readonly maker: bigint; readonly taker: bigint } | null;
  /** The next fill is a provider's part of a curve's position. */
  readonly isLeaving: boolean;
  /** What the curve's part of a take found, for the pool's part: its fill is number `at`. */
  readonly take: { readonly at: number; readonly market: number; readonly pool: bigint; readonly depth: bigint } | null;
  /** The income that the next split divides. */
  readonly income: string | null;
}

const NOTHING: Waiting = {
  ...{ fills: [], draw: null, shares: [], collected: 0n, shortfalls: [] },
  ...{ orders: null, isLeaving: false, take: null, income: null },
};

const MARK = "n"; // of a bigint in text

const encode = (waiting: Waiting): unknown =>
  JSON.parse(JSON.stringify(waiting, (_, value) => (typeof value === "bigint" ? `${value}${MARK}` : value)));

/** Only `encode` writes what this reads. */
const decode = (row: unknown): Waiting =>
  JSON.parse(JSON.stringify(row), (_, value) =>
    typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Waiting;

export async function waiting(db: Db, { transaction }: Logged): Promise<Waiting> {
  const row = await db.find(schema.run, { id: 0 });
  return row === null || row.transactionHash !== transaction.hash ? NOTHING : decode(row.waiting);
}

export async function wait(db: Db, event: Logged, change: Partial<Waiting>): Promise<void> {
  const row = {
    transactionHash: event.transaction.hash,
    waiting: encode({ ...(await waiting(db, event)), ...change }),
  };
  await db
    .insert(schema.run)
    .values({ id: 0, ...row })
    .onConflictDoUpdate(row);
}
