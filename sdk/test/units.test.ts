/** Units, account ids and how amounts are written. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineError } from "../src/errors.ts";
import {
  accountId,
  formatLots,
  formatPrice,
  formatU,
  isSystem,
  lotsFrom,
  ownerOf,
  priceFrom,
  tokenUnit,
  uFrom,
} from "../src/units.ts";

describe("units", () => {
  it("counts u in a token unit and refuses 18 decimals", () => {
    assert.deepEqual([6, 8, 12].map(tokenUnit), [1_000_000n, 10_000n, 1n]);
    const refused = (error: unknown) => error instanceof EngineError && error.message === "DecimalsUnsupported(18, 12)";
    assert.throws(() => tokenUnit(18), refused);
  });

  it("makes a lot of 1e-4 coin cost the answer of an 8-decimals feed", () => {
    assert.equal(priceFrom("2000.12345678", 4), 200_012_345_678n);
    assert.equal(lotsFrom("1.5", 4), 15_000n);
    assert.throws(() => lotsFrom("0.00001", 4), RangeError);
    assert.throws(() => lotsFrom("1e4", 4), RangeError);
  });

  it("writes amounts toward zero and without a negative zero", () => {
    assert.equal(formatU(uFrom("-1234567.899")), "-1,234,567.89");
    assert.equal(formatU(-1n), "0.00");
    assert.equal(formatU(uFrom("0.05"), 1), "0.0");
    assert.equal(formatPrice(200_012_345_678n, 4), "2,000.12");
    assert.equal(formatLots(-15_000n, 4), "-1.5000");
  });

  it("packs owner and sub-account", () => {
    const id = accountId(0xabcn, 7n);
    assert.equal(id, (0xabcn << 96n) + 7n);
    assert.equal(ownerOf(id), 0xabcn);
    assert.deepEqual([isSystem(2n), isSystem(id)], [true, false]);
    assert.throws(() => accountId(1n << 160n, 0n), RangeError);
  });
});
