/** The level of a market: up at once or in two observations, down after a dwell in calm, and what each input asks for. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { closed, NO_RISK, type Risk, type RiskExposure, SATURATED, update } from "../src/risk.ts";
import { PriceState } from "../src/types.ts";

const PRICE = 200_000_000_000n; // {u/lot}
const START = 1_800_000_000n; // {s}
const MINUTE = 60n;
const HOUR = 3_600n;
const USD = 10n ** 12n; // {u}
const LIMITS = { level1: 11_000n, level2: 17_000n, level3: 27_000n, level4: 43_000n, initial: 4_000n };

const calm: RiskExposure = {
  ...{ price: PRICE, state: PriceState.OK, openInterest: 100n, capacity: 1_000n, longs: 100n, shorts: 100n },
  ...{ fundingRate: 0n, beyondMargin: 0n, freeStake: USD },
};
/** {lot} of 1,000 that ask for a level by use. */
const used = (openInterest: bigint): RiskExposure => ({ ...calm, openInterest });

/** One observation after another, each as far from the last as it says; the levels in force. */
function play(steps: readonly (readonly [wait: bigint, exposure: RiskExposure, isRaised?: boolean])[], from = NO_RISK) {
  let [now, risk]: [bigint, Risk] = [from === NO_RISK ? START : from.updatedAt, from];
  const levels = steps.map(([wait, exposure, isRaised = false]) => {
    now += wait;
    const next = update(risk, LIMITS, exposure, { now, otherLiabilities: 0n, isRaised });
    risk = next.risk;
    return Number(next.level);
  });
  return { levels, risk };
}

describe("level", () => {
  it("is zero and leaves nothing where there are no limits", () => {
    const blind = { ...used(5_000n), state: PriceState.BAD };
    const found = update(NO_RISK, undefined, blind, { now: START, otherLiabilities: 0n, isRaised: true });
    assert.deepEqual(found, { risk: NO_RISK, level: 0n });
  });

  it("rises a step at once and further when the observation before wanted it too", () => {
    const full = used(1_300n); // 130 % of capacity: 3
    assert.deepEqual(
      play([
        [0n, full],
        [MINUTE, full],
        [MINUTE, full],
      ]).levels,
      [1, 3, 3],
    );
    assert.deepEqual(
      play([
        [0n, full],
        [MINUTE - 1n, full],
      ]).levels,
      [1, 1],
      "once in a minute",
    );
  });

  it("stays between 75 % of a limit and the limit", () => {
    const { levels } = play([
      [0n, used(500n)],
      [HOUR, used(400n)],
      [HOUR, used(376n)],
      [HOUR, used(375n)],
    ]);
    assert.deepEqual(levels, [1, 1, 1, 1]);
  });

  it("falls a step at a time, after the dwell of each, and starts again when somebody disturbs it", () => {
    const [up, down] = [used(1_300n), used(10n)];
    const { risk } = play([
      [0n, up],
      [MINUTE, up],
    ]);
    const way = play(
      [
        [HOUR, down],
        [2n * HOUR - 1n, down],
        [2n * HOUR, down],
        [HOUR, down],
        [HOUR / 2n, down],
      ],
      risk,
    );
    assert.deepEqual(way.levels, [3, 3, 2, 1, 0]);
    const disturbed = play(
      [
        [HOUR, down],
        [HOUR, used(1_000n)],
        [2n * HOUR, down],
        [2n * HOUR, down],
      ],
      risk,
    );
    assert.deepEqual(disturbed.levels, [3, 3, 3, 2]);
  });

  it("is at least three while the price is not good, and remembers no such level", () => {
    const blind = { ...calm, state: PriceState.JUMP, price: 2n * PRICE };
    const { levels, risk } = play([
      [0n, calm],
      [MINUTE, blind],
      [MINUTE, calm],
    ]);
    assert.deepEqual(levels, [0, 3, 0]);
    assert.equal(risk.history?.price, PRICE);
  });

  it("rises by a signal below three only", () => {
    assert.deepEqual(play([[0n, calm, true]]).levels, [1]);
    const full = used(1_300n);
    assert.deepEqual(
      play([
        [0n, full, true],
        [MINUTE, full, true],
        [MINUTE, full, true],
      ]).levels,
      [1, 3, 3],
    );
  });

  it("rises when funding and open interest agree on a crowded side", () => {
    const crowd = { ...used(500n), longs: 600n, shorts: 400n, fundingRate: 1_000_000n };
    assert.equal(play([[0n, crowd]]).risk.wanted, 2n);
    for (const alone of [{ shorts: 401n }, { fundingRate: -1_000_000n }, { fundingRate: 999_999n }]) {
      assert.equal(play([[0n, { ...crowd, ...alone }]]).risk.wanted, 1n);
    }
    assert.equal(play([[0n, { ...crowd, openInterest: 499n }]]).risk.wanted, 0n, "while the market is not used");
  });
});

describe("what an observation leaves", () => {
  it("counts the liabilities of all markets, until one is settled", () => {
    const exposure = { ...calm, beyondMargin: 2n * USD, freeStake: USD };
    const around = { now: START, otherLiabilities: (3n * USD) / 10n, isRaised: false };
    const { risk } = update(NO_RISK, LIMITS, exposure, around);
    assert.deepEqual([risk.liability, risk.coverage, risk.wanted], [(7n * USD) / 10n, 10_000n, 2n]);
    assert.deepEqual(closed(risk), { ...risk, liability: 0n });
    assert.equal(update(NO_RISK, LIMITS, calm, { ...around, otherLiabilities: 0n }).risk.coverage, SATURATED);
  });

  it("moves funding half-way in a day, toward the rate and never past it", () => {
    const { risk } = play([[0n, calm]]);
    const day = play([[24n * HOUR, { ...calm, fundingRate: 1_000n }]], risk).risk;
    assert.ok(day.funding >> 16n === 500n, `${day.funding}`);
    const rate = fc.bigInt(-40_000_000n, 40_000_000n);
    fc.assert(
      fc.property(rate, rate, fc.bigInt(60n, 200_000n), (first, next, wait) => {
        const before = play([[0n, { ...calm, fundingRate: first }]]).risk;
        const { funding } = play([[wait, { ...calm, fundingRate: next }]], before).risk;
        const [low, high] = first < next ? [first, next] : [next, first];
        return low << 16n <= funding && funding <= high << 16n;
      }),
    );
  });
});
