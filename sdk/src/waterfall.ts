/** Who pays a shortfall: its split over markets and the layers in each. docs/mechanism.md "Takeover and waterfall". Pure. */
import { abs, ceilDiv, max, min, mulDivCeil } from "./math.ts";
import { ONE } from "./units.ts";

/** One market of the account, before the takeover. */
export interface Leg {
  readonly market: number;
  readonly lots: bigint; // {lot} signed
  readonly price: bigint; // {u/lot} mark
  readonly slow: bigint; // {u/lot} P_ref
  readonly ratio: bigint; // D18{1} mm(N)
  readonly maintenance: bigint; // {u} MM of the position
}

/** Adverse move beyond maintenance margin first, then any adverse move, then maintenance margin; eq. (17). */
export function weights(legs: readonly Leg[]): bigint[] {
  const adverse = (leg: Leg) => (leg.lots > 0n ? leg.slow - leg.price : leg.price - leg.slow);
  const candidates = [
    legs.map((leg) => abs(leg.lots) * max(0n, adverse(leg) - mulDivCeil(leg.ratio, leg.slow, ONE))),
    legs.map((leg) => abs(leg.lots) * max(0n, adverse(leg))),
  ];
  return candidates.find((ws) => ws.some((w) => w > 0n)) ?? legs.map((leg) => leg.maintenance);
}

/** {u} each part down out of what is left, so the last market with a weight takes the remainder: they sum to `amount`; eq. (18). */
export function split(amount: bigint, ws: readonly bigint[]): bigint[] {
  let left = amount;
  let weightLeft = ws.reduce((sum, w) => sum + w, 0n);
  if (weightLeft === 0n) throw new RangeError("a split needs a market with a weight");
  return ws.map((w) => {
    const part = w === 0n ? 0n : (left * w) / weightLeft;
    left -= part;
    weightLeft -= w;
    return part;
  });
}

/** {u}: byBucket + byPool + toDeficit is the shortfall; `excess` is what whole token units brought beyond byPool. */
export interface Layers {
  readonly byBucket: bigint;
  readonly byPool: bigint;
  readonly toDeficit: bigint;
  readonly excess: bigint;
  readonly tokens: bigint; // {token} what the pool sent
}

/** Walks one market's part down the layers. `absorb` is asked for token units, rounded up, and may pay fewer. */
export function cover(
  shortfall: bigint,
  bucket: bigint,
  tokenUnit: bigint,
  absorb: (requested: bigint) => bigint,
): Layers {
  const byBucket = min(bucket, shortfall);
  const rest = shortfall - byBucket;
  const tokens = rest === 0n ? 0n : absorb(ceilDiv(rest, tokenUnit));
  const byPool = min(rest, tokens * tokenUnit);
  return { byBucket, byPool, toDeficit: rest - byPool, excess: tokens * tokenUnit - byPool, tokens };
}

/** A withdrawal of `amount` tokens while the ledger is short; eq. (19). */
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
