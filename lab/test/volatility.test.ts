/** What the volatility levels say about the hours after them. Needs optional prices; says so without them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import {
  type Bar,
  chanceAt,
  countByLevel,
  figure,
  fiveMinuteVariances,
  hourlyVariances,
  LEVELS,
  levelOf,
  parseBars,
  tableRow,
  timeAt,
} from "../src/volatility.ts";

const root = path.resolve(import.meta.dirname, "../..");
const data = path.resolve(root, "../shared/data");
const COINS = ["btc", "eth"] as const;
const WAD = 10n ** 18n;
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1_000;

/** An hour a bar from 0 on; low and high are the close unless given. */
const bar = (hour: number, close: bigint, low = close): Bar => ({
  time: BigInt(hour) * 3_600n,
  high: close,
  low,
  close,
});

describe("levels", () => {
  it("are the thresholds that sigma has reached", () => {
    assert.equal(levelOf(0n, LEVELS.btc), 0);
    assert.equal(levelOf((81n * WAD) / 100n - 1n, LEVELS.btc), 0);
    assert.equal(levelOf((81n * WAD) / 100n, LEVELS.btc), 1);
    assert.equal(levelOf((1_225n * WAD) / 100n, LEVELS.btc), 4);
  });

  it("are counted with the falls in the four hours after them, and only there", () => {
    const calm = Array.from({ length: 20 }, (_, hour) => bar(hour, 10_000n));
    const bars = calm.map((one, hour) => (hour === 10 ? bar(hour, 10_000n, 9_500n) : one));
    const counts = countByLevel(bars, [1_000], 5 * 3_600);
    assert.deepEqual(counts, [
      { hours: 11, falls: 4 }, // hours 5 to 15; of them 6 to 9 before the fall
      { hours: 0, falls: 0 },
    ]);
  });

  it("read bars by their opening time", () => {
    const csv = "timestamp,open,high,low,close,volume\n0,1,3,0.5,2,7\n3600,2,2.5,1.25,1.5,7\n7200,9,9,9,9,9\n";
    const second = { time: 3_600n, high: 250_000_000n, low: 125_000_000n, close: 150_000_000n };
    assert.deepEqual(parseBars(csv, 3_600, 7_200), [second]);
  });
});

const isThere = existsSync(data);
if (!isThere) console.log(`volatility levels of 2020 to 2023: skipped, ${data} is not there; the prices are optional`);
const load = (name: string, from: string, to: string): Bar[] =>
  parseBars(readFileSync(path.join(data, name), "utf8"), at(from), at(to));
const measure = (coin: (typeof COINS)[number]) =>
  countByLevel(load(`${coin}_usd_1h.csv`, "2019-12-01", "2024-01-01"), LEVELS[coin], at("2020-01-01"));

describe("levels of 2020 to 2023", () => {
  for (const coin of isThere ? COINS : []) {
    it(`say more the higher they are, and the highest is rare: ${coin}`, () => {
      const counts = measure(coin);
      for (const level of [1, 2, 3, 4])
        assert.ok(chanceAt(counts, level) > chanceAt(counts, level - 1), `level ${level}`);
      assert.ok(chanceAt(counts, 4) >= 15 * chanceAt(counts, 0), "15 times as likely");
      assert.ok(timeAt(counts, 4) < 0.015 && timeAt(counts, 4) > 0, "rare");
      assert.ok(counts.reduce((sum, { hours }) => sum + hours, 0) > 35_000, "four years");
    });

    it(`are from hourly bars what they are from five-minute ones: ${coin}`, () => {
      const hours = load(`${coin}_usd_1h.csv`, "2019-12-01", "2021-07-01");
      const fine = fiveMinuteVariances(load(`${coin}_usd_5m_2021-05_06.csv`, "2021-05-01", "2021-07-01"));
      const differences = hourlyVariances(hours).flatMap((coarse, i) => {
        const end = (hours[i]?.time ?? 0n) + 3_600n;
        const seen = end > at("2021-05-03") ? fine.get(end) : undefined;
        return seen === undefined ? [] : [Math.abs(levelOf(seen, LEVELS[coin]) - levelOf(coarse, LEVELS[coin]))];
      });
      const share = (most: number) => differences.filter((levels) => levels <= most).length / differences.length;
      assert.ok(differences.length > 1_300);
      assert.ok(share(0) > 0.7 && share(1) > 0.99, `${share(0)} the same, ${share(1)} within one`);
    });
  }

  for (const name of isThere ? ["docs/mechanism.md", "docs/figures/volatility.svg"] : []) {
    it(`are what ${name} shows`, () => {
      const [btc, eth] = [measure("btc"), measure("eth")];
      const shown = readFileSync(path.join(root, name), "utf8");
      if (name.endsWith(".svg")) assert.equal(shown, figure(btc, eth));
      else for (const row of [tableRow("BTC", btc), tableRow("ETH", eth)]) assert.ok(shown.includes(row), row);
    });
  }
});
