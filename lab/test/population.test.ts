import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COHORTS, LONG_SHARE, MAKERS, populate } from "../src/population.ts";

const PRICE = 19_461_000_000n; // {u/lot} $194.61
const { traders, makers } = populate(1, 200, PRICE);

describe("populate", () => {
  it("is the same for the same seed and another for another", () => {
    assert.deepEqual(populate(1, 50, PRICE), populate(1, 50, PRICE));
    assert.notDeepEqual(populate(1, 50, PRICE), populate(2, 50, PRICE));
  });

  it("puts the stated share on the long side and somebody on each", () => {
    assert.equal(traders.filter(({ side }) => side === "long").length, 200 * LONG_SHARE);
    assert.deepEqual(
      populate(1, 2, PRICE)
        .traders.map(({ side }) => side)
        .sort(),
      ["long", "short"],
    );
  });

  it("spreads leverage over all cohorts and never beyond", () => {
    for (const { leverage } of COHORTS) {
      const [least, most] = leverage;
      assert.ok(traders.some((trader) => trader.leverage >= least && trader.leverage < most));
    }
    const least = Math.min(...COHORTS.map(({ leverage }) => leverage[0]));
    const most = Math.max(...COHORTS.map(({ leverage }) => leverage[1]));
    assert.ok(traders.every(({ leverage }) => leverage >= least && leverage < most));
    assert.equal(
      COHORTS.reduce((sum, { percent }) => sum + percent, 0),
      100,
    );
  });

  it("gives each trader the margin of its leverage and not much more", () => {
    for (const { lots, deposit, leverage, name } of traders) {
      const ratio = Number(lots * PRICE) / Number(deposit);
      assert.ok(ratio > leverage * 0.98 && ratio <= leverage, `${name}: ${ratio} of ${leverage}`);
    }
  });

  it("gives every participant a name of its own", () => {
    const names = [...traders, ...makers].map(({ name }) => name);
    assert.equal(new Set(names).size, 200 + MAKERS);
  });

  it("gives the makers capital for what they may have to carry", () => {
    const notional = traders.reduce((sum, { lots }) => sum + lots * PRICE, 0n);
    const capital = makers.reduce((sum, { deposit }) => sum + deposit, 0n);
    assert.ok(3n * capital > notional);
  });
});
