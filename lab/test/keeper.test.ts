import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { actionsFor, createMemory, type View, worstFirst } from "../src/keeper.ts";

const view = (fields: Partial<View> = {}): View => ({
  account: 1n,
  equity: 80n,
  favourable: 90n,
  maintenance: 100n,
  unhealthySince: 0n,
  ...fields,
});

describe("actionsFor", () => {
  it("leaves a healthy account alone", () => {
    assert.deepEqual(actionsFor(view({ favourable: 100n }), 1_000n), []);
  });

  it("liquidates while there is equity and flags what it cannot liquidate", () => {
    assert.deepEqual(actionsFor(view(), 1_000n), ["liquidateToAmm", "liquidate", "flag"]);
    assert.deepEqual(actionsFor(view({ equity: 0n, favourable: 40n }), 1_000n), [
      "liquidateToAmm",
      "liquidate",
      "flag",
    ]);
  });

  it("may take over what has less than two fifths of its margin, or waited 90 to 600 seconds", () => {
    assert.deepEqual(actionsFor(view({ equity: 30n, favourable: 39n }), 1_000n), [
      "liquidateToAmm",
      "liquidate",
      "takeover",
    ]);
    assert.deepEqual(actionsFor(view({ unhealthySince: 911n }), 1_000n), ["liquidateToAmm", "liquidate", "flag"]);
    assert.deepEqual(actionsFor(view({ unhealthySince: 910n }), 1_000n), ["liquidateToAmm", "liquidate", "takeover"]);
    assert.deepEqual(actionsFor(view({ unhealthySince: 400n }), 1_000n), ["liquidateToAmm", "liquidate", "takeover"]);
    assert.deepEqual(actionsFor(view({ unhealthySince: 399n }), 1_000n), ["liquidateToAmm", "liquidate", "flag"]);
  });

  it("only takes over below zero equity", () => {
    assert.deepEqual(actionsFor(view({ equity: -1n, favourable: 5n }), 1_000n), ["takeover"]);
  });
});

describe("worstFirst", () => {
  it("sorts the unhealthy by what they lack and drops the rest", () => {
    const views = [
      view({ account: 1n, favourable: 95n }),
      view({ account: 2n, favourable: 100n }),
      view({ account: 4n, favourable: -20n }),
      view({ account: 3n, favourable: -20n }),
    ];
    assert.deepEqual(
      worstFirst(views).map(({ account }) => account),
      [3n, 4n, 1n],
    );
  });
});

describe("createMemory", () => {
  it("shows what was unhealthy the given number of steps ago", () => {
    const memory = createMemory(2);
    const seen = [1n, 2n, 3n, 4n].map((account) => [...memory.observe([view({ account })])]);
    assert.deepEqual(seen, [[], [], [1n], [2n]]);
  });

  it("shows the present without latency", () => {
    assert.deepEqual([...createMemory(0).observe([view({ account: 9n })])], [9n]);
  });
});
