/**
 * Builds the contracts without the compiler's chatter on stdout; on failure prints all of it. For commands that report something else.
 * With --if-missing a build that is there is enough: for the tests of workspaces, which may run side by side.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { run } from "./lib/run.ts";

const first = !existsSync(path.resolve(import.meta.dirname, "../artifacts/contracts"));
if (!first && process.argv.includes("--if-missing")) process.exit(0);
process.stderr.write(`Building the contracts${first ? ", a minute or two the first time" : ""} ...\n`);

const { code, output } = await run("hardhat", ["build", "--no-tests"], { echo: false });
if (code !== 0) process.stderr.write(output);
process.exitCode = code;
