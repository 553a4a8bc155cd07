/** `npm run check`: format, lint, types, contract sizes and paths in the documentation, two at a time; ends with what failed. */
import { inLanes, type Task } from "./lib/lanes.ts";
import { run } from "./lib/run.ts";

const SOLIDITY = "{contracts,test}/**/*.sol";

/** The longest first. */
const TASKS: readonly Task[] = [
  { name: "solhint", command: ["solhint", "--disc", "--noPoster", "--max-warnings", "0", SOLIDITY] },
  { name: "types of the indexer", command: ["tsc", "-p", "indexer"] },
  { name: "prettier", command: ["prettier", "--check", "--log-level", "warn", SOLIDITY] },
  { name: "types", command: ["tsc"] },
  { name: "types of the dApp", command: ["tsc", "-p", "dapp"] },
  { name: "biome", command: ["biome", "check", "--error-on-warnings", "."] },
  { name: "sizes", command: ["tsx", "scripts/check-sizes.ts"] },
  { name: "documentation", command: ["tsx", "scripts/check-docs.ts"] },
];

const failed: string[] = [];
for (const first of ["scripts/build.ts", "scripts/abi.ts"])
  if ((await run("tsx", [first], { echo: true })).code !== 0) failed.push(first);
if (failed.length === 0)
  await inLanes(TASKS, ({ name }, { code }) => {
    if (code !== 0) failed.push(name);
  });
console.log(failed.length === 0 ? "All checks passed" : `FAILED: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
