import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { abi } from "../src/site.ts";
import { count, EMPTY, NOTHING, waterfall } from "../src/tally.ts";

const UNIT = 10n ** 6n; // {u/token}
const absorbed = (byJunior: bigint, bySenior: bigint) => {
  const { topics, data } = abi.stack.encodeEventLog("LossAbsorbed", [0, 0, 10n ** 9n, byJunior, bySenior]);
  return { address: "0x", topics, data };
};

describe("count", () => {
  it("adds up what each pool paid, in u", () => {
    const once = count(EMPTY, absorbed(7n, 2n), UNIT);
    assert.deepEqual(once, { ...EMPTY, byJunior: 7n * UNIT, bySenior: 2n * UNIT });
    assert.equal(count(once, absorbed(0n, 3n), UNIT).bySenior, 5n * UNIT);
  });
});

describe("waterfall", () => {
  const tally = {
    ...EMPTY,
    byJunior: 3n,
    bySenior: 2n,
    byLiquidation: { ...NOTHING, shortfall: 9n, bucket: 4n, pool: 5n },
  };

  it("holds when the layers make the shortfall and the pools their layer", () => {
    assert.deepEqual(waterfall(tally, 1), []);
    assert.deepEqual(waterfall({ ...tally, bySenior: 3n }, 1), []); // rounded up to a token unit
  });

  it("sees a layer that nobody paid, and pools that paid less than theirs", () => {
    const uneven = { ...tally, byLiquidation: { ...tally.byLiquidation, bucket: 3n } };
    assert.deepEqual(waterfall(uneven, 1), [{ id: "waterfall", step: 1, message: "3 + 5 + 0 + 0 is not 9 u" }]);
    assert.deepEqual(waterfall({ ...tally, byJunior: 2n }, 1), [
      { id: "waterfall", step: 1, message: "the pools paid 4 u of 5 u" },
    ]);
  });
});
