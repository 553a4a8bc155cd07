/** The phase diagram's own arithmetic. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EPISODES } from "../src/episodes.ts";
import { crowd, MODES, reduction } from "../src/phase.ts";
import { wanted } from "../src/phaseArbitrage.ts";
import { isSame, line, type Run, read, table, write } from "../src/phaseFigure.ts";
import { blocksOf, hoursOf, parseBars, published, worstHours } from "../src/phasePath.ts";

const TIERS = { initialBps: 500n, maintenanceBps: 310n, rampNotional: 50_000_000n };
const USD = 10n ** 12n;
const HOUR = 3_600;

describe("phase path", () => {
  const hours = hoursOf(EPISODES["eth-2020-03-12"]);

  it("takes the hours whose low is the furthest below their open", () => {
    const worst = worstHours(hours, 12);
    assert.equal(worst.length, 12);
    assert.ok(worst.some(({ low }) => low === 8_600_000_000));
    assert.equal(worst[0]?.time, Date.parse("2020-03-12T18:00:00Z") / 1_000);
  });

  it("reads recorded bars of a span", () => {
    const csv = "timestamp,open,high,low,close,volume\n0,1,2,0.5,1.5,9\n3600,1.5,3,1,2,9\n7200,2,2,2,2,9\n";
    assert.deepEqual(parseBars(csv, HOUR, 3_600, 7_200), [
      { time: 3_600, seconds: HOUR, open: 1.5e8, high: 3e8, low: 1e8, close: 2e8 },
    ]);
  });

  it("draws a price a block that reaches every extreme and leaves none, again for the same seed", () => {
    const bars = worstHours(hours, 3);
    const points = blocksOf(bars, 7, 12);
    assert.equal(points.length, 3 * 300);
    assert.deepEqual(blocksOf(bars, 7, 12), points);
    assert.notDeepEqual(blocksOf(bars, 8, 12), points);
    for (const [i, bar] of bars.entries()) {
      const prices = points.slice(300 * i, 300 * (i + 1)).map(({ price }) => Number(price));
      assert.equal(prices[0], bar.open);
      assert.ok(Math.abs(Math.min(...prices) - bar.low) <= 1 && Math.abs(Math.max(...prices) - bar.high) <= 1);
    }
  });

  it("publishes what deviates by half a per cent, and after an hour anyway", () => {
    const points = [
      [0, 10_000n],
      [12, 10_049n],
      [24, 10_050n],
      [36, 10_001n],
      [48, 9_999n],
      [48 + HOUR, 9_999n],
    ] as const;
    const told = published(points.map(([offset, price]) => ({ offset, price })));
    assert.deepEqual(
      told.map(({ offset }) => offset),
      [0, 24, 48, 48 + HOUR],
    );
  });
});

describe("phase", () => {
  it("draws the same longs again, within the leverage and the open interest asked for", () => {
    const price = 2_000n * 10n ** 8n;
    const longs = crowd(1, 50, 20_000_000n * USD, price, TIERS);
    assert.deepEqual(crowd(1, 50, 20_000_000n * USD, price, TIERS), longs);
    const notional = longs.reduce((sum, { lots }) => sum + lots * price, 0n);
    assert.ok(notional <= 20_000_000n * USD && notional > 19_999_000n * USD);
    assert.ok(longs.every(({ leverage }) => leverage >= 2 && leverage <= 20));
  });

  it("arbitrages what the fees leave", () => {
    const at = (quote: bigint) => wanted({ base: 1_000_000n, quote: 1_000_000n * quote }, 10_000n, 2_000n);
    assert.equal(at(10_000n).lots, 0n);
    assert.equal(at(10_020n).lots, 0n);
    assert.deepEqual(at(10_100n), { isBuy: false, lots: 3_984n });
    assert.deepEqual(at(9_900n), { isBuy: true, lots: 4_016n });
  });

  it("counts what is less, keeps runs as text, and shows a cell once all its modes are played", () => {
    assert.equal(reduction(200n, 50n), 7_500);
    assert.equal(reduction(0n, 0n), undefined);
    const amounts = {
      ...{ standing: 1n, curveDebt: 3n, inventoryDebt: 4n, stakers: -5n, winners: 6n, bucket: 7n, providers: 8n },
      ...{ viaCurve: 9n, viaBands: 9n, takenOver: 10n, deleveraged: 11n },
    };
    const counts = { liquidations: 4, takeovers: 3, insolvent: 1, highestLevel: 4, failures: 0 };
    const pace = { block: 2, calls: 8 };
    const run = (mode: Run["mode"], badDebt: bigint): Run => ({
      ...{
        episode: "eth-2020-03-12",
        mode,
        setting: "deployed",
        ...pace,
        seed: 1,
        accounts: 2,
        oiOverDepth: 100,
        poolOverOi: 25,
      },
      figures: { ...amounts, ...counts, badDebt },
    });
    const runs = MODES.map(({ name }, i) => run(name, BigInt(4 - i) * 50_000n * USD));

    assert.deepEqual(read(write(runs)), runs);
    assert.equal(write(runs).split("\n").length, runs.length + 3);
    assert.equal(isSame(run("both", 1n), run("both", 2n)), true);
    assert.equal(isSame(run("both", 1n), { ...run("both", 1n), poolOverOi: 50 }), false);
    assert.match(line(run("both", 50_000n * USD)), /both, deployed, 8 calls in 2 s: badDebt 50\.0/);
    const debts = "200.0 (1.00 %) | 150.0 (0.75 %) | 100.0 (0.50 %) | 50.0 (0.25 %) | 75 %";
    assert.ok(table(runs, pace).includes(`| eth-2020-03-12 | 1 | 0.25 | ${debts} |`), table(runs, pace));
    assert.equal(table(runs.slice(1), pace).split("\n").length, 2);
  });
});
