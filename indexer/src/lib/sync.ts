/** What a sync changes: the market, what its sides were charged, what the AMM remembers. */
import schema from "ponder:schema";
import { sampled } from "../../../sdk/src/auction.ts";
import { rampedMaintenance } from "../../../sdk/src/funding.ts";
import { interestInEffect, inventoryLots } from "../../../sdk/src/side.ts";
import { PriceState } from "../../../sdk/src/types.ts";
import { curveRow } from "./bands.ts";
import { inventoryOfMarket } from "./inventory.ts";
import { agree } from "./ledger.ts";
import { load } from "./load.ts";
import type { MarketRow } from "./rows.ts";
import { type Db, type Logged, momentOf } from "./types.ts";

/** IMarginEngine.Market as an event has it: numbers where they fit. */
type Told = Readonly<
  Record<"price" | "indexLong" | "indexShort" | "openInterest" | "bucket" | "low" | "high" | "slow", bigint>
> &
  Readonly<
    Record<
      | "validUntil"
      | "syncedAt"
      | "openInterestCap"
      | "premiumRemainder"
      | "fundingRemainder"
      | "status"
      | "fundingRate"
      | "edgeBps"
      | "state"
      | "level",
      number
    >
  >;

const NO_SYNC = (1n << 32n) - 1n; // `syncedAt` of a market that is never synced again

/** Columns of the market after it. What others move is told by others, and must be what they told. */
export function nextOf(told: Told, before: MarketRow, now: bigint) {
  const { status, state, openInterest, bucket, price, low, high, slow, indexLong, indexShort } = told;
  agree("open interest", openInterest, before.openInterest);
  agree("the bucket", bucket, before.bucket);
  agree("the status", status, before.status);
  const [long, short] = [indexLong - before.indexLong, indexShort - before.indexShort];
  const isStopped = BigInt(told.syncedAt) === NO_SYNC; // the settlement price, not the oracle's
  return {
    ...{ price, low, high, slow, indexLong, indexShort, state, level: BigInt(told.level) },
    ...{ validUntil: BigInt(told.validUntil), syncedAt: BigInt(told.syncedAt), edgeBps: BigInt(told.edgeBps) },
    ...{ openInterestCap: BigInt(told.openInterestCap), fundingRate: BigInt(told.fundingRate) },
    premiumRemainder: BigInt(told.premiumRemainder),
    fundingRemainder: BigInt(told.fundingRemainder),
    fundingIndex: before.fundingIndex + (long + short) / 2n, // f + q and f - q
    premiumIndex: before.premiumIndex + (long - short) / 2n,
    maintenanceBps: isStopped ? before.maintenanceBps : rampedMaintenance(before, now),
    badAt: !isStopped && state >= PriceState.BOUND ? now : before.badAt,
  };
}

type Next = ReturnType<typeof nextOf>;

/** A settlement is no sample. */
export async function sampleCurve(db: Db, { block }: Logged, before: MarketRow, next: Next): Promise<void> {
  if (next.syncedAt === NO_SYNC) return;
  const { id: market, level } = before;
  const row = await curveRow(db, market);
  const pool = inventoryLots(await load(db, { market }), market);
  const pulse = sampled(row, row, { now: block.timestamp, price: next.price, level, pool });
  await db.update(schema.curve, { market }).set(pulse);
}

/** A row when an index has moved. */
export async function chargeSides(
  db: Db,
  event: Logged,
  before: MarketRow,
  next: Next,
  premium: bigint,
): Promise<void> {
  const perLot = next.fundingIndex - before.fundingIndex;
  const premiumPerLot = next.premiumIndex - before.premiumIndex;
  if (perLot === 0n && premiumPerLot === 0n) return;
  const { id: market, fundingRate: rate, openInterest, syncedAt } = before;
  const seconds = event.block.timestamp - syncedAt;
  const row = { market, rate, seconds, perLot, premiumPerLot, openInterest, premium };
  await db.insert(schema.funding).values({ ...momentOf(event), ...row });
}

export async function snapshotMarket(db: Db, event: Logged, row: MarketRow): Promise<void> {
  const {
    id: market,
    price,
    state,
    level,
    openInterestCap,
    fundingRate,
    indexLong,
    indexShort,
    bucket,
    maintenanceBps,
  } = row;
  const { lots: inventoryLots, equity: inventoryEquity } = await inventoryOfMarket(db, market);
  const openInterest = interestInEffect(await load(db, { market }), market);
  const rates = { openInterest, openInterestCap, fundingRate, indexLong, indexShort, bucket, maintenanceBps };
  const values = { market, price, state, level, ...rates, inventoryLots, inventoryEquity };
  await db.insert(schema.marketSnapshot).values({ ...momentOf(event), ...values });
}
