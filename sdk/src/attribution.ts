/** Which fills of a transaction belong to which liquidation or takeover: by the order of the logs, for one transaction may hold several. Pure. */
import { inventoryOf } from "./units.ts";

/** What the engine's `Filled` says. */
export interface FilledLots {
  readonly market: number;
  readonly buyer: bigint; // account id
  readonly seller: bigint; // account id
  readonly lots: bigint; // {lot}
  readonly buyerFee: bigint; // {u}
  readonly sellerFee: bigint; // {u}
}

/** Two facts of the logs that cannot both be true. */
export class Contradiction extends Error {}

/**
 * The fills that a `Liquidated` closes: the last ones before it, for as many lots. `fills` are those of the transaction so far, oldest
 * first, without what earlier liquidations and takeovers have taken.
 * @throws Contradiction
 */
export function fillsOfLiquidation<F extends FilledLots>(
  fills: readonly F[],
  { account, market, lots }: { account: bigint; market: number; lots: bigint },
): F[] {
  const found: F[] = [];
  let left = lots;
  for (const fill of fills.toReversed()) {
    if (left === 0n) break;
    const isOwn = fill.market === market && (fill.buyer === account || fill.seller === account);
    if (!isOwn || fill.lots > left) break;
    left -= fill.lots;
    found.unshift(fill);
  }
  if (left > 0n)
    throw new Contradiction(`A liquidation of ${lots} lots of account ${account} lacks ${left} of its fills`);
  return found;
}

/**
 * The fills that a `TakenOver` closes: the last run of free fills between the account and the inventories, lowest market first.
 * @throws Contradiction
 */
export function fillsOfTakeover<F extends FilledLots>(fills: readonly F[], account: bigint): F[] {
  const found: F[] = [];
  for (const fill of fills.toReversed()) {
    const { market, buyer, seller } = fill;
    const isOwn = [buyer, seller].includes(account) && [buyer, seller].includes(inventoryOf(market));
    const isFree = fill.buyerFee === 0n && fill.sellerFee === 0n; // what the account traded with the pool before paid a fee
    const next = found[0];
    if (!isOwn || !isFree || (next !== undefined && market >= next.market)) break;
    found.unshift(fill);
  }
  if (found.length === 0) throw new Contradiction(`Account ${account} was taken over without a position`);
  return found;
}
