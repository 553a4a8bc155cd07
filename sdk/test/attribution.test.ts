/** Fills of one transaction go to the liquidation or takeover that they are of, by the order of the logs alone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Contradiction, type FilledLots, fillsOfLiquidation, fillsOfTakeover } from "../src/attribution.ts";

const [ALICE, BOB, CURVE] = [1n << 96n, 2n << 96n, 3n << 96n];

const fill = (market: number, seller: bigint, buyer: bigint, lots: bigint, fee = 0n): FilledLots => ({
  ...{ market, buyer, seller, lots, buyerFee: 0n, sellerFee: fee },
});
/** Of a trade before it, through curve and bands. */
const traded = [fill(0, ALICE, CURVE, 7n, 1n), fill(0, ALICE, 0n, 3n, 1n)];

describe("fills of a liquidation", () => {
  it("are the last ones for as many lots, in however many parts", () => {
    const own = [fill(0, ALICE, CURVE, 5n, 1n), fill(0, ALICE, 0n, 4n)];
    assert.deepEqual(fillsOfLiquidation([...traded, ...own], { account: ALICE, market: 0, lots: 9n }), own);
    assert.deepEqual(
      fillsOfLiquidation([...traded, ...own.slice(1)], { account: ALICE, market: 0, lots: 4n }),
      own.slice(1),
    );
  });

  it("are nobody else's and of no other market", () => {
    const of = (fills: FilledLots[]) => () => fillsOfLiquidation(fills, { account: ALICE, market: 0, lots: 5n });
    assert.throws(of([fill(0, BOB, CURVE, 5n)]), Contradiction);
    assert.throws(of([fill(1, ALICE, CURVE, 5n)]), Contradiction);
    assert.throws(of([fill(0, ALICE, CURVE, 5n), fill(0, BOB, CURVE, 1n)]), Contradiction);
    assert.throws(of([fill(0, ALICE, CURVE, 4n)]), /lacks 1 of its fills/);
    assert.throws(of([fill(0, ALICE, CURVE, 6n)]), /lacks 5 of its fills/);
  });
});

describe("fills of a takeover", () => {
  it("are the last run of free fills with the inventories, lowest market first", () => {
    const own = [fill(1, ALICE, 1n, 5n), fill(4, 4n, ALICE, 2n)];
    assert.deepEqual(fillsOfTakeover([...traded, ...own], ALICE), own);
    assert.deepEqual(fillsOfTakeover([fill(0, BOB, 0n, 9n), ...own], ALICE), own);
  });

  it("begin anew where an earlier one ends", () => {
    const own = [fill(0, ALICE, 0n, 5n), fill(1, ALICE, 1n, 5n)];
    assert.deepEqual(fillsOfTakeover([fill(1, ALICE, 1n, 9n), ...own], ALICE), own);
  });

  it("are there", () => {
    assert.throws(() => fillsOfTakeover(traded, ALICE), Contradiction);
    assert.throws(() => fillsOfTakeover([fill(0, BOB, 0n, 9n)], ALICE), /without a position/);
  });
});
