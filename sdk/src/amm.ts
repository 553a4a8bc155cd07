/** What the backstop AMM gives for a trade or a liquidation: twin of CurveLib and of the bands, eq. (41) to (44) of docs/mechanism.md. Pure. */

import { ensure } from "./errors.ts";
import { initialRatio } from "./margin.ts";
import { abs, max, min, mulDivCeil, mulDivFloor, sqrt } from "./math.ts";
import { feeOf } from "./trading.ts";
import type { MarketParams } from "./types.ts";
import { BPS, ONE } from "./units.ts";

/** Reserves of the providers' curve; its marginal price is quote / base {u/lot}. */
export interface Curve {
  readonly base: bigint; // {lot}
  readonly quote: bigint; // {u}
}

/** Lots of the pool at one price. */
export interface Step {
  readonly price: bigint; // {u/lot}
  readonly lots: bigint;
}

/** What is wanted, and how far the curve may go for it. */
export interface Wish {
  readonly isBuy: boolean;
  readonly lots: bigint; // {lot}
  readonly room: bigint; // {lot} that the curve may take: {@link roomOf}
  readonly stop: bigint; // {u/lot} no lot at a worse marginal price; 0 or NO_STOP for none
}

export interface Planned {
  readonly curveLots: bigint;
  readonly bandLots: bigint;
  readonly curveQuote: bigint; // {u} down when sold, up when bought
  readonly bandQuote: bigint; // {u}
}

/** Where the pool's ladder of a market stands. */
export interface Ladder {
  readonly price: bigint; // {u/lot} mark
  readonly level: bigint; // 0 to 4
  readonly isBuy: boolean; // the account buys
  readonly pool: bigint; // {lot} of the pool's position in effect, signed
  readonly cap: bigint; // {lot} of it
  /** {lot} of the bands that anybody has used in this block; undefined: a liquidation, which has no such limit. */
  readonly used: bigint | undefined;
}

/** What a trade pays for beside the depth. */
export interface Terms {
  readonly price: bigint; // {u/lot} mark
  readonly slackBps: bigint; // by which the curve may deal worse than the mark; 0 in a liquidation
  readonly feePpm: bigint; // to the providers, {@link jumpFee} included
}

/** What a wish gets. */
export interface Dealt extends Planned {
  readonly fee: bigint; // {u} to the providers, up
}

/** Who gets what of a liquidation's penalty. */
export interface Shared {
  readonly fee: bigint; // {u} to the providers
  readonly reward: bigint; // {u} to the caller
  readonly toBucket: bigint; // {u}
}

/** {u/lot} of a buyer without a limit. */
export const NO_STOP = (1n << 64n) - 1n;

/** {bps} of the cap that a level arms. */
const ARMED = [2_500n, 2_500n, 5_000n, 7_500n, 10_000n];
/** {bps} of the bands' discounts that a level asks of anybody's trades. */
const FACTORS = [10_000n, 10_000n, 12_500n, 16_000n, 20_000n];
/** {bps} of what is armed that anybody may use in a block. */
const BLOCK = 500n;
const PPM = 1_000_000n;
const JUMP_TIME = 120n; // {s}
const MAX_JUMP_FEE = 200_000n; // {ppm}
/** {bps} discount of each band, and of what is armed where it ends. */
const BANDS = [
  { discount: 100n, end: 3_000n },
  { discount: 200n, end: 6_000n },
  { discount: 350n, end: 8_500n },
  { discount: 600n, end: 10_000n },
];
const MAX_EXPOSURE = 3n; // position over equity of a curve
const ENDLESS = (1n << 56n) - 1n; // {lot}

/** {u} for lots sold to the curve, down. */
export const proceeds = ({ base, quote }: Curve, lots: bigint): bigint =>
  lots === 0n ? 0n : mulDivFloor(lots, quote, base + lots);

/** {u} for fewer lots than `base` bought of the curve, up. */
export const cost = ({ base, quote }: Curve, lots: bigint): bigint =>
  lots === 0n ? 0n : mulDivCeil(lots, quote, base - lots);

/** The curve after a trade. */
export const traded = (curve: Curve, isBuy: boolean, lots: bigint): Curve =>
  isBuy
    ? { base: curve.base - lots, quote: curve.quote + cost(curve, lots) }
    : { base: curve.base + lots, quote: curve.quote - proceeds(curve, lots) };

/** {lot} that bring the marginal price to `price`, down to the last at which it has not been passed; 0 when it is there. */
export function lotsTo({ base, quote }: Curve, isBuy: boolean, price: bigint): bigint {
  if (base === 0n) return 0n;
  if (price === 0n) return isBuy ? 0n : ENDLESS;
  const product = base * quote;
  const root = sqrt(product / price);
  if (!isBuy) return max(0n, root - base);
  const until = root * root * price < product ? root + 1n : root; // less of it is a worse price for who buys
  return max(0n, base - max(1n, until));
}

/** What of a wish the curve takes and what the pool, steps best first: the curve up to the price of a step, then the step. */
export function plan(curve: Curve, steps: readonly Step[], { isBuy, lots, room, stop }: Wish): Planned {
  let [byCurve, byPool, bandQuote] = [0n, 0n, 0n];
  const goTo = (price: bigint) => {
    byCurve = min(min(room, lots - byPool), lotsTo(curve, isBuy, price));
  };
  for (const step of steps.filter((one) => one.lots !== 0n)) {
    if (byCurve + byPool === lots || (isBuy ? step.price > stop : step.price < stop)) break;
    goTo(step.price);
    const part = min(step.lots, lots - byCurve - byPool);
    byPool += part;
    bandQuote += part * step.price;
  }
  if (byCurve + byPool < lots) goTo(stop);
  const curveQuote = isBuy ? cost(curve, byCurve) : proceeds(curve, byCurve);
  return { curveLots: byCurve, bandLots: byPool, curveQuote, bandQuote };
}

/** The account of a curve. */
export interface CurveAccount {
  readonly lots: bigint; // {lot} signed
  readonly cash: bigint; // {u}
  readonly equity: bigint; // {u} at the unfavourable edge
}

/**
 * {lot} the curve may take: what reduces its position, then up to three times what it is worth, half of what its margin would allow
 * when that is less. Profit that is not realised does not count.
 */
export function roomOf(
  account: CurveAccount,
  tiers: Parameters<typeof initialRatio>[0],
  price: bigint,
  isBuy: boolean,
): bigint {
  const held = isBuy ? -account.lots : account.lots;
  const worth = max(0n, min(account.cash, account.equity));
  const rate = initialRatio(tiers, MAX_EXPOSURE * worth); // D18
  const most = min(MAX_EXPOSURE * worth, (worth * ONE) / (2n * rate)) / price;
  return max(0n, max(most - held, -held));
}

/** The pool's side where no auction is on: what reduces its position at the first band's price, then the bands from where it stands. */
export function ladderOf({ price, level, isBuy, pool, cap, used }: Ladder): readonly Step[] {
  const held = isBuy ? -pool : pool;
  const factor = used === undefined ? BPS : at(FACTORS, level);
  const priceAt = (discount: bigint) =>
    isBuy
      ? mulDivCeil(price, BPS * BPS + discount * factor, BPS * BPS)
      : mulDivFloor(price, BPS * BPS - discount * factor, BPS * BPS);
  const armed = (cap * at(ARMED, level)) / BPS;
  let free = used === undefined ? armed : max(0n, (armed * BLOCK) / BPS - used);
  let from = max(0n, held);
  const steps = BANDS.map(({ discount, end }) => {
    const until = (armed * end) / BPS;
    const lots = min(free, max(0n, until - from));
    from = max(from, until);
    free -= lots;
    return { price: priceAt(discount), lots };
  });
  return held < 0n ? [{ price: priceAt(100n), lots: abs(held) }, ...steps] : steps;
}

/** {ppm} what a jump of the index from one price to another adds to the curve's fee: 1 - (low / high)^3, 0 for less than a hundredth. */
export function jumpFee(from: bigint, to: bigint): bigint {
  const [low, high] = [min(from, to), max(from, to)];
  if ((high - low) * 100n <= low) return 0n;
  return min(MAX_JUMP_FEE, PPM - mulDivFloor(low ** 3n, PPM, high ** 3n));
}

/** {ppm} what is left of it after `age` seconds, up. */
export const jumpFeeAt = (fee: bigint, age: bigint): bigint =>
  age < JUMP_TIME ? mulDivCeil(fee, JUMP_TIME - age, JUMP_TIME) : 0n;

/** A wish at the curve's and the pool's prices: providers deal no worse than `slackBps` from the mark, and get their fee. */
export function deal(curve: Curve, steps: readonly Step[], wish: Wish, { price, slackBps, feePpm }: Terms): Dealt {
  const planned = plan(curve, steps, wish);
  const atMark = planned.curveLots * price;
  const curveQuote = wish.isBuy
    ? max(planned.curveQuote, mulDivCeil(atMark, BPS - slackBps, BPS))
    : min(planned.curveQuote, mulDivFloor(atMark, BPS + slackBps, BPS));
  return { ...planned, curveQuote, fee: mulDivCeil(curveQuote, feePpm, PPM) };
}

/** {u} what a trade pays or receives in all. @throws EngineError ProceedsBelowFees */
export function totalOf({ curveQuote, bandQuote, fee }: Dealt, isBuy: boolean, params: MarketParams, level: bigint) {
  const quote = curveQuote + bandQuote;
  const fees = fee + feeOf(params, level, quote, true);
  ensure(isBuy || quote >= fees, "ProceedsBelowFees", quote, fees);
  return isBuy ? quote + fees : quote - fees;
}

/** {u/lot} the worst marginal price of a liquidation at a discount D18. */
export const stopOf = (price: bigint, isBuy: boolean, discount: bigint): bigint =>
  isBuy ? mulDivFloor(price, ONE + discount, ONE) : mulDivCeil(price, ONE - discount, ONE);

/** What the depth has not cost of a penalty: the providers' fee first, the rest is shared by the caller and the bucket. */
export function share(dealt: Dealt, isBuy: boolean, price: bigint, penalty: bigint, shareBps: bigint): Shared {
  const over = dealt.curveQuote + dealt.bandQuote - (dealt.curveLots + dealt.bandLots) * price;
  const left = max(0n, penalty - max(0n, isBuy ? over : -over));
  const fee = min(dealt.fee, left);
  const reward = mulDivFloor(left - fee, shareBps, BPS);
  return { fee, reward, toBucket: left - fee - reward };
}

function at(table: readonly bigint[], level: bigint): bigint {
  const entry = table[Number(level)];
  if (entry === undefined) throw new RangeError(`level ${level} is not 0 to 4`);
  return entry;
}
