/** Moves the curve toward the index as fast as its capital allows, where the fees leave something. Closes what it holds before it opens. */
import { lotsTo, roomOf } from "../../sdk/src/amm.ts";
import type { PhaseWorld } from "./phaseWorld.ts";
import { createReader } from "./reader.ts";
import { abi, MARKET } from "./site.ts";
import { USD } from "./units.ts";

/** {USD} traded with the curve in a minute at most. */
const PER_MINUTE = 1_000_000n;
const MINUTE = 60;
const MOST_SECONDS = 5 * MINUTE;
const PPM = 1_000_000n;
/** {ppm} beyond the curve's fees: the engine's at any level. */
const TRADING_FEE = 1_500n;
const LEAST_LOTS = 1_000n;
const REDUCE_ONLY = 4n; // level
const FOREVER = 2n ** 32n - 1n;
/** {bps} more than the feed's edge: the slow average may be further on the unfavourable side. */
const EDGE_BPS = 200n;

export interface Wanted {
  readonly isBuy: boolean;
  readonly lots: bigint;
}

/** What brings the curve to where the fees eat the difference. Pure. */
export function wanted(
  curve: { readonly base: bigint; readonly quote: bigint },
  price: bigint,
  feePpm: bigint,
): Wanted {
  const above = (price * (PPM + feePpm)) / PPM; // down
  const below = (price * (PPM - feePpm)) / PPM; // down
  if (curve.quote > above * curve.base) return { isBuy: false, lots: lotsTo(curve, false, above) };
  if (curve.quote < below * curve.base) return { isBuy: true, lots: lotsTo(curve, true, below) };
  return { isBuy: false, lots: 0n };
}

export function createArbitrage(world: PhaseWorld) {
  const { chain, addresses, arbitrageur } = world;
  const reader = createReader(world);
  const curveCall = abi.amm.encodeFunctionData("curves", [MARKET]);
  const feeCall = abi.amm.encodeFunctionData("jumpFeeOf", [MARKET]);
  let [last, refused] = [world.start, 0];

  /** @param now {s} @param price {u/lot} index that everybody sees @param level at which the market last was */
  return async (now: number, price: bigint, level: bigint): Promise<void> => {
    const seconds = Math.min(MOST_SECONDS, now - last);
    if (seconds <= 0 || now < refused + MINUTE) return;
    const [curve] = abi.amm.decodeFunctionResult("curves", await chain.call(addresses.amm, curveCall));
    if (wanted(curve, price, curve.feePpm + TRADING_FEE).lots < LEAST_LOTS) return;
    const [jump] = abi.amm.decodeFunctionResult("jumpFeeOf", await chain.call(addresses.amm, feeCall));
    const { isBuy, lots } = wanted(curve, price, curve.feePpm + jump + TRADING_FEE);
    const [own, long, short] = await reader.entries([world.curve, arbitrageur.long, arbitrageur.short]);
    if (own === undefined) throw new Error("The curve's account was not read");
    const edge = (own.lots > 0n ? own.lots : -own.lots) * price;
    const equity = own.cash + own.quote + own.lots * price - (edge * EDGE_BPS) / 10_000n;
    const room = roomOf({ lots: own.lots, cash: own.cash, equity }, world.tiers, price, isBuy);
    const most = (PER_MINUTE * USD * BigInt(seconds)) / BigInt(MINUTE) / price; // {lot}
    const size = [lots, most, room].reduce((a, b) => (a < b ? a : b));
    if (size < LEAST_LOTS) return;
    const held = isBuy ? -(short?.lots ?? 0n) : (long?.lots ?? 0n);
    const closes = held >= LEAST_LOTS;
    if (!closes && level >= REDUCE_ONLY) return;
    last = now;
    const order = {
      account: isBuy === closes ? arbitrageur.short : arbitrageur.long,
      market: MARKET,
      lots: (isBuy ? 1n : -1n) * (closes && held < size ? held : size),
      limit: isBuy ? 2n ** 128n - 1n : 0n,
      deadline: FOREVER,
      reduceOnly: closes,
    };
    const trade = abi.engine.encodeFunctionData("trade", [order]);
    if (!(await chain.trySend(arbitrageur.address, addresses.engine, trade))) refused = now;
  };
}
