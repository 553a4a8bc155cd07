/** `npm run check`: format, lint, types, contract sizes and paths in the documentation, two at a time; ends with what failed. */
import { inLanes, type Task } from "./lib/lanes.ts";
import { run } from "./lib/run.ts";

const SOLIDITY = "{contracts,test}/**/*.sol";

/** Contracts and their tests are built in the first lane; the others need none of it. The longest first. */
const SOURCES: readonly Task[] = [
  { name: "build", command: ["hardhat", "build"] },
  { name: "solhint", command: ["solhint", "--disc", "--noPoster", "--max-warnings", "0", SOLIDITY] },
  { name: "prettier", command: ["prettier", "--check", "--log-level", "warn", SOLIDITY] },
  { name: "biome", command: ["biome", "check", "--error-on-warnings", "."] },
  { name: "documentation", command: ["tsx", "scripts/check-docs.ts"] },
];
const BUILT: readonly Task[] = [
  { name: "types of the indexer", command: ["tsc", "-p", "indexer"] },
  { name: "types", command: ["tsc"] },
  { name: "types of the dApp", command: ["tsc", "-p", "dapp"] },
  { name: "sizes", command: ["tsx", "scripts/check-sizes.ts"] },
];

const failed: string[] = [];
const check = (tasks: readonly Task[]) =>
  inLanes(tasks, ({ name }, { code }) => {
    if (code !== 0) failed.push(name);
  });

await check(SOURCES);
if (failed.includes("build")) failed.push("what needs a build was not checked");
else {
  if ((await run("tsx", ["scripts/abi.ts"], { echo: true })).code !== 0) failed.push("scripts/abi.ts");
  await check(BUILT);
}
console.log(failed.length === 0 ? "All checks passed" : `FAILED: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
