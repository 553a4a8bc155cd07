/** The averages and the judgement of answers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decay, weight } from "../src/ema.ts";
import type { Feed, Live } from "../src/oracle.ts";
import { look, priceOf } from "../src/oracle.ts";
import { PriceState } from "../src/types.ts";

const price = fc.bigInt(1n, (1n << 62n) - 1n);

describe("ema", () => {
  it("halves in a half-life, exactly", () => {
    assert.deepEqual([weight(0n), weight(3_600n), weight(36_000n)], [1n << 128n, 1n << 127n, 1n << 118n]);
    assert.equal(decay(200n, 100n, 600n, 600n), 150n);
    assert.equal(decay(100n, 200n, 3_600n, 3_600n), 150n);
  });

  it("follows 2^(-t / 3600)", () => {
    for (const ticks of [1, 59, 1_234, 3_599, 7_201]) {
      const error = Number(weight(BigInt(ticks))) / 2 ** 128 / 2 ** (-ticks / 3_600) - 1;
      assert.ok(Math.abs(error) < 1e-14, `${ticks} ticks are off by ${error}`);
    }
  });

  it("stays between the average and the price, and moves toward it with time", () => {
    const seconds = fc.bigInt(0n, 1n << 31n);
    fc.assert(
      fc.property(price, price, seconds, seconds, (ema, held, a, b) => {
        const [soon, late] = a < b ? [a, b] : [b, a];
        const [x, y] = [decay(ema, held, soon, 600n), decay(ema, held, late, 600n)];
        return ema >= held ? held <= y && y <= x && x <= ema : ema <= x && x <= y && y <= held;
      }),
    );
  });
});

describe("oracle", () => {
  const feed: Feed = {
    maxAge: 3_600n,
    edgeBps: 25n,
    jumpBps: 10_000n,
    lotDecimals: 4,
    feedDecimals: 8,
    minAnswer: 10n,
    maxAnswer: 10n ** 14n,
  };
  const first: Live = look(feed, undefined, { roundId: 5n, answer: 1_000n, updatedAt: 100n }, 100n).live;
  const state = (round: { roundId: bigint; answer: bigint; updatedAt: bigint }, now: bigint) =>
    look(feed, first, round, now).quote.state;

  it("scales answers to u per lot, down", () => {
    assert.equal(priceOf(feed, 123n), 123n);
    assert.equal(priceOf({ feedDecimals: 6, lotDecimals: 2 }, 123n), 1_230_000n);
    assert.equal(priceOf({ feedDecimals: 18, lotDecimals: 4 }, 19_999_999_999n), 1n);
  });

  it("believes an answer only when it is newer, dated in the past, positive and off its bounds", () => {
    assert.equal(state({ roundId: 6n, answer: 900n, updatedAt: 110n }, 110n), PriceState.OK);
    assert.equal(state({ roundId: 6n, answer: 900n, updatedAt: 111n }, 110n), PriceState.BAD);
    assert.equal(state({ roundId: 6n, answer: 900n, updatedAt: 99n }, 110n), PriceState.BAD);
    assert.equal(state({ roundId: 4n, answer: 900n, updatedAt: 110n }, 110n), PriceState.BAD);
    assert.equal(state({ roundId: 6n, answer: 0n, updatedAt: 110n }, 110n), PriceState.BAD);
    assert.equal(state({ roundId: 6n, answer: 10n, updatedAt: 110n }, 110n), PriceState.BOUND);
    assert.equal(state({ roundId: 5n, answer: 1_000n, updatedAt: 100n }, 3_701n), PriceState.STALE);
  });

  it("holds a step until the second source says the same, or it has stood", () => {
    const narrow: Feed = { ...feed, jumpBps: 1_000n };
    const step = { roundId: 6n, answer: 1_101n, updatedAt: 110n };
    const { live, quote } = look(narrow, first, step, 110n);
    assert.deepEqual([quote.state, quote.price, live.held], [PriceState.JUMP, 1_000n, { price: 1_101n, since: 110n }]);
    assert.equal(look(narrow, first, { ...step, answer: 1_100n }, 110n).quote.state, PriceState.OK, "no step");

    const said = (price: bigint, publishTime: bigint, now: bigint) =>
      look(narrow, live, step, now, { price, confidence: 0n, publishTime });
    assert.equal(said(1_101n, 110n, 140n).quote.price, 1_101n, "confirmed");
    assert.equal(said(1_101n, 110n, 141n).quote.state, PriceState.JUMP, "too late");
    assert.equal(said(1_101n, 109n, 110n).quote.state, PriceState.JUMP, "signed before it");
    assert.equal(said(1_050n, 110n, 110n).quote.state, PriceState.JUMP, "nearer to the price in force");

    assert.equal(look(narrow, live, step, 709n).quote.state, PriceState.JUMP);
    assert.equal(look(narrow, live, step, 710n).quote.price, 1_101n, "it has stood");
    const denied = said(1_000n, 700n, 710n);
    assert.deepEqual([denied.quote.state, denied.live.held], [PriceState.JUMP, { price: 1_101n, since: 710n }]);
  });

  it("is as wide as the second source doubts", () => {
    const round = { roundId: 5n, answer: 1_000n, updatedAt: 100n };
    const doubted = (price: bigint, confidence: bigint, now = 100n) => {
      const { state, edgeBps } = look(feed, first, round, now, { price, confidence, publishTime: 100n }).quote;
      return [state, edgeBps];
    };
    assert.deepEqual(doubted(1_002n, 2n), [PriceState.OK, 25n]);
    assert.deepEqual(doubted(1_000n, 3n), [PriceState.WIDE, 30n]);
    assert.deepEqual(doubted(950n, 0n), [PriceState.WIDE, 500n]);
    assert.deepEqual(doubted(949n, 0n), [PriceState.JUMP, 500n]);
    assert.deepEqual(doubted(949n, 0n, 221n), [PriceState.OK, 25n], "said too long ago");
  });

  it("keeps the last valid price and gives a new one no weight yet", () => {
    const { live, quote } = look(feed, first, { roundId: 6n, answer: 500n, updatedAt: 700n }, 700n);
    assert.deepEqual([quote.price, quote.slow, quote.high], [500n, 1_000n, 1_003n]);
    const bad = look(feed, live, { roundId: 7n, answer: -1n, updatedAt: 1_300n }, 1_300n);
    assert.equal(bad.live, live);
    assert.deepEqual([bad.quote.price, bad.quote.high, bad.quote.low], [500n, 752n, 498n]); // short average 750
  });
});
