/** Whether an action is worth its gas. Pure. */

/** What pays, what keeps the system solvent, what keeps it current. */
export type Purpose = "profit" | "solvency" | "upkeep";

export interface Floors {
  readonly minProfit: bigint; // {u}
  readonly solvencyLoss: bigint; // {u}
  readonly upkeepLoss: bigint; // {u}
}

const WEI_PER_COIN = 10n ** 18n;

/** {u} what gas and data cost, up. @param nativeUsd {u/coin} */
export function costOf(gas: bigint, gasPrice: bigint, dataFee: bigint, nativeUsd: bigint): bigint {
  return ((gas * gasPrice + dataFee) * nativeUsd + WEI_PER_COIN - 1n) / WEI_PER_COIN;
}

/** {wei/gas} most that a unit of gas may cost for `reward` less cost to reach the floor, down. Undefined: any, gas is free. */
export function mostFor(
  reward: bigint,
  { gas, dataFee, nativeUsd }: Readonly<Record<"gas" | "dataFee" | "nativeUsd", bigint>>,
  purpose: Purpose,
  floors: Floors,
): bigint | undefined {
  if (nativeUsd === 0n || gas === 0n) return undefined;
  return (((reward - floorOf(purpose, floors)) * WEI_PER_COIN) / nativeUsd - dataFee) / gas;
}

/** {u} least that reward less cost may be. */
export function floorOf(purpose: Purpose, floors: Floors): bigint {
  switch (purpose) {
    case "profit":
      return floors.minProfit;
    case "solvency":
      return -floors.solvencyLoss;
    case "upkeep":
      return -floors.upkeepLoss;
  }
}

export const isWorth = (reward: bigint, cost: bigint, purpose: Purpose, floors: Floors): boolean =>
  reward - cost >= floorOf(purpose, floors);
