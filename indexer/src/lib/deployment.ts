/** The deployment that is indexed, and which account is whose. */

import { CLAIMS, FEES, inventoryOf, ownerOf } from "../../../sdk/src/units.ts";
import { parseConfig } from "../../config.ts";

export const { deployment } = parseConfig(process.env);

const amm = BigInt(deployment.contracts.amm);

export const isCurve = (account: bigint): boolean => ownerOf(account) === amm;
export const isInventory = (account: bigint): boolean => account < FEES;
export const curveAccountOf = (market: number): bigint => (amm << 96n) | inventoryOf(market);
export const isJunior = (pool: string): boolean => pool.toLowerCase() === deployment.contracts.junior.toLowerCase();
export const nameOf = (market: number): string =>
  deployment.markets.find(({ index }) => index === market)?.name ?? `market ${market}`;

export function kindOf(account: bigint): "user" | "curve" | "inventory" | "fees" | "claims" {
  if (isInventory(account)) return "inventory";
  if (account === FEES) return "fees";
  if (account === CLAIMS) return "claims";
  return isCurve(account) ? "curve" : "user";
}
