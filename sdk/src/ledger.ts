/** The one primitive that moves lots between two accounts. docs/mechanism.md "Ledger", eq. (1) to (4). */

import { ensure } from "./errors.ts";
import { sideIndex } from "./margin.ts";
import { abs, max, min, mulDivFloor, sign } from "./math.ts";
import type { State } from "./state.ts";
import { positionKey } from "./state.ts";
import type { Market, Position } from "./types.ts";

/** {lot} |b| stays below. */
export const LOTS_BOUND = 1n << 56n;
/** Markets that one account may be in. */
export const MAX_MARKETS = 16n;

/** One account's side of a fill; `cash` and `fee` in u. */
export interface Applied {
  readonly cash: bigint;
  readonly position: Position;
}

/**
 * Applies `delta` lots at `price` to a position. Lots that close move floor(Q c / |b|) and their proceeds to cash; lots that
 * open do so at the shifted price. A fee is paid from cash when anything closes, else from the position's quote.
 */
export function applyFill(before: Applied, market: Market, delta: bigint, price: bigint, fee: bigint): Applied {
  let { cash } = before;
  let { lots, quote } = before.position;

  const closing = lots * delta < 0n ? min(abs(delta), abs(lots)) : 0n;
  if (closing > 0n) {
    const s = sign(lots);
    const left = lots - s * closing;
    const moved = left === 0n ? quote : mulDivFloor(quote, closing, abs(lots)); // toward minus infinity
    cash += moved + s * closing * (price - sideIndex(market, lots)) - fee;
    quote -= moved;
    lots = left;
  } else {
    quote -= fee;
  }

  const opening = abs(delta) - closing;
  if (opening > 0n) {
    const t = sign(delta);
    quote -= t * opening * (price - sideIndex(market, t));
    lots += t * opening;
  }
  return { cash, position: { lots, quote } };
}

/** Moves `lots` from `seller` to `buyer` at `price`; fees (positive paid) end in the market's bucket. */
export function fill(
  state: State,
  trade: { market: number; buyer: bigint; seller: bigint; lots: bigint; price: bigint },
  buyerFee = 0n,
  sellerFee = 0n,
): void {
  const market = state.market(trade.market);
  const longsAdded =
    applyTo(state, trade.market, trade.buyer, trade.lots, trade.price, buyerFee) +
    applyTo(state, trade.market, trade.seller, -trade.lots, trade.price, sellerFee);
  state.patchMarket(trade.market, {
    openInterest: market.openInterest + longsAdded,
    bucket: market.bucket + buyerFee + sellerFee,
  });
}

/** Returns the change of the account's long lots. */
function applyTo(state: State, market: number, account: bigint, delta: bigint, price: bigint, fee: bigint): bigint {
  const row = state.accounts.get(account);
  const before = state.position(account, market);
  const { cash, position } = applyFill({ cash: row.cash, position: before }, state.market(market), delta, price, fee);
  ensure(abs(position.lots) < LOTS_BOUND, "PositionOutOfRange", position.lots);
  const bit = 1n << BigInt(market);
  const markets = position.lots === 0n ? row.markets & ~bit : row.markets | bit;
  ensure(BigInt(marketsOf(markets).length) <= MAX_MARKETS, "TooManyMarkets", account, MAX_MARKETS);
  state.positions.set(positionKey(account, market), position);
  state.accounts.set(account, { ...row, cash, markets });
  return max(position.lots, 0n) - max(before.lots, 0n);
}

/** Ids of the set bits, ascending. */
export function marketsOf(bitmap: bigint): number[] {
  const ids: number[] = [];
  for (let id = 0, rest = bitmap; rest !== 0n; ++id, rest >>= 1n) if ((rest & 1n) === 1n) ids.push(id);
  return ids;
}
