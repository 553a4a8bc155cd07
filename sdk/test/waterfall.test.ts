/** The split of a shortfall, its layers, and the haircut. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ceilDiv, max, min } from "../src/math.ts";
import { ONE } from "../src/units.ts";
import type { Leg } from "../src/waterfall.ts";
import { cover, haircut, partsOf, split, weights } from "../src/waterfall.ts";

const leg = (over: Partial<Leg>): Leg => ({
  market: 0,
  lots: 10n,
  price: 100n,
  slow: 100n,
  ratio: ONE / 20n,
  maintenance: 50n,
  ...over,
});
const LOTS = 1_000_003n;
const sum = (xs: readonly bigint[]) => xs.reduce((a, b) => a + b, 0n);

describe("waterfall", () => {
  it("weighs adverse moves beyond maintenance margin, and within it", () => {
    assert.deepEqual(weights(leg({ price: 80n })), { beyond: 150n, within: 50n });
    assert.deepEqual(weights(leg({ lots: -10n, price: 80n })), { beyond: 0n, within: 0n });
    assert.deepEqual(weights(leg({ lots: -10n, price: 103n })), { beyond: 0n, within: 30n });
  });

  it("puts on a market at most what its move explains, and the rest by maintenance margin", () => {
    const fallen = leg({ price: 80n }); // 150 beyond, 50 within
    const calm = leg({ price: 103n, maintenance: 30n });
    const nudged = leg({ price: 96n, maintenance: 20n }); // 40 within
    assert.deepEqual(partsOf(100n, [fallen, calm, nudged]), [100n, 0n, 0n]);
    assert.deepEqual(partsOf(150n + 18n, [fallen, calm, nudged]), [150n + 10n, 0n, 8n]);
    assert.deepEqual(partsOf(150n + 90n + 100n, [fallen, calm, nudged]), [200n + 50n, 30n, 40n + 20n]);
  });

  it("splits a shortfall over the weights to the last unit", () => {
    assert.deepEqual(split(100n, [1n, 1n, 1n, 0n]), [33n, 33n, 34n, 0n]);
    fc.assert(
      fc.property(
        fc.bigInt(1n, 1n << 120n),
        fc.array(fc.oneof(fc.constant(0n), fc.bigInt(0n, 1n << 110n)), { minLength: 1, maxLength: 8 }),
        (shortfall, ws) => {
          fc.pre(sum(ws) > 0n);
          const parts = split(shortfall, ws);
          return sum(parts) === shortfall && parts.every((part, i) => part >= 0n && (part === 0n || ws[i] !== 0n));
        },
      ),
    );
  });

  it("makes the layers of a market sum to its part, and gives the excess of the last token unit away", () => {
    const unit = fc.constantFrom(1n, 10_000n, 1_000_000n);
    fc.assert(
      fc.property(
        fc.bigInt(0n, 1n << 90n),
        fc.bigInt(0n, 1n << 90n),
        fc.bigInt(0n, 1n << 90n),
        fc.bigInt(0n, 1n << 90n),
        unit,
        (shortfall, bucket, pool, winners, tokenUnit) => {
          let [asked, shared] = [0n, 0n];
          const layers = cover(shortfall, bucket, tokenUnit, {
            absorb: (requested) => {
              asked = requested;
              return min(requested, pool);
            },
            share: (needed) => {
              shared = min(ceilDiv(needed, LOTS) * LOTS, winners); // whole units a lot
              return shared;
            },
          });
          assert.equal(layers.byBucket + layers.byPool + layers.byShare + layers.toDeficit, shortfall);
          assert.equal(layers.byPool + layers.byShare + layers.excess, layers.tokens * tokenUnit + shared);
          assert.ok(layers.excess < max(tokenUnit, LOTS) && layers.byBucket <= bucket && layers.tokens <= asked);
          if (shared > 0n) assert.equal(layers.byPool, layers.tokens * tokenUnit, "winners were asked before the pool");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("haircut", () => {
  const amounts = fc.array(fc.bigInt(1n, 1n << 50n), { minLength: 1, maxLength: 20 });

  it("never lowers h for those who stay: B' / (B' + Z') >= B / (B + Z) after every withdrawal", () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 1n << 60n),
        fc.bigInt(1n, 1n << 80n),
        fc.constantFrom(1n, 10_000n, 1_000_000n),
        amounts,
        (tokens, deficits, tokenUnit, xs) => {
          let [held, short] = [tokens * tokenUnit, deficits];
          for (const x of xs) {
            if (x * tokenUnit > held + short) continue; // more than everybody's claims together
            const { paid, withheld } = haircut(x, held, short, tokenUnit);
            const [heldAfter, shortAfter] = [held - paid * tokenUnit, short - withheld];
            assert.ok(heldAfter >= 0n && shortAfter >= 0n);
            assert.ok(heldAfter * (held + short) >= held * (heldAfter + shortAfter), "h fell");
            [held, short] = [heldAfter, shortAfter];
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("gains nothing by splitting a withdrawal", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 1n << 40n), fc.bigInt(1n, 1n << 40n), fc.bigInt(1n, 1n << 60n), (x, y, deficits) => {
        const held = 1n << 62n;
        const whole = haircut(x + y, held, deficits, 1n);
        const first = haircut(x, held, deficits, 1n);
        const second = haircut(y, held - first.paid, deficits - first.withheld, 1n);
        return first.paid + second.paid <= whole.paid + 1n;
      }),
    );
  });

  it("pays in full while nothing is missing", () => {
    assert.deepEqual(haircut(123n, 1n, 0n, 1n), { paid: 123n, withheld: 0n });
  });
});
