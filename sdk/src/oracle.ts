/** The oracle's view of a feed: which answers count, the averages, the price edges. Twin of contracts/Oracle.sol without its ring. Pure. */
import { decay } from "./ema.ts";
import { abs, floorDiv, max, min, mulDivCeil, mulDivFloor } from "./math.ts";
import type { Quote } from "./types.ts";
import { PriceState } from "./types.ts";
import { BPS, U_DECIMALS } from "./units.ts";

/** {s} */
export const SHORT_HALF_LIFE = 600n;
/** {s} */
export const SLOW_HALF_LIFE = 3_600n;
/** {s} a step that the feed repeats for so long is believed. */
export const JUMP_TIME = 600n;
/** {s} the second source doubts for so long after it signed. */
export const SECOND_AGE = 120n;
/** {s} and confirms a step for so long. */
export const CONFIRM_AGE = 30n;
/** {bps} beyond this doubt a price is no price. */
export const MAX_EDGE = 500n;
const HOUR = 3_600n;
/** {u/lot} prices are below. */
export const PRICE_LIMIT = 1n << 62n;

export interface Feed {
  readonly maxAge: bigint; // {s}
  readonly edgeBps: bigint;
  readonly jumpBps: bigint;
  readonly lotDecimals: number;
  readonly feedDecimals: number;
  readonly minAnswer: bigint; // {answer}
  readonly maxAnswer: bigint; // {answer}
}

/** What the aggregator says. */
export interface Round {
  readonly roundId: bigint;
  readonly answer: bigint; // {10^-feedDecimals USD/coin}
  readonly updatedAt: bigint; // {s} feed time
}

/** What the second source last said. */
export interface Second {
  readonly price: bigint; // {u/lot}
  readonly confidence: bigint; // {u/lot}
  readonly publishTime: bigint; // {s}
}

/** An answer that waits to be confirmed. */
export interface Held {
  readonly price: bigint; // {u/lot}
  readonly since: bigint; // {s} the first near it was seen
}

/** The answer on record; averages as of `sampledAt`, `price` not in them yet. */
export interface Live {
  readonly price: bigint; // {u/lot}
  readonly emaShort: bigint; // {u/lot}
  readonly emaSlow: bigint; // {u/lot}
  readonly sampledAt: bigint; // {s}
  readonly updatedAt: bigint; // {s}
  readonly roundId: bigint;
  readonly held?: Held;
}

/** {u/lot} an answer as a price, down. */
export function priceOf(feed: Pick<Feed, "feedDecimals" | "lotDecimals">, answer: bigint): bigint {
  const exponent = U_DECIMALS - feed.feedDecimals - feed.lotDecimals;
  return exponent >= 0 ? answer * 10n ** BigInt(exponent) : floorDiv(answer, 10n ** BigInt(-exponent));
}

/**
 * The record and the quote after a look at the feed at `now`; the record is the same one unless a newer answer counts or is held.
 * A sequencer that is down is no feed: the state is BAD.
 */
export function look(
  feed: Feed,
  live: Live | undefined,
  round: Round,
  now: bigint,
  second?: Second,
): { live: Live; quote: Quote } {
  const judged = judge(feed, live, round, now, second);
  if (typeof judged !== "bigint") {
    if (live === undefined) throw new RangeError("the first answer of a feed must be valid");
    const { state, held } = judged;
    return { live: held === undefined ? live : { ...live, held }, quote: quoteOf(feed, live, state, now, second) };
  }
  const { short, slow } = live === undefined ? { short: judged, slow: judged } : averages(live, now);
  const { roundId, updatedAt } = round;
  const next = { price: judged, emaShort: short, emaSlow: slow, sampledAt: now, updatedAt, roundId };
  return { live: next, quote: quoteOf(feed, next, PriceState.OK, now, second) };
}

/** The price of a newer valid answer, or why there is none. */
function judge(
  feed: Feed,
  live: Live | undefined,
  round: Round,
  now: bigint,
  second: Second | undefined,
): bigint | { state: PriceState; held?: Held } {
  const { roundId, answer, updatedAt } = round;
  const on = live ?? { updatedAt: 0n, roundId: 0n };
  if (answer <= 0n || updatedAt === 0n || updatedAt > now || updatedAt < on.updatedAt) return { state: PriceState.BAD };
  if (updatedAt === on.updatedAt) return { state: PriceState.OK };
  if (roundId < on.roundId) return { state: PriceState.BAD };
  if (answer <= feed.minAnswer || answer >= feed.maxAnswer) return { state: PriceState.BOUND };
  const price = priceOf(feed, answer);
  if (price === 0n || price >= PRICE_LIMIT) return { state: PriceState.BAD };
  if (live === undefined || !isStep(feed, live.price, price, 0n)) return price;

  const near = live.held !== undefined && !isStep(feed, live.held.price, price, 0n) ? live.held : undefined;
  if (second !== undefined && now <= second.publishTime + SECOND_AGE && doubtOf(second, price) > MAX_EDGE) {
    return { state: PriceState.JUMP, held: { price, since: now } };
  }
  if (!isStep(feed, live.price, price, updatedAt - live.updatedAt)) return price;
  if (second !== undefined && confirms(second, live.price, price, updatedAt, now)) return price;
  if (near !== undefined && now >= near.since + JUMP_TIME) return price;
  return { state: PriceState.JUMP, held: { price, since: near?.since ?? now } };
}

/** Whether the second source, now and after the feed, is nearer to a step than to the price it leaves. */
const confirms = (second: Second, from: bigint, to: bigint, updatedAt: bigint, now: bigint): boolean =>
  now <= second.publishTime + CONFIRM_AGE &&
  second.publishTime >= updatedAt &&
  abs(second.price - to) < abs(second.price - from);

/** More than `jumpBps` between two prices, and as much again for each hour between them, at most four times. */
function isStep(feed: Feed, from: bigint, to: bigint, elapsed: bigint): boolean {
  return abs(to - from) * BPS * HOUR > from * feed.jumpBps * (HOUR + min(elapsed, 3n * HOUR));
}

/** {bps} by how much the second source doubts a price, up. */
const doubtOf = (second: Second, price: bigint): bigint =>
  mulDivCeil(max(abs(price - second.price), second.confidence), BPS, price);

/** Both averages at `now`, decayed toward the price in force. */
function averages(live: Live, now: bigint): { short: bigint; slow: bigint } {
  const elapsed = now - live.sampledAt;
  return {
    short: decay(live.emaShort, live.price, elapsed, SHORT_HALF_LIFE),
    slow: decay(live.emaSlow, live.price, elapsed, SLOW_HALF_LIFE),
  };
}

function quoteOf(feed: Feed, live: Live, found: PriceState, now: bigint, second: Second | undefined): Quote {
  const { short, slow } = averages(live, now);
  const validUntil = live.updatedAt + feed.maxAge;
  const { edgeBps, state } = doubted(feed, found, now > validUntil, doubtNow(live, now, second));
  return {
    price: live.price,
    low: mulDivFloor(min(live.price, short), BPS - edgeBps, BPS),
    high: mulDivCeil(max(live.price, short), BPS + edgeBps, BPS),
    slow,
    validUntil,
    edgeBps,
    state,
  };
}

const doubtNow = (live: Live, now: bigint, second: Second | undefined): bigint =>
  second === undefined || now > second.publishTime + SECOND_AGE ? 0n : doubtOf(second, live.price);

/** Edge and state of the price in force that the second source doubts by `doubt` {bps}. */
function doubted(
  { edgeBps }: Feed,
  state: PriceState,
  isStale: boolean,
  doubt: bigint,
): { edgeBps: bigint; state: PriceState } {
  if (state !== PriceState.OK) return { edgeBps, state };
  if (isStale) return { edgeBps, state: PriceState.STALE };
  if (doubt <= edgeBps) return { edgeBps, state };
  return doubt > MAX_EDGE ? { edgeBps: MAX_EDGE, state: PriceState.JUMP } : { edgeBps: doubt, state: PriceState.WIDE };
}
