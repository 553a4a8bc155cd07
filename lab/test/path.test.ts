import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPISODE_NAMES, EPISODES, parseBars, parsePrice } from "../src/episodes.ts";
import { along, STEP_SECONDS, STEPS_PER_BAR, stepsOf } from "../src/path.ts";

const ascending = (a: bigint, b: bigint) => (a < b ? -1 : 1);
const SEEDS = [0, 1, 2, 99, 2 ** 32 - 1];

describe("episodes", () => {
  it("cover 48 hours each", () => {
    for (const name of EPISODE_NAMES) assert.equal(EPISODES[name].bars.length, 48);
  });

  it("hold the extremes that the sources report", () => {
    const lows = EPISODE_NAMES.map((name) => EPISODES[name].bars.map(({ low }) => low).sort(ascending)[0]);
    assert.deepEqual(lows, [parsePrice("86"), parsePrice("1888")]);
    assert.equal(EPISODES["eth-2020-03-12"].bars[0]?.open, 19_461_000_000n);
    assert.equal(EPISODES["eth-2021-05-19"].bars[47]?.close, 276_862_000_000n);
  });

  it("read prices exactly", () => {
    assert.equal(parsePrice("193.3"), 19_330_000_000n);
    assert.equal(parsePrice("0.00000001"), 1n);
    for (const bad of ["", "1.123456789", "-1", "1e3", "1,000"]) assert.throws(() => parsePrice(bad), RangeError);
  });

  it("refuse a bar that leaves its own range or lacks a price", () => {
    assert.throws(() => parseBars("10 11 9 12"), /leaves its own low and high/);
    assert.throws(() => parseBars("10 11 9"), /has not four prices/);
    assert.throws(() => parseBars("10 11 9 10 10"), /has not four prices/);
  });
});

describe("stepsOf", () => {
  for (const name of EPISODE_NAMES) {
    const { bars } = EPISODES[name];

    it(`reaches open, low, high and close of every hour and nothing beyond: ${name}`, () => {
      for (const seed of SEEDS) {
        const steps = stepsOf(bars, seed);
        assert.equal(steps.length, bars.length * STEPS_PER_BAR);
        bars.forEach((bar, hour) => {
          const prices = steps.slice(hour * STEPS_PER_BAR, (hour + 1) * STEPS_PER_BAR).map(({ price }) => price);
          assert.equal(prices[0], bar.open);
          assert.equal(prices.at(-1), bar.close);
          assert.ok(prices.includes(bar.low) && prices.includes(bar.high), `hour ${hour}, seed ${seed}`);
          assert.ok(
            prices.every((price) => price >= bar.low && price <= bar.high),
            `hour ${hour}, seed ${seed}`,
          );
        });
      }
    });
  }

  it("falls first in a falling hour and rises first in a rising one", () => {
    const [falling, rising] = parseBars("100 110 50 90\n90 130 80 120");
    assert.ok(falling !== undefined && rising !== undefined);
    for (const seed of SEEDS) {
      const down = stepsOf([falling], seed).map(({ price }) => price);
      const up = stepsOf([rising], seed).map(({ price }) => price);
      assert.ok(down.indexOf(falling.low) < down.indexOf(falling.high));
      assert.ok(up.indexOf(rising.high) < up.indexOf(rising.low));
    }
  });

  it("is the same for the same seed and another for another", () => {
    const { bars } = EPISODES["eth-2020-03-12"];
    assert.deepEqual(stepsOf(bars, 5), stepsOf(bars, 5));
    assert.notDeepEqual(stepsOf(bars, 5), stepsOf(bars, 6));
  });

  it("dates the steps evenly", () => {
    const offsets = stepsOf(EPISODES["eth-2020-03-12"].bars, 1).map(({ offset }) => offset);
    assert.deepEqual(
      offsets,
      offsets.map((_, i) => i * STEP_SECONDS),
    );
    assert.equal(STEPS_PER_BAR * STEP_SECONDS, 3_600);
  });
});

describe("along", () => {
  const { bars } = EPISODES["eth-2020-03-12"];
  const first = bars[0]?.open ?? 0n;

  it("plays the bars backwards in time, and twice is forward", () => {
    const back = along("reversed", bars);
    assert.equal(back[0]?.open, bars.at(-1)?.close);
    assert.equal(back.at(-1)?.close, first);
    assert.deepEqual(along("reversed", back), along("forward", bars));
  });

  it("turns falls into rises of the same factor, and bars still enclose their prices", () => {
    const turned = along("inverted", bars);
    assert.equal(turned[0]?.open, first);
    for (const [i, { open, high, low, close }] of turned.entries()) {
      assert.ok(low <= open && low <= close && open <= high && close <= high);
      assert.equal(high, (first * first) / (bars[i]?.low ?? 1n));
    }
  });
});
