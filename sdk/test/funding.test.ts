/** Funding, premium, cap, rate and ramp of a sync. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  accrue,
  FUNDING_DENOMINATOR,
  fundingRate,
  INDEX_BOUND,
  openInterestCap,
  rampedMaintenance,
} from "../src/funding.ts";
import { State } from "../src/state.ts";
import type { Market } from "../src/types.ts";
import { PriceState } from "../src/types.ts";
import { quoteWith, rulesWith } from "./helpers/market.ts";

const PRICE = 200_000_000_000n;
const market = (over: Partial<Market> = {}): Market => ({
  ...new State().market(0),
  ...quoteWith(PRICE),
  fundingRate: 100_000n,
  syncedAt: 1_000n,
  ...over,
});

describe("funding", () => {
  it("charges longs the rate of the notional in eight hours", () => {
    const { funding, premium, remainder } = accrue(market(), 50_000n, 1_000n + 28_800n);
    assert.deepEqual([funding, premium, remainder], [PRICE / 10_000n, PRICE / 20_000n, 0n]);
  });

  it("loses nothing however often it is called: the remainder carries", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(0n, 50_000n), { minLength: 1, maxLength: 30 }),
        fc.bigInt(-7_500_000n, 7_500_000n),
        fc.bigInt(1n, 1n << 50n),
        (steps, rate, price) => {
          const start = market({ fundingRate: rate, price });
          const total = steps.reduce((a, b) => a + b, 0n);
          let at = start;
          for (const step of steps) {
            const { funding, remainder } = accrue(at, 0n, at.syncedAt + step);
            assert.ok(remainder >= 0n && remainder < FUNDING_DENOMINATOR);
            at = {
              ...at,
              indexLong: at.indexLong + funding,
              fundingRemainder: remainder,
              syncedAt: at.syncedAt + step,
            };
          }
          const once = accrue(start, 0n, start.syncedAt + total);
          assert.deepEqual([at.indexLong, at.fundingRemainder], [once.funding, once.remainder]);
        },
      ),
    );
  });

  it("stops at the end of the price's life, and while the price is not OK", () => {
    assert.equal(accrue(market({ validUntil: 1_100n }), 0n, 9_000n).remainder, accrue(market(), 0n, 1_100n).remainder);
    assert.equal(accrue(market({ validUntil: 500n }), 1n << 23n, 9_000n).funding, 0n);
    assert.equal(accrue(market({ state: PriceState.STALE }), 1n << 23n, 90_000n).premium, 0n);
  });

  it("stands still rather than leave the range of the index", () => {
    const at = market({ indexLong: INDEX_BOUND - 1n, fundingRemainder: 7n });
    assert.deepEqual(accrue(at, 0n, 100_000n), { funding: 0n, premium: 0n, remainder: 7n, premiumRemainder: 0n });
  });
});

describe("rules of a sync", () => {
  it("caps open interest by what the free stake could absorb", () => {
    // 1,000,000 USD, 40 % of it, a shock 25 % beyond maintenance: 1.6 million USD of notional
    assert.equal(openInterestCap(rulesWith(), 500n, 10n ** 18n, PRICE), (16n * 10n ** 17n) / PRICE);
    assert.equal(openInterestCap(rulesWith(), 500n, 0n, PRICE), 0n);
    assert.equal(openInterestCap(rulesWith(), 500n, 1n << 120n, 1n), 1n << 47n);
  });

  it("lowers the rate by the inventory's share of the longs, raises it by that of the shorts", () => {
    const rules = rulesWith({ interestRate: 100n, skewFactor: 1_000n, fundingCap: 700n });
    assert.equal(fundingRate(rules, 0n, 0n), 100n);
    assert.equal(fundingRate(rules, 1n, 3n), -233n);
    assert.equal(fundingRate(rules, -1n, 3n), 433n); // toward zero on both sides
    assert.equal(fundingRate(rules, -3n, 3n), 700n);
  });

  it("raises maintenance margin by 1 bps in six minutes and lowers it at once", () => {
    const ramp = { maintenanceFromBps: 500n, maintenanceTargetBps: 600n, rampStartedAt: 1_000n };
    assert.equal(rampedMaintenance(ramp, 1_000n), 500n);
    assert.equal(rampedMaintenance(ramp, 1_000n + 719n), 501n);
    assert.equal(rampedMaintenance(ramp, 1n << 31n), 600n);
    assert.equal(rampedMaintenance({ ...ramp, maintenanceTargetBps: 400n }, 1_000n), 400n);
  });
});
