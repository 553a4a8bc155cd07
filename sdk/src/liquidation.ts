/** Clock, discount, size and penalty of a liquidation, and when a takeover is allowed. docs/mechanism.md. Pure. */
import { ceilDiv, floorDiv, max, min, mulDivCeil } from "./math.ts";
import { BPS, ONE } from "./units.ts";

/** {s} a clock older than this restarts. */
export const CLOCK_MAX = 600n;
/** {s} from this age on an account may be taken over, and the discount is at its highest. */
export const CLOCK_TAKEOVER = 90n;

/** Whether a liquidation clock was started and is not too old to count. */
export function isRunning(unhealthySince: bigint, now: bigint): boolean {
  return unhealthySince !== 0n && now - unhealthySince <= CLOCK_MAX;
}

/** {s} age of a liquidation clock; 0 when it is not running. */
export function clockAge(unhealthySince: bigint, now: bigint): bigint {
  return isRunning(unhealthySince, now) ? now - unhealthySince : 0n;
}

/** Everything at the mark: amounts in u, ratios D18. */
export interface LiquidationTerms {
  readonly equity: bigint; // at least zero
  readonly maintenance: bigint; // MM of the account
  readonly notional: bigint; // SUM N of the account
  readonly ratio: bigint; // mm(N) of the position to close
  readonly price: bigint; // {u/lot}
  readonly size: bigint; // {lot} |b|
  readonly minLots: bigint; // {lot}
}

/** D18{1} d, down; eq. (14). Never above the account's equity share, so a penalty cannot make it insolvent. */
export function discount(terms: LiquidationTerms, discountBps: bigint, age: bigint): bigint {
  const half = terms.ratio / 2n;
  const byClock = (half * min(age, CLOCK_TAKEOVER)) / CLOCK_TAKEOVER;
  const byShortfall = (half * max(0n, terms.maintenance - terms.equity)) / terms.maintenance;
  const grown = discountBps * (ONE / BPS) + byClock + byShortfall;
  return min(half, min(grown, floorDiv(terms.equity * ONE, terms.notional)));
}

/** {lot} k, up; eq. (15), before the caller's limit: what brings health to 1.2, or everything. */
export function lotsToClose(terms: LiquidationTerms, d: bigint): bigint {
  const target = ceilDiv(12n * terms.maintenance, 10n);
  const rate = (12n * terms.ratio) / 10n - d;
  if (rate <= 0n || target <= terms.equity) return terms.size;
  const k = min(terms.size, ceilDiv((target - terms.equity) * ONE, terms.price * rate));
  return terms.size - k < terms.minLots ? terms.size : k;
}

/** {lot} k within the caller's limit; undefined when the limit would leave dust behind. */
export function limitLots(
  k: bigint,
  maxLots: bigint,
  terms: Pick<LiquidationTerms, "size" | "minLots">,
): bigint | undefined {
  if (k <= maxLots) return k;
  return terms.size - maxLots >= terms.minLots ? maxLots : undefined;
}

/** {u} penalty, up but at most the equity; the liquidator's share of it, down; eq. (16). */
export function penaltyOf(
  terms: Pick<LiquidationTerms, "equity" | "price">,
  k: bigint,
  d: bigint,
  liquidatorShareBps: bigint,
): { penalty: bigint; share: bigint } {
  const penalty = min(terms.equity, mulDivCeil(k * terms.price, d, ONE));
  return { penalty, share: floorDiv(penalty * liquidatorShareBps, BPS) };
}

/** Whether the pool may take the account over; `equity` at the favourable edge. */
export function isTakeoverable(equity: bigint, maintenance: bigint, age: bigint, onlyDust: boolean): boolean {
  if (equity < 0n) return true;
  if (equity >= maintenance) return false;
  return 10n * equity < 4n * maintenance || age >= CLOCK_TAKEOVER || onlyDust;
}
