/** Runs every test of the repository, two runners at a time, and ends with one line that sums them: `N passed, N failed`. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { run } from "./lib/run.ts";
import { judge } from "./lib/totals.ts";

const LANES = 2;

const root = path.resolve(import.meta.dirname, "..");

interface Runner {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

function readJson(file: string): { workspaces?: string[]; name?: string } {
  return JSON.parse(readFileSync(path.join(root, file), "utf8"));
}

/** A workspace with a test folder must have a `test` script: without one npm fails, and so does the suite. */
const workspaces: Runner[] = (readJson("package.json").workspaces ?? [])
  .filter((folder) => existsSync(path.join(root, folder, "test")))
  .map((folder): Runner => ({ name: folder, command: ["npm", "test", "--workspace", folder] }))
  .reverse(); // the longest first: the lanes end together

const runners: Runner[] = [
  { name: "integration", command: ["hardhat", "test", "mocha", "--no-compile"] },
  { name: "solidity", command: ["hardhat", "test", "solidity", "--no-compile"] },
  ...workspaces,
];

const width = Math.max(...runners.map(({ name }) => name.length));
const lines: string[] = [];
let passed = 0;
let failed = 0;

async function go({ name, command: [program, ...args] }: Runner): Promise<void> {
  const outcome = await run(program, args, { echo: `${name.padEnd(width)} | ` });
  const verdict = judge(outcome.code, outcome.output);
  passed += verdict.passed;
  failed += verdict.failed;
  const total = verdict.passed + verdict.failed;
  lines.push(`${name}: ${verdict.passed} of ${total}${verdict.complaint ? ` (${verdict.complaint})` : ""}`);
}

/** Takes what is next until nothing is left. */
async function lane(): Promise<void> {
  for (let next = runners.shift(); next !== undefined; next = runners.shift()) await go(next);
}

if ((await run("hardhat", ["build"], { echo: true })).code !== 0) {
  failed = 1;
  lines.push("build: failed, no test was run");
} else {
  await Promise.all(Array.from({ length: LANES }, lane));
}

console.log(`\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
