/** Why a pool takes no stake now, or not that much, in sentences. Pure. */
import { BPS } from "../../../../sdk/src/units.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { date, fixed, percent } from "../../lib/format.ts";

/** {s} from here on a time means "not before something happens". */
const NEVER = 2n ** 32n - 1n;

export function closedBecause({ pools, block }: StakePageData, tranche: TrancheName): string | undefined {
  const { joinsFrom, maxDeposit } = pools[tranche];
  if (joinsFrom >= NEVER) return "The pool takes no stake while a loss is pending.";
  if (joinsFrom > block.timestamp) return `The pool takes no stake before ${date(joinsFrom)}.`;
  if (maxDeposit === 0n && tranche === "senior")
    return "The senior pool is full: it may only grow with the junior pool in front of it.";
  return undefined;
}

export function limitOf(
  tranche: TrancheName,
  most: bigint,
  { pools }: StakePageData,
  token: { readonly decimals: number; readonly symbol: string },
): string {
  const why =
    tranche === "senior" ? ` The junior pool must stay at least ${percent(pools.attachmentBps, BPS, 0)} of both.` : "";
  return `The pool takes ${fixed(most, token.decimals)} ${token.symbol} at most now.${why}`;
}
