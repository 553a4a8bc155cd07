/** Who pays a shortfall: its split over markets and the layers in each. docs/mechanism.md "Takeover and waterfall". Pure. */
import { abs, ceilDiv, max, min, mulDivCeil } from "./math.ts";
import { BPS, ONE } from "./units.ts";

/** One market of the account, before the takeover. */
export interface Leg {
  readonly market: number;
  readonly lots: bigint; // {lot} signed
  readonly price: bigint; // {u/lot} mark
  readonly slow: bigint; // {u/lot} P_ref
  readonly ratio: bigint; // D18{1} mm(N)
  readonly maintenance: bigint; // {u} MM of the position
}

/** {u} of each market: its adverse move beyond maintenance margin, and within it; eq. (17). */
export function weights(leg: Leg): { readonly beyond: bigint; readonly within: bigint } {
  const adverse = max(0n, leg.lots > 0n ? leg.slow - leg.price : leg.price - leg.slow);
  const borne = mulDivCeil(leg.ratio, leg.slow, ONE);
  return { beyond: abs(leg.lots) * max(0n, adverse - borne), within: abs(leg.lots) * min(adverse, borne) };
}

/** {u} what falls on each market: at most what its move explains, beyond maintenance margin first; the rest by maintenance margin. */
export function partsOf(shortfall: bigint, legs: readonly Leg[]): bigint[] {
  const explained = legs.map(weights);
  const passes = [
    explained.map(({ beyond }) => beyond),
    explained.map(({ within }) => within),
    legs.map(({ maintenance }) => maintenance),
  ];
  let left = shortfall;
  const parts = passes.map((ws, i) => {
    const given = i === passes.length - 1 ? left : min(left, sum(ws));
    left -= given;
    return given === 0n ? ws.map(() => 0n) : split(given, ws);
  });
  return legs.map((_, i) => sum(parts.map((pass) => pass[i] ?? 0n)));
}

/** {u} each part down out of what is left, so the last market with a weight takes the remainder: they sum to `amount`; eq. (18). */
export function split(amount: bigint, ws: readonly bigint[]): bigint[] {
  let left = amount;
  let weightLeft = sum(ws);
  if (weightLeft === 0n) throw new RangeError("a split needs a market with a weight");
  return ws.map((w) => {
    const part = w === 0n ? 0n : (left * w) / weightLeft;
    left -= part;
    weightLeft -= w;
    return part;
  });
}

/** {u/lot} what a lot of the winners pays within a half-life at most: the losers' move beyond maintenance margin; eq. (19). Down. */
export function shareLimit(
  { price, slow }: Pick<Leg, "price" | "slow">,
  maintenanceBps: bigint,
  losersAreLong: boolean,
): bigint {
  const adverse = losersAreLong ? slow - price : price - slow;
  return max(0n, adverse - mulDivCeil(slow, maintenanceBps, BPS));
}

/** Who is asked after the bucket; each may give less or a little more. */
export interface Payers {
  /** {token} paid of what is requested, at most that. */
  readonly absorb: (requested: bigint) => bigint;
  /** {u} collected from the winners. */
  readonly share: (needed: bigint) => bigint;
}

/** {u}: byBucket + byPool + byShare + toDeficit is the shortfall; `excess` is what whole token units and whole units a lot brought beyond. */
export interface Layers {
  readonly byBucket: bigint;
  readonly byPool: bigint;
  readonly byShare: bigint;
  readonly toDeficit: bigint;
  readonly excess: bigint;
  readonly tokens: bigint; // {token} what the pool sent
}

/** Walks one market's part down the layers. The pool is asked for token units, rounded up. */
export function cover(shortfall: bigint, bucket: bigint, tokenUnit: bigint, { absorb, share }: Payers): Layers {
  const byBucket = min(bucket, shortfall);
  const unpaid = shortfall - byBucket;
  const tokens = unpaid === 0n ? 0n : absorb(ceilDiv(unpaid, tokenUnit));
  const byPool = min(unpaid, tokens * tokenUnit);
  const rest = unpaid - byPool;
  const collected = rest === 0n ? 0n : share(rest);
  const byShare = min(rest, collected);
  const excess = tokens * tokenUnit - byPool + collected - byShare;
  return { byBucket, byPool, byShare, toDeficit: rest - byShare, excess, tokens };
}

/** A withdrawal of `amount` tokens while the ledger is short; eq. (23). */
export interface Haircut {
  readonly paid: bigint; // {token} down
  readonly withheld: bigint; // {u} lowers the deficits and becomes a claim
}

/** `held` is B = S internalBalance, `deficits` is Z, both in u. */
export function haircut(amount: bigint, held: bigint, deficits: bigint, tokenUnit: bigint): Haircut {
  if (deficits === 0n) return { paid: amount, withheld: 0n };
  const paid = (amount * held) / (held + deficits);
  return { paid, withheld: min((amount - paid) * tokenUnit, deficits) };
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

/** {u} of what the pools paid for a shortfall, the junior tranche's part: it pays first, and whole tokens bring more than is needed. */
export const juniorPart = (byPool: bigint, drawnFromJunior: bigint, tokenUnit: bigint): bigint =>
  min(drawnFromJunior * tokenUnit, byPool);
