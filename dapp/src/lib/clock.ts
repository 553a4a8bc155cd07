/** Counts down in the pool's own time: chain time without what it stood still for. Pure. */
import { max } from "../../../sdk/src/math.ts";

export interface PoolClock {
  readonly poolTime: bigint; // {s} at the block that was read
  readonly gateEnd: bigint; // {s}
  readonly pausedUntil: bigint; // {s}
}

export type Phase =
  | { readonly kind: "cooling"; readonly left: bigint }
  | { readonly kind: "claimable"; readonly left: bigint }
  | { readonly kind: "lapsed"; readonly since: bigint };

/** {s} of the chain until which the pool's time stands still; undefined while it runs. */
export function standsUntil({ gateEnd, pausedUntil }: PoolClock, chainTime: bigint): bigint | undefined {
  const end = max(gateEnd, pausedUntil);
  return end > chainTime ? end : undefined;
}

/** {s} of the pool's time, `elapsed` seconds after the block at `chainTime` was seen. */
export const poolTimeAt = (clock: PoolClock, chainTime: bigint, elapsed: bigint): bigint =>
  standsUntil(clock, chainTime) === undefined ? clock.poolTime + elapsed : clock.poolTime;

export function phaseOf(
  { claimableAt, lapsesAt }: { readonly claimableAt: bigint; readonly lapsesAt: bigint },
  poolTime: bigint,
): Phase {
  if (poolTime < claimableAt) return { kind: "cooling", left: claimableAt - poolTime };
  if (poolTime <= lapsesAt) return { kind: "claimable", left: lapsesAt - poolTime };
  return { kind: "lapsed", since: poolTime - lapsesAt };
}
