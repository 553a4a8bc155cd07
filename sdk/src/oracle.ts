/** The oracle's view of a feed: which answers count, the averages, the price edges. Twin of contracts/Oracle.sol without its ring. Pure. */
import { decay } from "./ema.ts";
import { floorDiv, max, min, mulDivCeil, mulDivFloor } from "./math.ts";
import type { Quote } from "./types.ts";
import { PriceState } from "./types.ts";
import { BPS, U_DECIMALS } from "./units.ts";

/** {s} */
export const SHORT_HALF_LIFE = 600n;
/** {s} */
export const SLOW_HALF_LIFE = 3_600n;
/** {u/lot} prices are below. */
export const PRICE_LIMIT = 1n << 62n;

export interface Feed {
  readonly maxAge: bigint; // {s}
  readonly edgeBps: bigint;
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

/** The answer on record; averages as of `sampledAt`, `price` not in them yet. */
export interface Live {
  readonly price: bigint; // {u/lot}
  readonly emaShort: bigint; // {u/lot}
  readonly emaSlow: bigint; // {u/lot}
  readonly sampledAt: bigint; // {s}
  readonly updatedAt: bigint; // {s}
  readonly roundId: bigint;
}

/** {u/lot} an answer as a price, down. */
export function priceOf(feed: Pick<Feed, "feedDecimals" | "lotDecimals">, answer: bigint): bigint {
  const exponent = U_DECIMALS - feed.feedDecimals - feed.lotDecimals;
  return exponent >= 0 ? answer * 10n ** BigInt(exponent) : floorDiv(answer, 10n ** BigInt(-exponent));
}

/** The record and the quote after a look at the feed at `now`; the record is the same one unless a newer answer counts. */
export function look(feed: Feed, live: Live | undefined, round: Round, now: bigint): { live: Live; quote: Quote } {
  const judged = judge(feed, live, round, now);
  if (typeof judged !== "bigint") {
    if (live === undefined) throw new RangeError("the first answer of a feed must be valid");
    return { live, quote: quoteOf(feed, live, judged.state, now) };
  }
  const { short, slow } = live === undefined ? { short: judged, slow: judged } : averages(live, now);
  const { roundId, updatedAt } = round;
  const next = { price: judged, emaShort: short, emaSlow: slow, sampledAt: now, updatedAt, roundId };
  return { live: next, quote: quoteOf(feed, next, PriceState.OK, now) };
}

/** The price of a newer valid answer, or why there is none. */
function judge(feed: Feed, live: Live | undefined, round: Round, now: bigint): bigint | { state: PriceState } {
  const { roundId, answer, updatedAt } = round;
  const on = live ?? { updatedAt: 0n, roundId: 0n };
  if (answer <= 0n || updatedAt === 0n || updatedAt > now || updatedAt < on.updatedAt) return { state: PriceState.BAD };
  if (updatedAt === on.updatedAt) return { state: PriceState.OK };
  if (roundId < on.roundId) return { state: PriceState.BAD };
  if (answer <= feed.minAnswer || answer >= feed.maxAnswer) return { state: PriceState.BOUND };
  const price = priceOf(feed, answer);
  return price === 0n || price >= PRICE_LIMIT ? { state: PriceState.BAD } : price;
}

/** Both averages at `now`, decayed toward the price in force. */
function averages(live: Live, now: bigint): { short: bigint; slow: bigint } {
  const elapsed = now - live.sampledAt;
  return {
    short: decay(live.emaShort, live.price, elapsed, SHORT_HALF_LIFE),
    slow: decay(live.emaSlow, live.price, elapsed, SLOW_HALF_LIFE),
  };
}

function quoteOf(feed: Feed, live: Live, state: PriceState, now: bigint): Quote {
  const { short, slow } = averages(live, now);
  const validUntil = live.updatedAt + feed.maxAge;
  return {
    price: live.price,
    low: mulDivFloor(min(live.price, short), BPS - feed.edgeBps, BPS),
    high: mulDivCeil(max(live.price, short), BPS + feed.edgeBps, BPS),
    slow,
    validUntil,
    edgeBps: feed.edgeBps,
    state: state === PriceState.OK && now > validUntil ? PriceState.STALE : state,
  };
}
