/** Measures line coverage with all tests and fails under the floor. Mocks and interfaces do not count; they are not deployed. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { run } from "./lib/run.ts";

const FLOOR = 95; // per cent of the lines in contracts/

const root = path.resolve(import.meta.dirname, "..");
const counts = (file: string) => /^contracts\/(?!mocks\/|interfaces\/)/.test(file);

interface FileCoverage {
  readonly file: string;
  readonly lines: number;
  readonly missed: readonly number[];
}

function parseLcov(lcov: string): FileCoverage[] {
  return lcov
    .split("end_of_record")
    .map((record) => {
      const hits = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, n]) => ({
        line: Number(line),
        hit: n !== "0",
      }));
      const source = /^SF:(.+)$/m.exec(record)?.[1] ?? "";
      return {
        file: path.relative(root, path.resolve(root, source)).replaceAll("\\", "/"),
        lines: hits.length,
        missed: hits.filter(({ hit }) => !hit).map(({ line }) => line),
      };
    })
    .filter(({ file, lines }) => counts(file) && lines > 0);
}

const percent = (hit: number, of: number) => ((100 * hit) / of).toFixed(2).padStart(6);

// Instrumentation causes compiler warnings of its own, and makes code larger and dearer: a test that measures size or gas fails
// here and nowhere else. Whether the tests pass is for `npm test` to say.
const env = { COV: "1", STRICT_WARNINGS: "0" };
const report = path.join(root, "coverage/lcov.info");
rmSync(report, { force: true });
await run("hardhat", ["test", "--coverage"], { echo: true, env });
if (!existsSync(report)) {
  console.error("Coverage not judged: the tests left no report.");
  process.exit(1);
}

const files = parseLcov(readFileSync(report, "utf8"));
const lines = files.reduce((sum, f) => sum + f.lines, 0);
const missed = files.reduce((sum, f) => sum + f.missed.length, 0);
if (lines === 0) {
  console.error("Coverage not judged: the report holds no line of contracts/.");
  process.exit(1);
}

console.log("\nLines covered, per cent");
for (const f of files) {
  const where = f.missed.length === 0 ? "" : `  missed: ${f.missed.join(", ")}`;
  console.log(`${percent(f.lines - f.missed.length, f.lines)}  ${f.file}${where}`);
}
console.log(`${percent(lines - missed, lines)}  contracts/ (${lines - missed} of ${lines} lines, floor ${FLOOR})`);
process.exitCode = 100 * (lines - missed) >= FLOOR * lines ? 0 : 1;
