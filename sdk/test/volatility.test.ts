/** The variance of a market: logarithms and powers against exact ones, weights, forged prints, ranges. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  entry,
  observe,
  parkinson,
  squaredLog,
  step,
  type VolatilityHistory,
  variance,
  volatilityBps,
} from "../src/volatility.ts";

const WAD = 10n ** 18n;
const PRICE = 200_000_000_000n; // {u/lot}
const START = 1_700_000_100n; // {s} starts a bucket
const SIXTY_PERCENT = (36n * WAD) / 100n; // D18{1/year}
const LARGEST = (1n << 62n) - 1n;

/** 60 decimals, for values that are exact as far as anyone here can tell. */
const FINE = 10n ** 60n;

/** ln((1 + z) / (1 - z)) of z = p / q <= 1/3. */
function exactLog(p: bigint, q: bigint): bigint {
  let power = (p * FINE) / q;
  let sum = 0n;
  for (let odd = 1n; power > 0n; odd += 2n) {
    sum += power / odd;
    power = (power * p * p) / (q * q);
  }
  return 2n * sum;
}

const LN2 = exactLog(1n, 3n);

/** e^-x of x < 1, both with 60 decimals. */
function exactExp(x: bigint): bigint {
  let [term, sum] = [FINE, FINE];
  for (let k = 1n; term !== 0n; ++k) {
    term = (-term * x) / (k * FINE);
    sum += term;
  }
  return sum;
}

/** D18{1/year} with 42 decimals more: the average after `minutes` at a constant `rate`, of a half-life of `half` {min}. */
function exactAverage(old: bigint, rate: bigint, minutes: bigint, half: bigint): bigint {
  const weight = exactExp((LN2 * minutes) / half);
  return (old * weight + rate * (FINE - weight)) / (FINE / 10n ** 42n);
}

const begin = (initial = SIXTY_PERCENT) => observe(undefined, PRICE, START, initial).history;
const follow = (history: VolatilityHistory, ...seen: readonly (readonly [price: bigint, time: bigint])[]) =>
  seen.reduce((now, [price, time]) => observe(now, price, time, 0n).history, history);

describe("squaredLog", () => {
  it("is never below the true square, and its root above the true logarithm by at most 2.1e-12 of it + 4e-18", () => {
    const z = fc.oneof(fc.bigInt(0n, WAD / 10n), fc.bigInt(0n, 10n ** 12n), fc.constant(WAD / 10n));
    fc.assert(
      fc.property(z, (tanh) => {
        const exact = exactLog(tanh, WAD); // 60 decimals
        const found = squaredLog(tanh) * (FINE ** 2n / WAD ** 2n);
        const limit = exact + (exact * 21n) / 10n ** 13n + (4n * FINE) / WAD;
        assert.ok(found >= exact ** 2n, "below");
        assert.ok(found <= limit ** 2n || tanh === 0n, "above");
      }),
      { numRuns: 2_000 },
    );
  });

  it("is closer still for a step of a minute: 1.7e-16 of it + 4e-18", () => {
    const exact = exactLog(WAD / 40n, WAD);
    const limit = exact + (exact * 17n) / 10n ** 17n + (4n * FINE) / WAD;
    assert.ok(squaredLog(WAD / 40n) * (FINE ** 2n / WAD ** 2n) <= limit ** 2n);
  });
});

describe("step", () => {
  it("goes all the way up to its bound, and to the bound beyond it", () => {
    assert.deepEqual(step(PRICE, PRICE, 1n), { next: PRICE, z: 0n });
    assert.deepEqual(step(39n, 41n, 1n), { next: 41n, z: WAD / 40n }); // 2 / 80
    assert.deepEqual(step(39_000n, 41_001n, 1n), { next: 41_000n, z: WAD / 40n });
    assert.deepEqual(step(41_000n, 38_999n, 1n), { next: 39_000n, z: WAD / 40n });
    assert.deepEqual(step(900n, 2_000n, 16n), { next: 1_100n, z: WAD / 10n });
    assert.deepEqual(step(900n, 2_000n, 10_000n), { next: 1_100n, z: WAD / 10n });
    assert.deepEqual(step(1n, LARGEST, 1n), { next: 2n, z: WAD / 40n });
  });

  it("is bounded by the root of time: five percent times it, up", () => {
    const { z } = step(PRICE, 2n * PRICE, 3n);
    assert.ok(z * z >= (WAD * WAD * 3n) / 1_600n && (z - 1n) ** 2n < (WAD * WAD * 3n) / 1_600n);
  });
});

describe("observe", () => {
  it("is the exact recursion to 2 units for any minutes at an unchanged price, never below", () => {
    for (let minutes = 1n; minutes <= 60n; ++minutes) {
      const { fast, slow } = follow(begin(), [PRICE, START + 60n * minutes]);
      for (const [found, half] of [
        [fast, 240n],
        [slow, 10_080n],
      ] as const) {
        const exact = exactAverage(SIXTY_PERCENT, 0n, minutes, half);
        const above = found * 10n ** 42n - exact;
        assert.ok(above >= 0n && above < 2n * 10n ** 42n, `${minutes} min, half-life ${half}`);
      }
    }
  });

  it("is the exact recursion of the true logarithm, up, for steps of any size and minutes", () => {
    const [minutes, moved] = [fc.bigInt(1n, 60n), fc.bigInt(-480n, 500n)];
    fc.assert(
      fc.property(minutes, moved, (n, bps) => {
        const price = (PRICE * (10_000n + bps)) / 10_000n;
        const log = exactLog(price > PRICE ? price - PRICE : PRICE - price, price + PRICE);
        const rate = (log * log * 525_600n) / (n * (FINE / 10n ** 9n) ** 2n); // D18
        const { fast } = follow(begin(), [price, START + 60n * n]);
        const exact = exactAverage(SIXTY_PERCENT, rate, n, 240n) / 10n ** 42n;
        assert.ok(fast >= exact, "below");
        assert.ok(fast - exact <= 3_000n, `${fast - exact} above`); // 2 * 0.05 * 1.3e-17 * 525,600 (1 - d) / n < 2e-15
      }),
    );
  });

  it("weighs time alone: by the minute or by the hour, an unchanged price decays by the same", () => {
    const hourly = follow(begin(), [PRICE, START + 3_600n]);
    const calls = Array.from({ length: 361 }, (_, i) => [PRICE, START + 10n * BigInt(i)] as const);
    const often = follow(begin(), ...calls);
    assert.equal(often.observedAt, hourly.observedAt);
    assert.ok(often.fast >= hourly.fast && often.fast - hourly.fast <= 60n);
    assert.ok(often.slow >= hourly.slow && often.slow - hourly.slow <= 60n);
  });

  it("takes a forged print and back for two steps of five percent: 60 % becomes 204 %, then 282 %", () => {
    const there = follow(begin(), [100n * PRICE, START + 60n]);
    const back = follow(there, [PRICE, START + 120n]);
    const percent = (one: bigint) => Math.round(Math.sqrt(Number(one) / 1e18) * 100);
    assert.deepEqual([percent(there.fast), percent(back.fast)], [204, 282]);
    assert.deepEqual([percent(variance(there)), percent(variance(back))], [225, 282]);
    assert.equal(back.price, PRICE);

    const across = follow(begin(), [PRICE, START + 240n], [PRICE / 100n, START + 299n], [PRICE, START + 301n]);
    assert.ok(percent(variance(across)) <= 318);
  });

  it("sees within the minute what the range sees, and nothing else", () => {
    const before = follow(begin(), [PRICE + 5n, START + 60n]);
    const { history, counted } = observe(before, PRICE - 7n, START + 119n, 0n);
    assert.equal(counted, false);
    assert.deepEqual(history, { ...before, low: PRICE - 7n });
    assert.deepEqual(observe(history, PRICE - 7n, START + 119n, 0n).history, history);
  });
});

describe("parkinson", () => {
  it("is 8760 h / (4 ln 2) of the summed squares, up", () => {
    const one = parkinson({ ...begin(), ring: [1n] });
    const exact = (8_760n * 2n * FINE * 10n ** 10n * FINE) / (4n * LN2); // D18 with 60 decimals of 2e-8
    assert.ok(one * FINE >= exact && (one - 1n) * FINE < exact);
  });

  it("holds a bucket for an hour of later ones, and takes a gap for a range", () => {
    const moved = (PRICE * 101n) / 100n;
    const gap = follow(begin(), [moved, START + 7n * 300n]);
    assert.equal(entry(moved, PRICE), 4_951n); // ln^2(1.01) = 0.0000990090
    assert.deepEqual([gap.high, gap.low, entry(gap.high, gap.low)], [moved, PRICE, 4_951n]);
    const kept = follow(gap, [moved, START + 19n * 300n]);
    assert.deepEqual(kept.ring, [...Array<bigint>(11).fill(0n), 4_951n]);
    assert.equal(parkinson(kept), parkinson(gap));
    assert.equal(parkinson(follow(kept, [moved, START + 20n * 300n])), 0n);
    assert.equal(parkinson(follow(kept, [moved, START + 10n ** 9n])), 0n);
  });

  it("is full at a range of twenty percent", () => {
    assert.equal(entry(LARGEST, 1n), 2_000_000n);
    assert.equal(entry(1n, 1n), 0n);
  });
});

describe("volatilityBps", () => {
  it("is the root, down", () => {
    assert.equal(volatilityBps(SIXTY_PERCENT), 6_000n);
    assert.equal(volatilityBps(SIXTY_PERCENT - 1n), 5_999n);
    assert.equal(volatilityBps(0n), 0n);
  });
});
