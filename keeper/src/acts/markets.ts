/** What a market is due for, as a function of what the chain shows. Pure. */

import { abs } from "../../../sdk/src/math.ts";
import { CLOSE_DELAY } from "../../../sdk/src/shortfall.ts";
import { type Inventory, type Market, MarketStatus, PriceState, type Quote } from "../../../sdk/src/types.ts";
import { BPS } from "../../../sdk/src/units.ts";
import { CHALLENGE_TIME, DEAD_TIME, NOTICE } from "../../../sdk/src/winddown.ts";

export interface MarketView {
  readonly id: number;
  readonly market: Market; // as stored
  readonly quote: Quote | undefined; // what a sync would find; undefined when the oracle cannot be asked
  readonly inventory: Inventory; // at the stored price
  readonly since: bigint; // {s} of the present status of a wind-down
  readonly second: { readonly publishTime: bigint; readonly settlement: bigint }; // {s}, {u/lot} signed for `since`; 0: none
}

export type Due =
  | "updateSecond" // a step waits for the second source
  | "sync"
  | "coverInventory"
  | "deleverage"
  | "windDownDead"
  | "recordSecondPrice" // for a challenge
  | "challengeSettlementPrice"
  | "fixSettlementPrice"
  | "close"; // its holders

export interface Policy {
  readonly syncEvery: bigint; // {s}
  readonly syncBps: bigint;
  /** Whether signed prices of the second source can be fetched. */
  readonly hasSecond: boolean;
}

const CONFIRM_AGE = 30n; // {s} after which the oracle wants the second source to say it again

/** In the order in which they should reach the chain. */
export function dueOf(view: MarketView, now: bigint, policy: Policy): Due[] {
  const { market, quote, inventory, since } = view;
  const due: Due[] = [];
  if (market.status === MarketStatus.UNLISTED) return due;
  const isOpen = market.status < MarketStatus.SETTLING;
  if (isOpen && quote !== undefined) {
    const isHeld = quote.state === PriceState.JUMP;
    if (isHeld && policy.hasSecond && now > view.second.publishTime + CONFIRM_AGE) due.push("updateSecond");
    if (isSyncDue(market, quote, now, policy) || due.length > 0) due.push("sync");
  }
  const isPriced = market.state <= PriceState.WIDE && now <= market.validUntil;
  if (isPriced && inventory.equity < 0n) due.push("coverInventory");
  if (isPriced && isOpen && abs(inventory.lots) > inventory.cap) due.push("deleverage");

  const isActive = market.status === MarketStatus.ACTIVE || market.status === MarketStatus.REDUCE_ONLY;
  const validUntil = quote === undefined || quote.validUntil < market.validUntil ? market.validUntil : quote.validUntil;
  if (isActive && now > validUntil + DEAD_TIME) due.push("windDownDead");
  if (market.status === MarketStatus.WINDING_DOWN && now >= since + NOTICE) due.push("fixSettlementPrice");
  if (market.status === MarketStatus.SETTLING) {
    if (now >= since + CHALLENGE_TIME) due.push("fixSettlementPrice");
    else if (view.second.settlement > 0n) due.push("challengeSettlementPrice");
    else if (policy.hasSecond) due.push("recordSecondPrice");
  }
  if (market.status === MarketStatus.SETTLED && now >= since + CLOSE_DELAY) due.push("close");
  return due;
}

/** A price that has moved, a state that has changed, or a heartbeat that funding, volatility and level wait for. */
export function isSyncDue(market: Market, quote: Quote, now: bigint, policy: Policy): boolean {
  if (quote.state !== market.state || now >= market.syncedAt + policy.syncEvery) return true;
  const apart = abs(quote.price - market.price);
  return apart > 0n && apart * BPS >= market.price * policy.syncBps;
}
