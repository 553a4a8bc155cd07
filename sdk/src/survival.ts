/**
 * Reductions of any number of holdings pro rata in O(1): survival product, checkpoints, epochs. docs/mechanism.md "Deleveraging".
 * Pure. `survival` is what is left of one lot of a side; a holding of b lots with checkpoint K0 is in truth b K / K0.
 */
import { ceilDiv, floorDiv, min } from "./math.ts";

/** {2^-77} K of a side that was never reduced. */
export const SURVIVAL_START = 1n << 77n;
/** {2^-77} an epoch ends rather than let K fall below. */
export const SURVIVAL_MIN = 1n << 45n;
/** What K is multiplied with when an epoch ends. */
export const SURVIVAL_SCALE = 1n << 32n;
/** That a holding may be old and still be reduced in part; an older one has less than 2^-64 of itself left. */
const EXACT_EPOCHS = 2n;
/** {2^-77} of K0: a part of a lot that would need more is forgiven. */
export const CHECKPOINT_MAX = 1n << 78n;

export interface Survival {
  readonly product: bigint; // {2^-77} K
  readonly value: bigint; // {2^-77 u/lot} V
  readonly epoch: bigint; // 0: never reduced
}

/** As stored before the first reduction. */
export const NO_SURVIVAL: Survival = { product: 0n, value: 0n, epoch: 0n };

/** {2^-77 u/lot} V of a past epoch as if all of it had been reduced at its last price; 0 when never set. */
export type Ends = (epoch: bigint) => bigint;

export interface Reduction {
  readonly survival: Survival;
  /** The epoch that ended, if one did. */
  readonly end?: { readonly epoch: bigint; readonly value: bigint };
}

const orStart = (survival: Survival): Survival =>
  survival.epoch === 0n ? { product: SURVIVAL_START, value: 0n, epoch: 1n } : survival;

/** Records that `part` of `total` is reduced at the shifted price {u/lot}. K up: never more is taken than recorded. */
export function reduce(before: Survival, part: bigint, total: bigint, price: bigint): Reduction {
  if (part <= 0n || part > total) throw new RangeError(`${part} of ${total} cannot be reduced`);
  const { product, value, epoch } = orStart(before);
  const left = ceilDiv(product * (total - part), total);
  if (left >= SURVIVAL_MIN) {
    return { survival: { product: left, value: value + (product - left) * price, epoch } };
  }
  const end = { epoch, value: value + product * price };
  if (part === total)
    return { survival: { product: SURVIVAL_START, value: 0n, epoch: epoch + EXACT_EPOCHS + 1n }, end };
  let [scaled, epochs, scale] = [left, 0n, 1n];
  for (; scaled < SURVIVAL_MIN; ++epochs) {
    scale *= SURVIVAL_SCALE;
    scaled = ceilDiv(scale * product * (total - part), total);
  }
  return { survival: { product: scaled, value: -scaled * price, epoch: epoch + epochs }, end };
}

/** What a holding owes: `lost` of every `base` of it, for `value` {2^-77 u/lot} in all. */
export interface Owed {
  readonly lost: bigint;
  readonly base: bigint;
  readonly value: bigint;
}

/** What a holding whose checkpoint is `at` owes now. */
export function owed(now: Survival, ends: Ends, at: Survival): Owed {
  if (now.epoch === 0n) return { lost: 0n, base: SURVIVAL_START, value: 0n };
  const { product, value, epoch } = orStart(at);
  let [base, sum, reached] = [product, -value, epoch];
  for (; reached < now.epoch && reached < epoch + EXACT_EPOCHS; ++reached) {
    base *= SURVIVAL_SCALE;
    sum = SURVIVAL_SCALE * (sum + ends(reached));
  }
  return reached === now.epoch
    ? { lost: base - now.product, base, value: sum + now.value }
    : { lost: base, base, value: sum + ends(reached) };
}

/** How much of `size` is to be closed, down. */
export const lotsOwed = ({ lost, base }: Owed, size: bigint): bigint => (size * lost) / base;

/** {u/lot} mean shifted price of it, toward minus infinity. Only when something is owed. */
export const priceOwed = ({ value, lost }: Owed): bigint => floorDiv(value, lost);

/**
 * The checkpoint of a holding of `size` of which `closed` was settled and which is `sizeNow` > 0 after that or after a fill: the part
 * of a lot it still owes stays owed at the same price. K0 down: less than sizeNow / K of a lot is forgiven, never more taken.
 */
export function checkpoint(now: Survival, due: Owed, size: bigint, closed: bigint, sizeNow: bigint): Survival {
  const debt = size * due.lost - closed * due.base;
  if (debt === 0n) return now;
  const product = min(CHECKPOINT_MAX, (now.product * sizeNow * due.base) / (sizeNow * due.base - debt));
  return { product, value: now.value - (product - now.product) * priceOwed(due), epoch: now.epoch };
}
