/** Integer division with a named direction, and the few helpers the ledger needs. All quantities are `bigint`. */

/** floor(a b / d) for signed a b and d > 0: toward minus infinity. */
export function mulDivFloor(a: bigint, b: bigint, d: bigint): bigint {
  return floorDiv(a * b, d);
}

/** ceil(a b / d) for signed a b and d > 0: toward plus infinity. */
export function mulDivCeil(a: bigint, b: bigint, d: bigint): bigint {
  return ceilDiv(a * b, d);
}

/** floor(a / d), d > 0. `bigint` division truncates toward zero, so a negative inexact quotient is one too high. */
export function floorDiv(a: bigint, d: bigint): bigint {
  const q = a / d;
  return a < 0n && q * d !== a ? q - 1n : q;
}

/** ceil(a / d), d > 0. */
export function ceilDiv(a: bigint, d: bigint): bigint {
  return -floorDiv(-a, d);
}

export const abs = (a: bigint): bigint => (a < 0n ? -a : a);
export const sign = (a: bigint): bigint => (a < 0n ? -1n : a > 0n ? 1n : 0n);
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const clamp = (a: bigint, low: bigint, high: bigint): bigint => max(low, min(a, high));

/** floor(sqrt(x)), by Newton's steps from above. */
export function sqrt(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt((x.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
