/** `npm start`: plays a real crash against the real contracts, prints what happened and writes a report. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Chains, drill } from "../lab/src/drill.ts";
import { EPISODE_NAMES } from "../lab/src/episodes.ts";
import { createProgress } from "../lab/src/progress.ts";
import { report } from "../lab/src/report.ts";
import {
  BOUNDS,
  DEFAULTS,
  type Parsed,
  parseEpisode,
  parseKeeper,
  parseNumber,
  parsePath,
  parsePool,
  type Settings,
  TINY,
} from "../lab/src/settings.ts";
import { json, text, verdict } from "../lab/src/summary.ts";

const DONE = 0;
const YOURS_TO_FIX = 1;
const WORTH_RETRYING = 75;

const LOCALHOST = "http://127.0.0.1:8545";
const root = path.resolve(import.meta.dirname, "..");
const between = (name: keyof typeof BOUNDS) =>
  `${BOUNDS[name].min} to ${BOUNDS[name].max}, ${DEFAULTS[name]} by default`;

const HELP = `Usage: npm start -- [options]

Plays 48 hours of a real crash against the contracts on a local chain, once with the stakers' pools and once
with both empty, and checks after every step that not one unit was lost or made. Then the market is
wound down, and nobody may be left with a position.

  --episode NAME    ${EPISODE_NAMES.join(" or ")}; the first by default
  --seed N          of people and path: ${between("seed")}
  --traders N       ${between("traders")}
  --path NAME       forward, reversed (the bars backwards in time) or inverted (falls become rises); forward by default
  --pool USD        stake behind the market, a fifth of it in the junior pool:
                    ${between("pool")};
                    0 or tiny: people open against the default, then all stakers leave, or all but
                    ${TINY} (1 % of it), before the crash
  --latency N       steps of five minutes until the keeper acts: ${between("latency")}
  --keeper NAME     own, or program: the keeper that runs in production liquidates, and looks every N steps; own by default
  --report FILE     the HTML report; reports/drill-EPISODE-SEED.html by default
  --network NAME    localhost, or a URL: a running \`npx hardhat node\` instead of a chain in this process
  --json            one JSON object as the last line; amounts in 1e-12 USD
  --help            this text
`;

interface Command {
  readonly settings: Settings;
  readonly report: string;
  /** Of a running node; a chain in this process when there is none. */
  readonly url: string | undefined;
  readonly json: boolean;
}

class UsageError extends Error {}

function value<T>(parsed: Parsed<T>): T {
  if ("error" in parsed) throw new UsageError(parsed.error);
  return parsed.value;
}

function parse(args: string[]): Command | "help" {
  const { values } = readArgs(args);
  if (values.help) return "help";
  const url = values.network === "localhost" ? LOCALHOST : values.network;
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    throw new UsageError(`--network must be localhost or the URL of a local node, not "${url}"`);
  if (values.report === "") throw new UsageError("--report must name a file");

  const number = (name: keyof typeof BOUNDS) => {
    const given = values[name];
    return given === undefined ? DEFAULTS[name] : value(parseNumber(name, given));
  };
  const settings: Settings = {
    episode: values.episode === undefined ? DEFAULTS.episode : value(parseEpisode(values.episode)),
    seed: number("seed"),
    traders: number("traders"),
    ...(values.pool === undefined ? { opening: DEFAULTS.opening, pool: DEFAULTS.pool } : value(parsePool(values.pool))),
    path: values.path === undefined ? DEFAULTS.path : value(parsePath(values.path)),
    latency: number("latency"),
    keeper: values.keeper === undefined ? DEFAULTS.keeper : value(parseKeeper(values.keeper)),
  };
  const file = values.report ?? path.join(root, "reports", `drill-${settings.episode}-${settings.seed}.html`);
  return { settings, report: path.resolve(file), url, json: values.json };
}

function readArgs(args: string[]) {
  const string = { type: "string" } as const;
  const options = {
    episode: string,
    path: string,
    seed: string,
    traders: string,
    pool: string,
    latency: string,
    keeper: string,
    report: string,
    network: string,
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  try {
    return parseArgs({ args, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function connect(url: string | undefined): Promise<Chains | undefined> {
  const { network } = await import("hardhat");
  if (url === undefined) return { with: () => network.create(), without: () => network.create(), parallel: true };

  const create = () => network.create({ network: "localhost", override: { url } });
  try {
    const { provider } = await create();
    await provider.request({ method: "eth_chainId", params: [] });
  } catch {
    return undefined;
  }
  return { with: create, without: create, parallel: false };
}

async function main(args: string[]): Promise<number> {
  let command: Command | "help";
  try {
    command = parse(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${HELP}`);
    return YOURS_TO_FIX;
  }
  if (command === "help") {
    process.stdout.write(HELP);
    return DONE;
  }

  try {
    mkdirSync(path.dirname(command.report), { recursive: true });
    writeFileSync(command.report, ""); // before the work, not after it
  } catch (error) {
    process.stderr.write(`The report cannot be written: ${error instanceof Error ? error.message : String(error)}\n`);
    return YOURS_TO_FIX;
  }
  const chains = await connect(command.url);
  if (chains === undefined) {
    process.stderr.write(
      `No node answers at ${command.url}; start one with \`npx hardhat node --hostname 127.0.0.1\`\n`,
    );
    return WORTH_RETRYING;
  }

  const result = await drill(command.settings, chains, createProgress(process.stderr, command.settings.episode));
  writeFileSync(command.report, report(result));
  process.stdout.write(`${text(result)}\nReport: ${path.relative(process.cwd(), command.report)}\n`);
  if (command.json) process.stdout.write(`${JSON.stringify(json(result))}\n`);
  return verdict(result).failures.length === 0 ? DONE : YOURS_TO_FIX;
}

// Not process.exitCode: a chain in this process keeps it alive.
const code = await main(process.argv.slice(2));
process.stdout.write("", () => process.exit(code));
