/** The pool's side of the AMM: what a take found there and what it leaves. */
import schema from "ponder:schema";
import { booked, type Depth, type Pulse, poolSide } from "../../../sdk/src/auction.ts";
import { max } from "../../../sdk/src/math.ts";
import { inventoryCap, inventoryEquity, inventoryLots } from "../../../sdk/src/side.ts";
import { PriceState } from "../../../sdk/src/types.ts";
import { isInventory } from "./deployment.ts";
import type { Deal } from "./fillKind.ts";
import { ledgerRow, load } from "./load.ts";
import { assetsAt } from "./pools.ts";
import type { Waiting } from "./run.ts";
import { type Db, known } from "./types.ts";

const DAY = 86_400n;

export const curveRow = async (db: Db, market: number) =>
  known(await db.find(schema.curve, { market }), `the curve of market ${market}`);

/** What somebody who buys or sells finds now. */
export async function depthOf(db: Db, market: number, isBuy: boolean, now: bigint): Promise<Depth> {
  const state = await load(db, { market });
  const { price, level, state: priceState, validUntil } = state.market(market);
  const { tokenUnit } = await ledgerRow(db);
  const day = await db.find(schema.budgetDay, { market, day: now / DAY });
  const cap = inventoryCap(state, market, (await assetsAt(db, now)) * tokenUnit, price);
  const cost = (day?.used ?? 0n) * tokenUnit + max(0n, -inventoryEquity(state, market));
  const isWide = priceState === PriceState.WIDE;
  const isPriceOk = priceState <= PriceState.WIDE && now <= validUntil;
  return {
    now,
    isBuy,
    isLiquidation: false,
    isPriceOk,
    isWide,
    level,
    price,
    pool: inventoryLots(state, market),
    cap,
    cost,
  };
}

/** Books lots that the pool gave or took, and says from which of its sides. A liquidation's use of the block is taken back later. */
export async function bookPool(db: Db, event: { block: { timestamp: bigint } }, deal: Deal, take: Waiting["take"]) {
  const { market, lots } = deal;
  const row = await curveRow(db, market);
  const depth = await depthOf(db, market, isInventory(deal.seller), event.block.timestamp);
  const found =
    take?.market === market ? { pool: take.pool, depth: take.depth } : { pool: depth.pool, depth: row.depth };
  const pulse: Pulse = row;
  const side = poolSide({ ...pulse, depth: found.depth }, { ...depth, pool: found.pool });
  const { usedAt, used, pool, hour, sold } = booked(pulse, side, lots, depth);
  await db.update(schema.curve, { market }).set({ usedAt, used, pool, hour, sold });
  return {
    depth: side.isAuction ? ("auction" as const) : ("band" as const),
    used: { usedAt: row.usedAt, used: row.used },
  };
}
