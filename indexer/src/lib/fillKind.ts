/** What a fill is, as far as the logs before it tell. Pure. */
import { MarketStatus } from "../../../sdk/src/types.ts";
import { isCurve, isInventory } from "./deployment.ts";
import type { MarketRow } from "./rows.ts";
import type { Waiting } from "./run.ts";

export interface Deal {
  readonly market: number;
  readonly buyer: bigint;
  readonly seller: bigint;
  readonly lots: bigint; // {lot}
  readonly price: bigint; // {u/lot}
  readonly buyerFee: bigint; // {u}
  readonly sellerFee: bigint; // {u}
}

/**
 * "band" is the pool's side of a trade, auction or not. A fill between two others without orders is a liquidation, whose `Liquidated`
 * follows.
 */
export function kindOfFill(
  { buyer, seller, price, buyerFee, sellerFee }: Deal,
  market: Pick<MarketRow, "price" | "status">,
  run: Pick<Waiting, "orders" | "isLeaving">,
): "orders" | "curve" | "band" | "liquidation" | "takeover" | "close" | "liquidity" {
  if (run.orders !== null) return "orders";
  if (run.isLeaving) return "liquidity";
  if (isInventory(buyer) || isInventory(seller)) {
    if (market.status === MarketStatus.SETTLED) return "close";
    const isTaken = buyerFee === 0n && sellerFee === 0n && price === market.price; // a trade pays a fee
    return isTaken ? "takeover" : "band";
  }
  return isCurve(buyer) || isCurve(seller) ? "curve" : "liquidation";
}
