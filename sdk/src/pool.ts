/** The stakers' books of one tranche: vesting, price of a share, the pool's own time. Twin of contracts/BackstopPool.sol. Pure. */
import { max, min, mulDivCeil, mulDivFloor } from "./math.ts";

/** Tokens on the books of a pool. */
export interface Funds {
  readonly booked: bigint; // {asset} stake and income, unvested income included
  readonly unvested: bigint; // {asset} income that had not vested at `vestStart`
  readonly vestStart: bigint; // {s}
  readonly vestEnd: bigint; // {s} everything has vested from here on
}

/** What exits run by. */
export interface PoolClock {
  readonly stoppedAt: bigint; // {s} when its time last stopped
  readonly stoppedBefore: bigint; // {s} that it had stood still before
  readonly pauseEnd: bigint; // {s}
  readonly gateEnd: bigint; // {s}
}

/** {share} that nobody holds. */
export const VIRTUAL_SHARES = 1_000_000n;
/** {s} in which income vests. */
export const INCOME_PERIOD = 3n * 86_400n;
/** Bits by which a rescaling divides all shares. */
export const SCALE_BITS = 24n;

/** {asset} income that has not vested yet, up. */
export function unvestedAt({ unvested, vestStart, vestEnd }: Funds, now: bigint): bigint {
  return now >= vestEnd ? 0n : mulDivCeil(unvested, vestEnd - now, vestEnd - vestStart);
}

/** {asset} of all shares. */
export const totalAssetsAt = (funds: Funds, now: bigint): bigint => funds.booked - unvestedAt(funds, now);

/** {asset} down */
export const assetsOf = (shares: bigint, totalAssets: bigint, supply: bigint): bigint =>
  mulDivFloor(shares, totalAssets + 1n, supply + VIRTUAL_SHARES);

/** {asset} stake that is neither queued for exit nor floor: what counts as coverage. @param floor {asset} one token */
export const freeStakeOf = (totalAssets: bigint, supply: bigint, queued: bigint, floor: bigint): bigint =>
  max(0n, assetsOf(supply - queued, totalAssets, supply) - floor);

/** After a join that paid `assets` for `shares`: what was paid above the vested price vests. @param supply {share} before it */
export function joined(
  funds: Funds,
  { assets, shares, supply, gain }: Readonly<Record<"assets" | "shares" | "supply" | "gain", bigint>>,
  now: bigint,
): Funds {
  const { booked } = funds;
  const unvested = unvestedAt(funds, now);
  if (unvested + gain === 0n) return { ...funds, booked: booked + assets };
  const worth = mulDivCeil(shares, booked - unvested + 1n, supply + VIRTUAL_SHARES);
  return {
    booked: booked + assets,
    unvested: unvested + max(0n, assets - worth),
    vestStart: now,
    vestEnd: unvested === 0n ? now + INCOME_PERIOD : funds.vestEnd,
  };
}

/** After a loss: unvested income pays first, what is left of it goes on vesting until the same end. */
export function slashed(funds: Funds, assets: bigint, now: bigint): Funds {
  const booked = funds.booked - assets;
  const unvested = unvestedAt(funds, now);
  return unvested === 0n
    ? { ...funds, booked }
    : { ...funds, booked, unvested: max(0n, unvested - assets), vestStart: now };
}

/** {asset} the part of a request's cap that `part` of its shares have, down. */
export const capOf = (request: { readonly shares: bigint; readonly valueCap: bigint }, part: bigint): bigint =>
  mulDivFloor(request.valueCap, part, request.shares);

const goesOn = ({ pauseEnd, gateEnd }: PoolClock): bigint => max(pauseEnd, gateEnd);

/** {s} that the pool's time has stood still. */
export const stoppedFor = (clock: PoolClock, now: bigint): bigint =>
  clock.stoppedBefore + (min(now, goesOn(clock)) - clock.stoppedAt);

/** {s} seconds since the epoch without those of pauses and of the closed gate. */
export const poolTimeAt = (clock: PoolClock, now: bigint): bigint => now - stoppedFor(clock, now);

/** Before time stops, or goes on standing still for another reason. */
export const stopTime = (clock: PoolClock, now: bigint): PoolClock =>
  now < goesOn(clock) ? clock : { ...clock, stoppedBefore: stoppedFor(clock, now), stoppedAt: now };
