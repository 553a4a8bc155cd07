/** Prices of a live market: a quiet walk, replays that begin where the price is, commands. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPrices, type Print, TICK } from "../src/live/prices.ts";
import { newsOf } from "../src/live/watch.ts";
import { EMPTY, NOTHING } from "../src/tally.ts";

const take = (count: number, next: () => Print): Print[] => Array.from({ length: count }, next);

describe("live prices", () => {
  it("walk quietly as time passes", () => {
    const hour = take(3_600, createPrices(1).next);
    assert.ok(hour.every(({ seconds }) => seconds === TICK));
    assert.ok(hour.every(({ factor }) => factor > 0.97 && factor < 1.03));
    assert.ok(new Set(hour.map(({ factor }) => factor)).size > 3_000);
  });

  it("repeat with a seed and differ with another", () => {
    assert.deepEqual(take(50, createPrices(7).next), take(50, createPrices(7).next));
    assert.notDeepEqual(take(50, createPrices(7).next), take(50, createPrices(8).next));
  });

  it("crash from where they are, a minute a print, and are calm afterwards", () => {
    const prices = createPrices(1);
    prices.obey("price 0.5");
    assert.deepEqual(prices.next(), { factor: 0.5, seconds: 60 });
    assert.match(prices.obey("crash"), /^eth-2020-03-12, 240 minutes/);
    const crash = take(240, prices.next);
    assert.equal(crash[0]?.factor, 0.5);
    assert.ok(crash.every(({ seconds }) => seconds === 60));
    const least = Math.min(...crash.map(({ factor }) => factor));
    assert.ok(least < 0.375, `${least} is no crash`);
    assert.equal(prices.next().seconds, TICK);
  });

  it("are calm at once when told so", () => {
    const prices = createPrices(1);
    prices.obey("replay eth-2021-05-19");
    take(5, prices.next);
    prices.obey("calm");
    assert.equal(prices.next().seconds, TICK);
  });

  for (const command of [
    "",
    "panic",
    "crash now",
    "replay",
    "replay eth-1999",
    "price",
    "price 0",
    "price x",
    "price 1e9",
  ])
    it(`refuse "${command}" and go on as before`, () => {
      const [prices, other] = [createPrices(1), createPrices(1)];
      assert.throws(() => prices.obey(command), {
        name: "RangeError",
        message: /is no command; there are calm, crash/,
      });
      assert.deepEqual(prices.next(), other.next());
    });
});

describe("news of a live market", () => {
  it("say nothing when nothing happened", () => assert.deepEqual(newsOf(EMPTY, EMPTY), []));

  it("tell each layer of what was absorbed since the last look", () => {
    const usd = (amount: bigint) => amount * 10n ** 12n;
    const before = { ...EMPTY, byInventory: { ...NOTHING, shortfall: usd(5n), bucket: usd(5n) } };
    const layers = { shortfall: usd(30n), bucket: usd(10n), pool: usd(15n), lossShare: usd(4n), deficit: usd(1n) };
    const after = { ...before, takeovers: 2, insolvent: 1, byLiquidation: layers };
    assert.deepEqual(newsOf(before, after), [
      "2 taken over for 0, 1 of them below zero",
      "SHORTFALL 30.00 absorbed: bucket 10.00, pools 15.00, winners 4.00, deficit 1.00",
    ]);
  });
});
