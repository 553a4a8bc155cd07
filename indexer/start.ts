/** `npm run indexer`: checks environment, node and contracts, then runs Ponder until it is told to end. */
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { type Config, ConfigError, parseConfig } from "./config.ts";
import { preflight } from "./preflight.ts";

const LOCAL = 31_337; // chain id of nodes on this machine
const BIN = path.resolve(import.meta.dirname, "../node_modules/ponder/dist/esm/bin/ponder.js");

/** What PGlite keeps of a local chain, which starts over with other blocks of the same numbers. */
function forgetLocalChain({ deployment, databaseUrl, pgliteDirectory }: Config): void {
  const folder = path.resolve(import.meta.dirname, pgliteDirectory);
  if (deployment.chainId !== LOCAL || databaseUrl !== undefined || !existsSync(path.join(folder, "PG_VERSION"))) return;
  rmSync(folder, { recursive: true });
}

try {
  const config = parseConfig(process.env);
  await preflight(config);
  forgetLocalChain(config);
  const { port, hostname, schema } = config;
  const { DEPLOYMENT } = process.env;
  const options = ["--port", String(port), "--hostname", hostname, "--schema", schema, "--log-format", "json"];
  const child = spawn(process.execPath, [BIN, "start", ...options], {
    cwd: import.meta.dirname,
    stdio: "inherit",
    env: {
      ...process.env,
      PONDER_TELEMETRY_DISABLED: "true",
      ...(DEPLOYMENT === undefined ? {} : { DEPLOYMENT: path.resolve(DEPLOYMENT) }), // Ponder runs in this folder
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
