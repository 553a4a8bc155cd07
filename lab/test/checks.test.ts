import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { conservation, type Entry, equityOf, type Totals } from "../src/checks.ts";

/** A long and a short of 10 lots opened at 100, now at 90, after funding 3 and a premium of 1 on each side. */
const LONG: Entry = { cash: 500n, lots: 10n, quote: -1_000n };
const SHORT: Entry = { cash: 500n, lots: -10n, quote: 1_000n };
const FEES: Entry = { cash: 20n, lots: 0n, quote: 0n };
const TOTALS: Totals = {
  price: 90n,
  indexLong: 4n,
  indexShort: 2n,
  openInterest: 10n,
  bucket: 7n,
  deficit: 7n,
  internalBalance: 100n,
  tokenBalance: 100n,
  tokenUnit: 10n,
};
const ids = (entries: readonly Entry[], totals: Totals) => conservation(entries, totals, 3).map(({ id }) => id);

describe("equityOf", () => {
  it("values a long and a short at the price less the index of the side", () => {
    assert.equal(equityOf(LONG, TOTALS), 500n - 1_000n + 10n * (90n - 4n));
    assert.equal(equityOf(SHORT, TOTALS), 500n + 1_000n - 10n * (90n - 2n));
  });
});

describe("conservation", () => {
  it("holds for books that add up", () => {
    assert.deepEqual(conservation([LONG, SHORT, FEES], TOTALS, 3), []);
  });

  it("sees one lot too many on a side", () => {
    assert.ok(ids([{ ...LONG, lots: 11n }, SHORT, FEES], TOTALS).includes("I1"));
    assert.ok(ids([LONG, SHORT, FEES], { ...TOTALS, openInterest: 11n }).includes("I1"));
  });

  it("sees one unit made or lost, wherever it is", () => {
    assert.deepEqual(ids([{ ...LONG, cash: 501n }, SHORT, FEES], TOTALS), ["I2", "I3"]);
    assert.deepEqual(ids([LONG, { ...SHORT, quote: 999n }, FEES], TOTALS), ["I2", "I3"]);
    assert.deepEqual(ids([LONG, SHORT, FEES], { ...TOTALS, bucket: 8n }), ["I2", "I3"]);
    assert.deepEqual(ids([LONG, SHORT, FEES], { ...TOTALS, deficit: 6n }), ["I2", "I3"]);
  });

  it("sees a ledger that accounts for more tokens than there are", () => {
    assert.deepEqual(ids([LONG, SHORT, FEES], { ...TOTALS, tokenBalance: 99n }), ["I4"]);
    assert.deepEqual(ids([LONG, SHORT, FEES], { ...TOTALS, tokenBalance: 101n }), []);
  });

  it("says at which step and by how much", () => {
    const [failure] = conservation([LONG, SHORT, FEES], { ...TOTALS, tokenBalance: 99n }, 3);
    assert.deepEqual(failure, { id: "I4", step: 3, message: "99 < 100 token" });
  });
});
