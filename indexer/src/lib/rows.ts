/** Rows of the books before anything happened to them, and rows as the sdk's records. */
import type schema from "ponder:schema";
import { getAddress, numberToHex } from "viem";
import { type Market, MarketStatus, PriceState } from "../../../sdk/src/types.ts";
import { ownerOf } from "../../../sdk/src/units.ts";
import { kindOf, nameOf } from "./deployment.ts";

export type AccountRow = typeof schema.account.$inferSelect;
export type MarketRow = typeof schema.market.$inferSelect;
export type PositionRow = typeof schema.position.$inferSelect;
export type SideRow = typeof schema.side.$inferSelect;
export type LedgerRow = typeof schema.ledger.$inferSelect;

const SUB = (1n << 96n) - 1n;

export const newAccount = (id: bigint, now: bigint): AccountRow => ({
  id,
  owner: getAddress(numberToHex(ownerOf(id), { size: 20 })),
  subId: id & SUB,
  kind: kindOf(id),
  ...{ cash: 0n, markets: 0n, unhealthySince: 0n, claim: 0n, claimProduct: 0n, claimEpoch: 0n },
  ...{ deposited: 0n, withdrawn: 0n, createdAt: now, updatedAt: now },
});

export const newPosition = (account: bigint, market: number): PositionRow => ({
  ...{ account, market, lots: 0n, quote: 0n, product: 0n, value: 0n, epoch: 0n },
  ...{ fundingAt: 0n, premiumAt: 0n, shareAt: 0n, updatedAt: 0n },
});

export const newMarket = (id: number): MarketRow => ({
  ...{ id, name: nameOf(id), price: 0n, low: 0n, high: 0n, slow: 0n, edgeBps: 0n, state: 0, status: 0 },
  ...{ level: 0n, riskLevel: 0, indexLong: 0n, indexShort: 0n, validUntil: 0n, syncedAt: 0n, openInterest: 0n },
  ...{ openInterestCap: 0n, fundingRate: 0n, premiumRemainder: 0n, fundingRemainder: 0n, bucket: 0n, deficit: 0n },
  ...{ fundingIndex: 0n, premiumIndex: 0n, shareLong: 0n, shareShort: 0n, maintenanceBps: 0n },
  ...{ maintenanceTargetBps: 0n, maintenanceFromBps: 0n, rampStartedAt: 0n, shared: 0n, sharedBefore: 0n, hour: 0n },
  ...{ badAt: 0n, since: 0n, inventoryCapLots: 0n, inventoryCapBps: 0n, pendingGain: 0n, pendingLoss: 0n, atRisk: 0n },
  ...{ fees: 0n, penalties: 0n, premiums: 0n, volume: 0n },
});

export const newSide = (market: number, isLong: boolean): SideRow => ({
  ...{ market, isLong, product: 0n, value: 0n, epoch: 0n, pending: 0n, pendingQuote: 0n },
});

/** One of the numbers of an enumeration. @throws RangeError */
function member<T extends number>(name: string, values: Readonly<Record<string, T>>, value: number): T {
  const found = Object.values(values).find((one) => one === value);
  if (found === undefined) throw new RangeError(`${value} is no ${name}`);
  return found;
}

/** The engine's record of a market. */
export const marketOf = (row: MarketRow): Market => ({
  price: row.price,
  low: row.low,
  high: row.high,
  slow: row.slow,
  validUntil: row.validUntil,
  edgeBps: row.edgeBps,
  state: member("price state", PriceState, row.state),
  indexLong: row.indexLong,
  indexShort: row.indexShort,
  syncedAt: row.syncedAt,
  openInterest: row.openInterest,
  openInterestCap: row.openInterestCap,
  level: row.level,
  bucket: row.bucket,
  premiumRemainder: row.premiumRemainder,
  fundingRemainder: row.fundingRemainder,
  fundingRate: row.fundingRate,
  status: member("market status", MarketStatus, row.status),
});
