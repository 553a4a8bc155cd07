import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rng } from "../src/rng.ts";

const draws = (seed: number, tag: string, count = 1_000) => {
  const random = rng(seed, tag);
  return Array.from({ length: count }, () => random.next());
};

describe("rng", () => {
  it("repeats a stream for the same seed and tag", () => {
    assert.deepEqual(draws(7, "people"), draws(7, "people"));
  });

  it("gives other streams for other seeds and other tags", () => {
    const streams = [draws(7, "people"), draws(8, "people"), draws(7, "path")].map(([first]) => first);
    assert.equal(new Set(streams).size, 3);
  });

  it("keeps the streams it has given: runs of old seeds stay what they were", () => {
    const random = rng(1, "path");
    assert.deepEqual(
      Array.from({ length: 4 }, () => random.int(0, 999)),
      [43, 222, 999, 779],
    );
  });

  it("draws uniformly from [0, 1)", () => {
    const all = draws(3, "uniform", 20_000);
    const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
    assert.ok(all.every((x) => x >= 0 && x < 1));
    assert.ok(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`); // five standard errors: 0.29 / sqrt(20,000) = 0.002
  });

  it("draws integers that reach both ends", () => {
    const random = rng(3, "int");
    const seen = new Set(Array.from({ length: 200 }, () => random.int(-1, 1)));
    assert.deepEqual([...seen].sort(), [-1, 0, 1]);
  });

  it("draws normals of mean 0 and deviation 1", () => {
    const random = rng(3, "normal");
    const all = Array.from({ length: 20_000 }, () => random.normal());
    const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
    const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
    assert.ok(Math.abs(mean) < 0.04, `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 0.06, `variance ${variance}`);
  });

  it("shuffles without losing an item", () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = rng(3, "shuffle").shuffled(items);
    assert.notDeepEqual(shuffled, items);
    assert.deepEqual(
      [...shuffled].sort((a, b) => a - b),
      items,
    );
  });
});
