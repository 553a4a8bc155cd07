/** Margin ratios, the open-interest scale and the health walk. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  healthOf,
  initialRatio,
  maintenanceRatio,
  marginOf,
  openInterestScale,
  valuationPrice,
} from "../src/margin.ts";
import { ceilDiv, floorDiv, mulDivCeil, mulDivFloor } from "../src/math.ts";
import { State } from "../src/state.ts";
import { Valuation } from "../src/types.ts";
import { ONE, usd } from "../src/units.ts";
import { paramsWith, quoteWith } from "./helpers/market.ts";

const notional = fc.bigInt(0n, usd(1_000_000_000n));

describe("math", () => {
  it("rounds negative quotients to the named side", () => {
    assert.deepEqual(
      [floorDiv(-7n, 2n), ceilDiv(-7n, 2n), mulDivFloor(-1n, 1n, 3n), mulDivCeil(-1n, 1n, 3n)],
      [-4n, -3n, -1n, 0n],
    );
  });

  it("keeps floor <= exact <= ceil, at most one apart", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 200n), max: 1n << 200n }), fc.bigInt(1n, 1n << 90n), (a, d) => {
        const [low, high] = [floorDiv(a, d), ceilDiv(a, d)];
        return low * d <= a && a <= high * d && high - low === (a % d === 0n ? 0n : 1n);
      }),
    );
  });
});

describe("margin", () => {
  const params = paramsWith({ initialBps: 1_000n, maintenanceBps: 500n, rampNotional: 50_000_000n });

  it("grows both ratios with the position, maintenance at 60 % of the slope", () => {
    assert.equal(initialRatio(params, 0n), ONE / 10n);
    assert.equal(initialRatio(params, usd(5_000_000)), ONE / 5n); // 5 of 50 million: 10 % more
    assert.equal(maintenanceRatio(params, 0n), ONE / 20n);
    assert.equal(maintenanceRatio(params, usd(5_000_000)), (11n * ONE) / 100n);
    assert.equal(initialRatio(params, usd(500_000_000)), ONE);
  });

  it("scales initial margin from 40 % of the cap to all of the notional at the cap", () => {
    assert.equal(openInterestScale(400n, 1_000n), 0n);
    assert.equal(openInterestScale(700n, 1_000n), ONE / 2n);
    assert.equal(openInterestScale(1_000n, 1_000n), ONE);
    assert.equal(openInterestScale(5_000n, 1_000n), ONE);
    assert.equal(openInterestScale(0n, 0n), ONE);
    assert.equal(marginOf(params, usd(100), ONE).initial, usd(100));
  });

  it("never falls when the position grows, and keeps maintenance below initial", () => {
    fc.assert(
      fc.property(notional, notional, fc.bigInt(0n, ONE), (a, b, scale) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        const [small, large] = [marginOf(params, less, scale), marginOf(params, more, scale)];
        return (
          small.initial <= large.initial && small.maintenance <= large.maintenance && large.maintenance <= large.initial
        );
      }),
    );
  });

  it("counts a profit only up to the position's own initial margin", () => {
    const market = { ...new State().market(0), ...quoteWith(100n), openInterestCap: 1_000n };
    const exposure = { market, params, position: { lots: 1_000n, quote: -20_000n } }; // bought at 20, worth 100
    const health = healthOf(0n, [exposure], Valuation.MARK);
    assert.equal(health.equity, 80_000n);
    assert.equal(health.initial, 10_001n); // 100,000 u at 10 %, and 1 u for the ramp
    assert.equal(health.capped, health.initial);
    assert.equal(healthOf(-10_000n, [exposure], Valuation.MARK).capped, 1n);
  });

  it("values both sides no better at the unfavourable edge than at the mark, at most the edge better at the favourable", () => {
    const market = { ...new State().market(0), ...quoteWith(1_000_003n, { edgeBps: 30n }) };
    const long = (valuation: Valuation) => valuationPrice(market, 1n, valuation);
    const short = (valuation: Valuation) => valuationPrice(market, -1n, valuation);
    assert.deepEqual([long(Valuation.FAVOURABLE), short(Valuation.FAVOURABLE)], [1_003_003n, 997_003n]);
    assert.ok(long(Valuation.UNFAVOURABLE) < long(Valuation.MARK));
    assert.ok(short(Valuation.UNFAVOURABLE) > short(Valuation.MARK));
  });
});
