/** `npm run check -w indexer`: whether the index says what the contracts say, at the block it has reached. Exit 1 when it does not. */
import { parseArgs } from "node:util";
import { ConfigError, parseConfig } from "../config.ts";
import { preflight } from "../preflight.ts";
import { compare } from "./compare.ts";

const USAGE = `usage: npm run check -w indexer -- [--json]
  NETWORK or DEPLOYMENT, RPC_URL and PORT as the indexer has them, or API_URL where it listens
`;

/** @throws ConfigError */
async function main(isJson: boolean): Promise<number> {
  const config = parseConfig(process.env);
  await preflight(config);
  const found = await compare(config);
  const { block, figures, differences } = found;
  if (isJson) process.stdout.write(`${JSON.stringify({ ...found, block: Number(block) })}\n`);
  else {
    for (const { name, expected, actual } of differences)
      process.stdout.write(`${name}: expected ${expected}, actual ${actual}\n`);
    process.stdout.write(`block ${block}: ${figures} figures, ${differences.length} differences\n`);
  }
  return differences.length === 0 ? 0 : 1;
}

try {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help === true) process.stdout.write(USAGE);
  else process.exitCode = await main(values.json === true);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : `The check failed: ${reasonOf(error)}`}\n`);
  process.exitCode = 1;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && "code" in cause ? `${error.message}: ${String(cause.code)}` : error.message;
}
