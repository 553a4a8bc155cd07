import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { abi, INVENTORY, MARKET } from "../src/site.ts";
import { count, EMPTY, NOTHING, waterfall } from "../src/tally.ts";

const UNIT = 10n ** 6n; // {u/token}
const absorbed = (byJunior: bigint, bySenior: bigint) => {
  const { topics, data } = abi.stack.encodeEventLog("LossAbsorbed", [0, 0, 10n ** 9n, byJunior, bySenior]);
  return { address: "0x", transactionHash: "0x1", topics, data };
};
const CURVE = 7n << 96n;
const ALICE = 1n << 96n;
const KEEPER = 2n << 96n;
const emitted = (transactionHash: string, name: "Filled" | "Liquidated" | "TakenOver", values: readonly unknown[]) => {
  const { topics, data } = abi.engine.encodeEventLog(name, [...values]);
  return { address: "0x", transactionHash, topics, data };
};
const filled = (transaction: string, buyer: bigint, lots: bigint) =>
  emitted(transaction, "Filled", [MARKET, buyer, ALICE, lots, 10n, 0n, 0n]);
const liquidated = (transaction: string) => emitted(transaction, "Liquidated", [ALICE, MARKET, KEEPER, 1n, 3n]);
const takenOver = (transaction: string) => emitted(transaction, "TakenOver", [ALICE, KEEPER, 5n, 0n]);

describe("count", () => {
  it("adds up what each pool paid, in u", () => {
    const once = count(EMPTY, absorbed(7n, 2n), UNIT, CURVE);
    assert.deepEqual({ ...once, fills: EMPTY.fills }, { ...EMPTY, byJunior: 7n * UNIT, bySenior: 2n * UNIT });
    assert.equal(count(once, absorbed(0n, 3n), UNIT, CURVE).bySenior, 5n * UNIT);
  });

  it("tells who took what was closed by the fills before it in its transaction", () => {
    const logs = [
      filled("0x1", KEEPER, 50n), // somebody's trade
      ...[filled("0x2", CURVE, 3n), filled("0x2", INVENTORY, 4n), liquidated("0x2")],
      ...[filled("0x3", KEEPER, 5n), liquidated("0x3"), filled("0x3", INVENTORY, 6n), takenOver("0x3")],
      filled("0x3", CURVE, 9n), // a trade again
    ];
    const tally = logs.reduce((sum, log) => count(sum, log, UNIT, CURVE), EMPTY);
    assert.deepEqual(tally.taken, { curve: 30n, bands: 40n, keeper: 50n, takeover: 60n });
    assert.equal(tally.liquidations, 2);
    assert.equal(tally.takeovers, 1);
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
