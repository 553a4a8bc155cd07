/** Utilisation and the premium's curve. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { syncMarket } from "../src/funding.ts";
import { FULL_USE, KINK, premiumRate, utilisation } from "../src/premium.ts";
import { State } from "../src/state.ts";
import { quoteWith, rulesWith } from "./helpers/market.ts";

const PRICE = 200_000_000_000n;

describe("utilisation", () => {
  it("is open interest over its cap, up", () => {
    assert.equal(utilisation(500n, 1_000n), 500_000n);
    assert.equal(utilisation(1n, 3n), 333_334n);
    assert.equal(utilisation(1n, 1n << 47n), 1n);
  });

  it("is full at the cap, above it and without one, and nothing where nothing is open", () => {
    assert.equal(utilisation(1_000n, 1_000n), FULL_USE);
    assert.equal(utilisation(1_001n, 1_000n), FULL_USE);
    assert.equal(utilisation(1n, 0n), FULL_USE);
    assert.equal(utilisation(0n, 0n), 0n);
    assert.equal(utilisation(0n, 1_000n), 0n);
  });

  it("stays within nothing and full use, and never falls as more is open", () => {
    const lots = fc.bigInt(0n, 1n << 48n);
    fc.assert(
      fc.property(lots, lots, lots, (a, b, cap) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        assert.ok(utilisation(less, cap) <= utilisation(more, cap) && utilisation(more, cap) <= FULL_USE);
      }),
    );
  });
});

describe("premiumRate", () => {
  it("rises with use: base at no use, 1.8 times at the kink, 11.8 times at full use", () => {
    assert.equal(premiumRate(25_000n, 0n, 0n), 25_000n);
    assert.equal(premiumRate(25_000n, 400_000n, 0n), 35_000n);
    assert.equal(premiumRate(25_000n, KINK, 0n), 45_000n);
    assert.equal(premiumRate(25_000n, 900_000n, 0n), 170_000n);
    assert.equal(premiumRate(25_000n, FULL_USE, 0n), 295_000n);
  });

  it("bends at the kink: fifty times as steep one step further", () => {
    const base = FULL_USE; // so that a step of use is a step of the rate
    assert.equal(premiumRate(base, KINK, 0n) - premiumRate(base, KINK - 1n, 0n), 1n);
    assert.equal(premiumRate(base, KINK + 1n, 0n) - premiumRate(base, KINK, 0n), 50n);
  });

  it("rounds up, and asks nothing where the base is nothing", () => {
    assert.equal(premiumRate(1n, 1n, 0n), 2n);
    assert.equal(premiumRate(3n, 500_000n, 0n), 5n); // 4.5
    assert.equal(premiumRate(0n, FULL_USE, 0n), 0n);
  });

  it("never falls as more is used", () => {
    const use = fc.bigInt(0n, FULL_USE);
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 24n) - 1n), use, use, (base, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        assert.ok(base <= premiumRate(base, less, 0n) && premiumRate(base, less, 0n) <= premiumRate(base, more, 0n));
      }),
    );
  });
});

describe("the premium of a sync", () => {
  const synced = (openInterest: bigint, openInterestCap: bigint, premiumRate: bigint) => {
    const market = { ...new State().market(0), ...quoteWith(PRICE), openInterest, openInterestCap, syncedAt: 1_000n };
    const inputs = { now: 1_000n + 28_800n, quote: quoteWith(PRICE), inventoryLots: 0n, openInterest };
    return syncMarket(market, rulesWith({ premiumRate, interestRate: 0n }), inputs).premium;
  };

  it("is that of the cap before it, of both sides", () => {
    assert.equal(synced(80n, 100n, 25_000n), (2n * 80n * PRICE * 45_000n) / 10n ** 9n);
    assert.equal(synced(80n, 0n, 25_000n), (2n * 80n * PRICE * 295_000n) / 10n ** 9n);
  });
});
