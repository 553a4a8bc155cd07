/** What the backstop AMM remembers of a market beside its curve: twin of its pulse, guard and auction, eq. (45), (46) of docs/mechanism.md. Pure. */
import { type Curve, jumpFee, jumpFeeAt, ladderOf, type Step } from "./amm.ts";
import { weight } from "./ema.ts";
import { abs, max, min, mulDivCeil, mulDivFloor } from "./math.ts";
import { BPS, U_PER_USD } from "./units.ts";
import { power } from "./volatility.ts";

/** Slots Pulse, Guard and Auction of contracts/BackstopAMM.sol. */
export interface Pulse {
  readonly premium: bigint; // {1e-7} of the marginal price, in force since `sampledAt`
  readonly before: bigint; // {1e-7} in force until then
  readonly average: bigint; // {1e-9}
  readonly sampledAt: bigint; // {s}
  readonly price: bigint; // {u/lot} index at the last sync
  readonly depth: bigint; // {USD} average of a week
  readonly calmSince: bigint; // {s} 0: the level is above CALM_LEVEL; later as the pool's position grows
  readonly hasPool: boolean;
  readonly jumpPpm: bigint;
  readonly jumpAt: bigint; // {s}
  readonly disarmedUntil: bigint; // {s}
  readonly usedAt: bigint; // {s} block of `used`
  readonly used: bigint; // {lot} of the bands by anybody in that block
  readonly pool: bigint; // {lot} the pool's position when last seen
  readonly hour: bigint; // number of the aligned hour of `sold`
  readonly sold: bigint; // {lot} in that hour
}

/** What a wish finds. */
export interface Depth {
  readonly now: bigint; // {s}
  readonly isBuy: boolean; // the account buys
  readonly isLiquidation: boolean;
  readonly isPriceOk: boolean;
  readonly isWide: boolean;
  readonly level: bigint;
  readonly price: bigint; // {u/lot} mark
  readonly pool: bigint; // {lot} its position in effect
  readonly cap: bigint; // {lot} of it
  readonly cost: bigint; // {u} drawn for the market today, and what the position is below zero
}

/** What the pool would do, best first. */
export interface PoolSide {
  readonly steps: readonly Step[];
  readonly isAuction: boolean; // of the first step
  readonly disarms: boolean;
}

export const NO_PULSE: Pulse = {
  ...{ premium: 0n, before: 0n, average: 0n, sampledAt: 0n, price: 0n, depth: 0n, calmSince: 0n, hasPool: false },
  ...{ jumpPpm: 0n, jumpAt: 0n, disarmedUntil: 0n, usedAt: 0n, used: 0n, pool: 0n, hour: 0n, sold: 0n },
};

const ONE = 10_000_000n; // {1e-7}
const MOST = (1n << 23n) - 1n; // {1e-7}
const MAX_PREMIUM = 5_000_000n; // {1e-9}
const DEPTH_DECAY = 0xfef229e3445e42db3441f1038e28a647n; // floor(2^(128 - 1/168))
const MAX_DEPTH = (1n << 40n) - 1n; // {USD}
const MAX_HOURS = 1n << 14n;
const HOUR = 3_600n;
const DAY = 86_400n;
const CALM_LEVEL = 1n;
const CALM_TIME = 1_800n; // {s}
const OPEN_LEVEL = 2n;
const AUCTION_TIME = 6n * HOUR;
const PACE = 48n;
const MAX_DISCOUNT = 400n; // {bps}
const MAX_LOSS = 15n; // {%} of the sleeve in a day
const BPS2 = BPS * BPS;
const SHIFT = 1n << 128n;

const clamp = (value: bigint, most: bigint): bigint => max(-most, min(most, value));

/** {1e-7} of the marginal price above the index, saturated. */
export const premiumOf = ({ base, quote }: Curve, price: bigint): bigint =>
  base === 0n ? 0n : clamp(mulDivFloor(quote, ONE, base * price) - ONE, MOST);

/** Averages of premium and depth up to now. */
export function aged(p: Pulse, curve: Curve, now: bigint): Pulse {
  if (now === p.sampledAt) return p;
  const held = clamp(p.premium * 100n, MAX_PREMIUM);
  const average = held + ((p.average - held) * weight(now - p.sampledAt)) / SHIFT;
  const hours = now / HOUR - p.sampledAt / HOUR;
  const seen = min(curve.quote / U_PER_USD, MAX_DEPTH);
  const kept = power(DEPTH_DECAY, min(hours, MAX_HOURS));
  const depth = hours === 0n ? p.depth : seen + ((p.depth - seen) * kept) / SHIFT;
  return { ...p, average, depth, before: p.premium, sampledAt: now };
}

/** After a sync. @param level of the sync before @param pool {lot} its position in effect */
export function sampled(
  p: Pulse,
  curve: Curve,
  { now, price, level, pool }: Pick<Depth, "now" | "price" | "level" | "pool">,
): Pulse {
  const next = aged(p, curve, now);
  const calmSince = level > CALM_LEVEL ? 0n : next.calmSince === 0n ? now : next.calmSince;
  const seen = seePool({ ...next, calmSince }, pool, now);
  const jumped = p.price === 0n ? seen : seeJump(seen, price, now);
  return { ...jumped, price, premium: premiumOf(curve, price) };
}

/** After a trade of the curve. @param price {u/lot} mark */
export const moved = (p: Pulse, before: Curve, after: Curve, price: bigint, now: bigint): Pulse => ({
  ...aged(p, before, now),
  premium: premiumOf(after, price),
});

/** After `lots` of the pool's side. */
export function booked(
  p: Pulse,
  side: PoolSide,
  lots: bigint,
  { isLiquidation, now }: Pick<Depth, "isLiquidation" | "now">,
): Pulse {
  const closed = min(lots, side.steps[0]?.lots ?? 0n);
  const left = p.pool > 0n ? p.pool - closed : p.pool + closed;
  const sold = soldOf(p, now) + closed;
  const next = side.isAuction ? { ...p, pool: left, hour: now / HOUR, sold } : p;
  const shut = side.disarms ? { ...next, disarmedUntil: now + DAY } : next;
  if (isLiquidation) return shut;
  return { ...shut, usedAt: now, used: lots - closed + (p.usedAt === now ? p.used : 0n) };
}

/** The pool's side; steps[0] reduces its position, or has no lots. */
export function poolSide(p: Pulse, d: Depth): PoolSide {
  const nothing = { steps: [], isAuction: false, disarms: false };
  const isOpen = d.isLiquidation || (d.level >= OPEN_LEVEL && !d.isWide);
  const calm = calmTime(p, d);
  const held = d.isBuy ? -d.pool : d.pool;
  if (!d.isPriceOk || !(isOpen || (calm !== 0n && held < 0n))) return nothing;
  const isAuction = calm !== 0n && held < 0n;
  const { now, level, isBuy, price, pool, cap } = d;
  const used = d.isLiquidation ? undefined : p.usedAt === now ? p.used : 0n;
  const ladder = ladderOf({ price, level, isBuy, pool, cap, used });
  const [band, ...bands] = held < 0n ? ladder.slice(1) : ladder;
  const reduce = held < 0n ? ladder[0] : undefined;
  const first = isAuction ? auctionStep(p, d, -held, calm - CALM_TIME) : (reduce ?? { price: 0n, lots: 0n });
  if (!isOpen || band === undefined) return { steps: [first], isAuction, disarms: false };
  const rest = { price: band.price, lots: max(0n, -held) - first.lots };
  const isShut = now < p.disarmedUntil;
  const disarms = !isShut && d.cost * 100n > cap * price * MAX_LOSS;
  if (isShut || disarms) return { steps: [first, rest], isAuction, disarms };
  return { steps: [first, { ...band, lots: band.lots + rest.lots }, ...bands], isAuction, disarms };
}

function auctionStep(p: Pulse, d: Depth, size: bigint, age: bigint): Step {
  const discount = d.cap === 0n ? MAX_DISCOUNT : min(MAX_DISCOUNT, 50n + (MAX_DISCOUNT * size) / d.cap);
  const moved = ((100n + discount) * BPS * min(age, AUCTION_TIME)) / AUCTION_TIME; // {bps^2}
  const part = 100n * BPS - moved;
  const price = d.isBuy ? mulDivCeil(d.price, BPS2 + part, BPS2) : mulDivFloor(d.price, BPS2 - part, BPS2);
  const pace = max((p.depth * U_PER_USD) / d.price / 1_000n, d.cap / PACE + 1n);
  return { price, lots: min(size, max(0n, pace - soldOf(p, d.now))) };
}

const soldOf = (p: Pulse, now: bigint): bigint => (p.hour === now / HOUR ? p.sold : 0n);

/** {s} for which the market has been calm and the pool's position has not grown; 0 when not for CALM_TIME */
function calmTime(p: Pulse, { level, isWide, now, pool }: Depth): bigint {
  const isCalm = level <= CALM_LEVEL && !isWide && p.calmSince !== 0n && now >= p.calmSince + CALM_TIME;
  return isCalm && !grows(p.pool, pool) ? now - p.calmSince : 0n;
}

const grows = (before: bigint, pool: bigint): boolean => (pool > 0n ? pool > before : pool < before);

function seePool(p: Pulse, pool: bigint, now: bigint): Pulse {
  if (pool === 0n && !p.hasPool) return p;
  let { calmSince } = p;
  if (calmSince !== 0n && grows(p.pool, pool)) {
    const isSameSide = p.pool > 0n === pool > 0n;
    const age = isSameSide ? ((now - calmSince) * abs(p.pool)) / abs(pool) : 0n;
    calmSince = now - age;
  }
  return { ...p, calmSince, pool, hasPool: pool !== 0n };
}

function seeJump(p: Pulse, price: bigint, now: bigint): Pulse {
  const fee = jumpFee(p.price, price);
  if (fee <= jumpFeeAt(p.jumpPpm, now - p.jumpAt)) return p;
  return { ...p, jumpPpm: fee, jumpAt: now };
}
