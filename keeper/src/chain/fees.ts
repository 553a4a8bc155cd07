/** What a transaction offers for gas: EIP-1559 with caps, and the rise that replaces a stuck one. Pure. */

export interface Fees {
  readonly maxFeePerGas: bigint; // {wei/gas}
  readonly maxPriorityFeePerGas: bigint; // {wei/gas}
}

export interface Caps {
  readonly maxFee: bigint; // {wei/gas}
  readonly maxTip: bigint; // {wei/gas}
}

/** A node takes a second transaction of a nonce for at least a tenth more of both; an eighth is what every node takes. */
const BUMP = { numerator: 9n, denominator: 8n } as const;

const min = (a: bigint, b: bigint) => (a < b ? a : b);
const max = (a: bigint, b: bigint) => (a > b ? a : b);

/**
 * Room for the base fee to double, within the cap. Undefined when even the next block costs more than the cap allows.
 * @param suggested {wei/gas} tip that the node suggests
 */
export function feesFor(baseFee: bigint, suggested: bigint, caps: Caps): Fees | undefined {
  const tip = min(suggested, caps.maxTip);
  if (baseFee + tip > caps.maxFee) return undefined;
  return { maxFeePerGas: min(caps.maxFee, 2n * baseFee + tip), maxPriorityFeePerGas: tip };
}

/** An eighth more of both, up, or what the market asks if that is more. Undefined beyond the caps: it stays as it is. */
export function bumped(before: Fees, market: Fees | undefined, caps: Caps): Fees | undefined {
  const up = (fee: bigint) => (fee * BUMP.numerator + BUMP.denominator - 1n) / BUMP.denominator;
  const maxPriorityFeePerGas = max(up(before.maxPriorityFeePerGas), market?.maxPriorityFeePerGas ?? 0n);
  const maxFeePerGas = max(max(up(before.maxFeePerGas), market?.maxFeePerGas ?? 0n), maxPriorityFeePerGas);
  return maxFeePerGas > caps.maxFee ? undefined : { maxFeePerGas, maxPriorityFeePerGas };
}

/** The same within a lower cap, {wei/gas}. */
export function within({ maxFeePerGas, maxPriorityFeePerGas }: Fees, cap: bigint): Fees {
  return { maxFeePerGas: min(maxFeePerGas, cap), maxPriorityFeePerGas: min(maxPriorityFeePerGas, cap) };
}

/** {wei/gas} what a unit of gas is expected to cost in the next block. */
export const expectedPrice = (baseFee: bigint, { maxFeePerGas, maxPriorityFeePerGas }: Fees): bigint =>
  min(maxFeePerGas, baseFee + maxPriorityFeePerGas);
