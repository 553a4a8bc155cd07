/** Rows of the two pools. */
import schema from "ponder:schema";
import type { Hex } from "viem";
import { mulDivFloor } from "../../../sdk/src/math.ts";
import { assetsOf, freeStakeOf, totalAssetsAt } from "../../../sdk/src/pool.ts";
import { U_PER_USD } from "../../../sdk/src/units.ts";
import { deployment, isJunior } from "./deployment.ts";
import { ledgerRow } from "./load.ts";
import { type Db, known, type Logged, momentOf } from "./types.ts";

export type PoolRow = typeof schema.pool.$inferSelect;

const NO_LIMIT = (1n << 32n) - 1n; // {whole token}
const ONE = 10n ** 18n;
const MILLION = 1_000_000n; // shares that cost one unit of the asset at first

/** A pool before anybody joined it. */
export const newPool = (id: Hex, cooldown: number, claimWindow: number): PoolRow => ({
  ...{ id, isJunior: isJunior(id), cooldown, claimWindow, booked: 0n, unvested: 0n, vestStart: 0n, vestEnd: 0n },
  ...{ shares: 0n, queued: 0n, rescalings: 0, pendingGain: 0n, pendingLoss: 0n, gateEnd: 0n, pauseEnd: 0n },
  ...{ stoppedAt: 0n, stoppedBefore: 0n, assetLimit: NO_LIMIT, losses: 0n, income: 0n },
});

export const poolRow = async (db: Db, id: Hex) => known(await db.find(schema.pool, { id }), `pool ${id}`);

/** {asset} vested of both. */
export async function assetsAt(db: Db, now: bigint): Promise<bigint> {
  const [junior, senior] = await Promise.all(
    [deployment.contracts.junior, deployment.contracts.senior].map((id) => poolRow(db, id)),
  );
  return (
    totalAssetsAt(known(junior ?? null, "the junior pool"), now) +
    totalAssetsAt(known(senior ?? null, "the senior pool"), now)
  );
}

/** Changes a pool and writes down what it is then. */
export async function changePool(
  db: Db,
  event: Logged,
  cause: string,
  change: (row: PoolRow) => Partial<PoolRow>,
  id: Hex = event.log.address,
): Promise<void> {
  const row = await poolRow(db, id);
  const next = { ...row, ...change(row) };
  await db.update(schema.pool, { id }).set(next);
  await snapshot(db, event, cause, next);
}

async function snapshot(db: Db, event: Logged, cause: string, row: PoolRow): Promise<void> {
  const { id: pool, booked, shares, queued, pendingGain, pendingLoss } = row;
  const ledger = await db.find(schema.ledger, { id: 0 });
  const total = totalAssetsAt(row, event.block.timestamp);
  const floor = U_PER_USD / (ledger?.tokenUnit ?? U_PER_USD); // one token
  await db.insert(schema.poolSnapshot).values({
    ...momentOf(event, pool),
    ...{ pool, cause, totalAssets: total, booked, shares, queued, pendingGain, pendingLoss },
    sharePrice: mulDivFloor(ONE * MILLION, total + 1n, shares + MILLION),
    nav: total > pendingLoss ? total - pendingLoss : 0n,
    queuedAssets: assetsOf(queued, total, shares),
    freeStake: freeStakeOf(total, shares, queued, floor),
    coverageBps: (await ledgerRow(db)).coverageBps,
  });
}
