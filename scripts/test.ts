/** Runs every test of the repository, two runners at a time, ends with what failed and a line that sums them: `N passed, N failed`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { inLanes, type Task } from "./lib/lanes.ts";
import { run } from "./lib/run.ts";
import { failures, judge } from "./lib/totals.ts";

const root = path.resolve(import.meta.dirname, "..");

function readJson(file: string): { workspaces?: string[]; name?: string } {
  return JSON.parse(readFileSync(path.join(root, file), "utf8"));
}

/** A workspace with a test folder must have a `test` script: without one npm fails, and so does the suite. */
const workspaces: Task[] = (readJson("package.json").workspaces ?? [])
  .filter((folder) => existsSync(path.join(root, folder, "test")))
  .map((folder): Task => ({ name: folder, command: ["npm", "test", "--workspace", folder] }))
  .reverse(); // the longest first: the lanes end together

/** Contracts and model in step take as long as all other journeys, so they are a runner of their own. */
const isStepped = (file: string): boolean => /^(?:amm\.lockstep|lockstep|campaign)\.test\.ts$/.test(file);
const journeys = readdirSync(path.join(root, "test/integration")).filter((file) => file.endsWith(".test.ts"));
const mocha = (name: string, files: readonly string[]): Task => ({
  name,
  command: ["hardhat", "test", "mocha", "--no-compile", ...files.map((file) => `test/integration/${file}`)],
});

const tasks: Task[] = [
  mocha(
    "journeys",
    journeys.filter((file) => !isStepped(file)),
  ),
  { name: "solidity", command: ["hardhat", "test", "solidity", "--no-compile"] },
  mocha("lockstep", journeys.filter(isStepped)),
  ...workspaces,
];

const lines: string[] = [];
const told: string[] = [];
let passed = 0;
let failed = 0;

if ((await run("hardhat", ["build"], { echo: true })).code !== 0) {
  failed = 1;
  lines.push("build: failed, no test was run");
} else
  await inLanes(tasks, ({ name }, { code, output }, seconds) => {
    const verdict = judge(code, output);
    passed += verdict.passed;
    failed += verdict.failed;
    if (verdict.failed > 0) told.push(`\n${name}:\n${failures(output)}`);
    const total = verdict.passed + verdict.failed;
    lines.push(
      `${name}: ${verdict.passed} of ${total} in ${seconds} s${verdict.complaint ? ` (${verdict.complaint})` : ""}`,
    );
  });

console.log(`${told.join("\n")}\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
