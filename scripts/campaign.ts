/**
 * The long stateful campaign, in chunks of one seed each: the memory of one long test would not fit any machine.
 * `npm run campaign -- [first seed] [seeds] [sequences per seed]`. A seed fixes what is drawn, not every call: the fuzzer also
 * takes values from what it has met, in no fixed order.
 */
import path from "node:path";
import { run } from "./lib/run.ts";
import { judge } from "./lib/totals.ts";

const DEPTH = 64; // calls of one sequence
const SUITES = ["Engine", "Extreme"] as const;

const number = (i: number, fallback: number) => {
  const given = Number(process.argv[i] ?? fallback);
  if (!Number.isSafeInteger(given) || given < 1) throw new Error(`a whole number above zero, not ${process.argv[i]}`);
  return given;
};
const first = number(2, 1);
const seeds = number(3, 16);
const sequences = number(4, 512);

process.chdir(path.resolve(import.meta.dirname, ".."));
const files = SUITES.map((name) => `test/invariant/${name}.invariant.t.sol`);
let calls = 0;
for (let seed = first; seed < first + seeds; ++seed) {
  const started = Date.now();
  const outcome = await run(
    "hardhat",
    ["test", "solidity", ...files, "--no-compile", "--grep", "invariant_", "--test-profile", "campaign"],
    {
      echo: false,
      env: {
        CAMPAIGN_SEED: `0x${seed.toString(16)}`,
        CAMPAIGN_RUNS: String(sequences),
        CAMPAIGN_DEPTH: String(DEPTH),
      },
    },
  );
  const verdict = judge(outcome.code, outcome.output);
  if (outcome.code !== 0 || verdict.failed !== 0 || verdict.passed !== SUITES.length) {
    console.error(outcome.output);
    console.error(`seed ${seed}: failed after ${calls} calls of earlier seeds`);
    process.exit(1);
  }
  calls += SUITES.length * sequences * DEPTH;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(
    `seed ${seed}: ${sequences} sequences of ${DEPTH} calls in each campaign, ${seconds} s; ${calls} calls so far`,
  );
}
console.log(`${calls} calls, seeds ${first} to ${first + seeds - 1}, nothing failed`);
