import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BOUNDS, DEFAULTS, parseEpisode, parseNumber, parsePath, parsePool, TINY } from "../src/settings.ts";

describe("parseNumber", () => {
  it("takes whole numbers within the bounds, both included", () => {
    assert.deepEqual(parseNumber("latency", "0"), { value: 0 });
    assert.deepEqual(parseNumber("latency", "48"), { value: 48 });
  });

  it("says what is wrong with anything else", () => {
    for (const bad of ["", "-1", "49", "1.5", "1e1", "two", "99999999999999999999", " 1"]) {
      assert.deepEqual(parseNumber("latency", bad), {
        error: `--latency must be a whole number from 0 to 48, not "${bad}"`,
      });
    }
  });

  it("takes its own defaults", () => {
    for (const name of ["seed", "traders", "pool", "latency"] as const) {
      assert.ok(DEFAULTS[name] >= BOUNDS[name].min && DEFAULTS[name] <= BOUNDS[name].max);
    }
  });
});

describe("parsePool", () => {
  it("takes a stake that stays", () => {
    assert.deepEqual(parsePool("500000"), { value: { opening: 500_000, pool: 500_000 } });
  });

  it("lets people open against the default where almost nothing stays", () => {
    assert.deepEqual(parsePool("0"), { value: { opening: DEFAULTS.opening, pool: 0 } });
    assert.deepEqual(parsePool("tiny"), { value: { opening: DEFAULTS.opening, pool: TINY } });
    assert.equal(TINY * 100, DEFAULTS.opening);
  });

  it("says what else there is", () => {
    const error = '--pool must be 0, tiny or a whole number from 1000 to 1000000000, not "999"';
    assert.deepEqual(parsePool("999"), { error });
  });
});

describe("parsePath", () => {
  it("knows three", () => {
    assert.deepEqual(parsePath("inverted"), { value: "inverted" });
    assert.deepEqual(parsePath("sideways"), {
      error: '--path must be forward, reversed, inverted, not "sideways"',
    });
  });
});

describe("parseEpisode", () => {
  it("knows the episodes that ship and names them when asked for another", () => {
    assert.deepEqual(parseEpisode("eth-2021-05-19"), { value: "eth-2021-05-19" });
    assert.deepEqual(parseEpisode("btc-2009"), {
      error: '--episode must be eth-2020-03-12 or eth-2021-05-19, not "btc-2009"',
    });
  });
});
