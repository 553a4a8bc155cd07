import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chart, compact, escapeHtml, ticksOf } from "../src/charts.ts";
import type { DrillResult } from "../src/drill.ts";
import { EPISODES } from "../src/episodes.ts";
import { createProgress } from "../src/progress.ts";
import { report } from "../src/report.ts";
import type { Outcome } from "../src/run.ts";
import { DEFAULTS } from "../src/settings.ts";
import { haircut, json, text } from "../src/summary.ts";
import { EMPTY, NOTHING } from "../src/tally.ts";
import { dollars, USD } from "../src/units.ts";

const layers = { shortfall: 10n * USD + 3n, bucket: 2n * USD, pool: 4n * USD, lossShare: USD, deficit: 3n * USD + 3n };
const overview: Outcome["start"] = {
  price: 19_461_000_000n,
  indexLong: 0n,
  indexShort: 0n,
  openInterest: 1_000n,
  cap: 10_000n,
  level: 0,
  bucket: 0n,
  deficit: 0n,
  internalBalance: 97_000_000n,
  tokenBalance: 97_000_000n,
  tokenUnit: 10n ** 6n,
  held: 0n,
  holds: 500n,
  poolAssets: 1_000n * USD,
  juniorAssets: 200n * USD,
  sharePrice: USD,
  juniorSharePrice: USD,
};
const takers = { curve: 61n * USD, bands: 62n * USD, keeper: 63n * USD, takeover: 64n * USD };
const sample = (offset: number): Outcome["samples"][number] => ({
  offset,
  price: overview.price + BigInt(offset),
  openInterest: 100n * USD,
  level: offset === 300 ? 2 : 0,
  poolAssets: 1_000n * USD,
  juniorAssets: 200n * USD,
  inventoryEquity: -5n * USD,
  paid: offset === 0 ? NOTHING : layers,
  taken: offset === 0 ? EMPTY.taken : takers,
});
const outcome: Outcome = {
  samples: [sample(0), sample(300), sample(600)],
  tally: {
    ...EMPTY,
    liquidations: 4,
    takeovers: 2,
    insolvent: 1,
    byJunior: 3n * USD,
    bySenior: USD,
    byLiquidation: layers,
    taken: takers,
  },
  accounts: 9,
  opened: 190,
  start: overview,
  end: { ...overview, deficit: 3n * USD, poolAssets: 995n * USD, sharePrice: (995n * USD) / 1_000n },
  inventory: { lots: 12_345n, equity: -5n * USD },
  curve: { provided: 71n * USD, lots: -7_200n, equity: 73n * USD },
  closing: { accountsLeft: 0, closed: 7, end: { ...overview, openInterest: 0n, deficit: 3n * USD } },
  checks: 16,
  failures: [],
};
const result: DrillResult = {
  settings: DEFAULTS,
  episode: EPISODES["eth-2020-03-12"],
  with: outcome,
  without: { ...outcome },
  durationMs: 1_234,
};
const failed: DrillResult = {
  ...result,
  without: { ...outcome, failures: [{ id: "I2", step: 7, message: "1 is not <2> u" }] },
};

describe("dollars", () => {
  it("groups, cuts and keeps the sign", () => {
    assert.equal(dollars(1_234_567n * USD + 999_999_999_999n), "1,234,567.99");
    assert.equal(dollars(-1n, 12), "-0.000000000001");
    assert.equal(dollars(999n * USD, 0), "999");
  });
});

describe("chart", () => {
  it("puts ticks on round numbers that enclose the values", () => {
    for (const [low, high] of [
      [86, 195.55],
      [0, 336_109],
      [-5, 5],
      [7, 7],
      [0, 0],
    ] as const) {
      const ticks = ticksOf(low, high);
      assert.ok((ticks[0] ?? Number.NaN) <= low && (ticks.at(-1) ?? Number.NaN) >= high, `${low} to ${high}: ${ticks}`);
      assert.ok(ticks.length >= 2 && ticks.length <= 8, `${ticks}`);
    }
  });

  it("keeps every point of every shape on the canvas", () => {
    const values = [5, 1, 3];
    const series = [
      { name: "a", values, colour: "--blue" },
      { name: "b", values, colour: "--red" },
    ];
    for (const stacked of [true, false]) {
      const svg = chart({ title: "t", hours: 48, stacked, series });
      const points = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, list]) => (list ?? "").split(" "));
      assert.equal(points.length, stacked ? 12 : 6);
      for (const point of points) {
        const [x = Number.NaN, y = Number.NaN] = point.split(",").map(Number);
        assert.ok(x >= 64 && x <= 746 && y >= 12 && y <= 234, point);
      }
    }
  });

  it("stacks: the last band ends at the sum", () => {
    const svg = chart({
      title: "t",
      hours: 1,
      stacked: true,
      series: [
        { name: "a", values: [0, 6], colour: "--blue" },
        { name: "b", values: [0, 4], colour: "--red" },
      ],
    });
    const [, second] = [...svg.matchAll(/<polygon [^>]*points="([^"]+)"/g)].map(([, list]) => (list ?? "").split(" "));
    assert.deepEqual(second, ["64.0,234.0", "746.0,12.0", `746.0,${(12 + 222 * 0.4).toFixed(1)}`, "64.0,234.0"]);
  });

  it("shortens large numbers and escapes text", () => {
    assert.deepEqual([0, 950, 9_500, 12_500, 2_250_000, -40_000].map(compact), [
      "0",
      "950",
      "9500",
      "12.5k",
      "2.25M",
      "-40k",
    ]);
    assert.equal(escapeHtml(`<a href="x">&`), "&lt;a href=&quot;x&quot;&gt;&amp;");
  });
});

describe("summary", () => {
  it("prints the layers to the last unit", () => {
    const printed = text(result);
    for (const exact of ["10.000000000003", "2.000000000000", "4.000000000000", "1.000000000000", "3.000000000003"])
      assert.ok(printed.includes(exact), `${exact} is missing from\n${printed}`);
    assert.ok(printed.includes("10 of 200 opening trades were refused"));
    assert.ok(printed.includes("2, 1 of 3")); // the highest level and its steps
    for (const taken of ["61.00", "62.00", "63.00", "64.00", "71.00", "73.00", "-0.7200"])
      assert.ok(printed.includes(taken), taken);
    assert.ok(printed.includes("held in all 32 checks"));
  });

  it("prints failures", () => {
    assert.ok(text(failed).includes("1 of 32 checks FAILED:\n  I2 at step 7: 1 is not <2> u"));
  });

  it("gives the layers as strings that sum exactly", () => {
    const object = json(result) as { shortfall: string; paidBy: Record<string, string> };
    const sum = Object.values(object.paidBy).reduce((total, part) => total + BigInt(part), 0n);
    assert.equal(sum, BigInt(object.shortfall));
    assert.deepEqual(JSON.parse(JSON.stringify(object)), object);
  });

  it("takes the haircut from what the ledger holds and lacks", () => {
    assert.equal(haircut(outcome), (97n * 10n ** 18n) / 100n);
    assert.equal(haircut({ ...outcome, end: overview }), 10n ** 18n);
  });
});

describe("report", () => {
  it("is one well-formed page without anything from elsewhere", () => {
    const html = report(result);
    assert.equal((html.match(/<svg /g) ?? []).length, 6);
    for (const tag of ["svg", "figure", "figcaption", "table", "tr", "td", "p", "div", "h2", "span", "text", "body"]) {
      const opened = (html.match(new RegExp(`<${tag}[ >]`, "g")) ?? []).length;
      assert.equal(opened, (html.match(new RegExp(`</${tag}>`, "g")) ?? []).length, tag);
    }
    assert.doesNotMatch(html, /https?:|<script|<link|<img|@import|NaN|undefined|Infinity/);
    assert.match(html, /prefers-color-scheme: dark/);
  });

  it("shows a failed check in its own words, escaped", () => {
    assert.ok(report(failed).includes("I2 at step 7: 1 is not &lt;2&gt; u"));
  });
});

describe("createProgress", () => {
  const written = (isTTY: boolean) => {
    const texts: string[] = [];
    const progress = createProgress({ isTTY, write: (part) => texts.push(part) }, "drill");
    for (let done = 0; done <= 1_000; done += 1) progress(done, 1_000);
    return texts;
  };

  it("writes a line every tenth where there is no terminal", () => {
    const lines = written(false);
    assert.equal(lines.length, 11);
    assert.deepEqual([lines[0], lines[10]], ["drill: 0 %\n", "drill: 100 %\n"]);
  });

  it("draws over itself on a terminal and ends the line", () => {
    const frames = written(true);
    assert.ok(frames.slice(0, -1).every((frame) => frame.startsWith("\rdrill [") && !frame.includes("\n")));
    assert.equal(frames.at(-1), "\n");
  });
});
