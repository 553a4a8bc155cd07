/** I1 to I3 hold as equalities after every step of long random lives, failed steps included. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { broken } from "../src/invariants.ts";
import { createWalk } from "./helpers/walk.ts";

const SEED = Number(process.env.FC_SEED ?? 20_200_312);
const LIVES = 24;
const STEPS = 2_500;

/** Each must happen this often in all, or the walk proves little. */
const EXPECTED = {
  deposit: 400,
  withdraw: 200,
  transfer: 120,
  fill: 400,
  sync: 400,
  flag: 20,
  unflag: 1, // cures stop most clocks by themselves
  liquidate: 8,
  takeover: 20,
  coverInventory: 400,
  collectIncome: 400,
  collectClaim: 20,
  deleverage: 20,
  settle: 400,
  coverEngine: 20,
  windDown: 40,
  fixSettlementPrice: 20,
  close: 40,
} as const;

describe("conservation", () => {
  it(`keeps I1, I2 and I3 at exactly zero over ${LIVES * STEPS} random steps`, () => {
    const totals = new Map<string, number>();
    let [withDeficit, haircuts] = [0, 0];
    for (let life = 0; life < LIVES; ++life) {
      const walk = createWalk(SEED + life, [6, 8, 12][life % 3] ?? 6);
      for (let step = 0; step < STEPS; ++step) {
        if (step === (STEPS * 4) / 5) walk.end();
        walk.step();
        const failures = broken(walk.engine.state, walk.engine.tokenUnit);
        if (failures.length > 0) assert.fail(`seed ${SEED + life}, step ${step}: ${failures.join("; ")}`);
        if (walk.engine.state.totalDeficit > 0n) withDeficit += 1;
      }
      haircuts += [...walk.engine.state.claims.entries()].filter(([, claim]) => claim > 0n).length;
      for (const [name, n] of walk.counts) totals.set(name, (totals.get(name) ?? 0) + n);
    }
    if (process.env.VERBOSE !== undefined) console.log([...totals].sort().join("\n"), { withDeficit, haircuts });
    for (const [name, least] of Object.entries(EXPECTED)) {
      const n = totals.get(name) ?? 0;
      assert.ok(n >= least, `${name} succeeded ${n} times, expected at least ${least}`);
    }
    assert.ok(withDeficit > 400, `only ${withDeficit} steps had a deficit`);
    assert.ok(haircuts > 4, `only ${haircuts} accounts hold a claim`);
  });
});
