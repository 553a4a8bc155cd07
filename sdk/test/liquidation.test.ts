/** Size, discount and penalty of a liquidation, and the takeover condition. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { LiquidationTerms } from "../src/liquidation.ts";
import { clockAge, discount, isTakeoverable, limitLots, lotsToClose, penaltyOf } from "../src/liquidation.ts";
import { maintenanceRatio } from "../src/margin.ts";
import { min, mulDivCeil } from "../src/math.ts";
import { ONE } from "../src/units.ts";
import { paramsWith } from "./helpers/market.ts";

/** So large that mm is the same for every size that fits. */
const FLAT = 1n << 120n;
const params = paramsWith({ rampNotional: FLAT, minLots: 1n });

/** An account with one position, under maintenance margin and not below zero. */
const account = fc
  .record({
    price: fc.bigInt(1_000n, 1n << 45n),
    size: fc.bigInt(10n, 1n << 40n),
    equityPpm: fc.bigInt(0n, 999_999n),
    age: fc.bigInt(0n, 600n),
    discountBps: fc.bigInt(0n, 300n),
  })
  .map(({ price, size, equityPpm, ...rest }) => {
    const notional = size * price;
    const ratio = maintenanceRatio(params, notional);
    const maintenance = mulDivCeil(notional, ratio, ONE);
    const terms: LiquidationTerms = {
      equity: (maintenance * equityPpm) / 1_000_000n,
      maintenance,
      notional,
      ratio,
      price,
      size,
      minLots: 1n,
    };
    return { terms, ...rest };
  });

/** At the mark, after k lots: nothing but the penalty changes equity. */
function close(terms: LiquidationTerms, k: bigint, d: bigint) {
  const left = (terms.size - k) * terms.price;
  const maintenance = mulDivCeil(left, maintenanceRatio(params, left), ONE);
  return { equity: terms.equity - penaltyOf(terms, k, d, 0n).penalty, maintenance };
}

describe("liquidation", () => {
  it("closes just enough: health reaches 1.2 within 3 u, and two lots fewer never do", () => {
    fc.assert(
      fc.property(account, ({ terms, discountBps, age }) => {
        const d = discount(terms, discountBps, age);
        const k = lotsToClose(terms, d);
        const after = close(terms, k, d);
        // Penalty and MM' are rounded up, each by less than 1 u: 1 + 1.2 u of equity at most.
        assert.ok(10n * (after.equity + 3n) >= 12n * after.maintenance, `${after.equity} of ${after.maintenance}`);
        if (k < terms.size && k > 2n) {
          const less = close(terms, k - 2n, d);
          assert.ok(10n * less.equity < 12n * less.maintenance, `k - 2 = ${k - 2n} lots would do`);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it("never takes more than the equity, whatever the lots", () => {
    fc.assert(
      fc.property(account, fc.bigInt(1n, 1n << 40n), ({ terms, discountBps, age }, lots) => {
        const k = min(lots, terms.size);
        const { penalty, share } = penaltyOf(terms, k, discount(terms, discountBps, age), 5_000n);
        return penalty >= 0n && penalty <= terms.equity && share >= 0n && share <= penalty;
      }),
      { numRuns: 5_000 },
    );
  });

  it("raises the discount with the clock and with the shortfall, up to half of maintenance margin", () => {
    fc.assert(
      fc.property(account, ({ terms, discountBps, age }) => {
        const d = discount(terms, discountBps, age);
        return (
          d <= terms.ratio / 2n && d * terms.notional <= terms.equity * ONE && discount(terms, discountBps, 90n) >= d
        );
      }),
    );
  });

  it("closes everything rather than leave dust, and obeys a limit that leaves none", () => {
    const terms = { equity: 40n, maintenance: 50n, notional: 1_000n, ratio: ONE / 20n, price: 1n, size: 1_000n };
    const d = discount({ ...terms, minLots: 1n }, 100n, 0n); // 1 % and a fifth of 2.5 %
    assert.equal(d, (15n * ONE) / 1_000n);
    assert.equal(lotsToClose({ ...terms, minLots: 1n }, d), 445n); // 20 / (0.06 - 0.015), up
    assert.equal(lotsToClose({ ...terms, minLots: 556n }, d), 1_000n);
    assert.equal(limitLots(445n, 444n, { size: 1_000n, minLots: 556n }), 444n);
    assert.equal(limitLots(445n, 444n, { size: 1_000n, minLots: 557n }), undefined);
  });

  it("lets the pool take over below zero, below 0.4 MM, after 90 s, or when only dust is left", () => {
    assert.equal(isTakeoverable(-1n, 0n, 0n, false), true);
    assert.equal(isTakeoverable(39n, 100n, 0n, false), true);
    assert.equal(isTakeoverable(40n, 100n, 89n, false), false);
    assert.equal(isTakeoverable(99n, 100n, 90n, false), true);
    assert.equal(isTakeoverable(99n, 100n, 0n, true), true);
    assert.equal(isTakeoverable(100n, 100n, 600n, true), false);
    assert.deepEqual([clockAge(0n, 50n), clockAge(1n, 601n), clockAge(1n, 602n)], [0n, 600n, 0n]);
  });
});
