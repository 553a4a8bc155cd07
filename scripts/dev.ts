/** `npm run dev`: a node with a deployment and people on it, prices that do as told, keeper, indexer and dApp, in one terminal. */
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { JsonRpcProvider } from "ethers";
import { readRecord } from "../deploy/record.ts";
import { keyOf } from "../lab/src/keys.ts";
import { createFeeds, type Feeds } from "../lab/src/live/feeds.ts";
import { SEATS, settle, siteOf } from "../lab/src/live/people.ts";
import { COMMANDS, createPrices, type Prices, TICK } from "../lab/src/live/prices.ts";
import { createWatch } from "../lab/src/live/watch.ts";
import { MARKET, type Site } from "../lab/src/site.ts";
import { checkFree } from "./lib/ports.ts";
import { createStage, type Program, type Stage } from "./lib/processes.ts";

const HELP = `Usage: npm run dev -- [options]

Starts a local node, deploys, lets stakers, a provider, makers and 60 traders in, and runs keeper, indexer and dApp
beside prices that move. Type ${COMMANDS}
and Enter while it runs. Ctrl-C stops all of it.

  --crash          begins with the worst hours of March 2020, a minute a second
  --do COMMAND     begins with another command, such as "replay eth-2021-05-19"
  --seed N         of people and prices; 1 by default
  --port N         of the node; 8545 by default. The three ports after it: the keeper's metrics, the indexer, the dApp
  --deployment ID  name of the record in deploy/addresses/; dev by default
  --help           this text
`;
/** Opened by the node for the visitors of a dApp. */
const PEOPLE = `accounts ${SEATS.visitors.join(", ")} of the node hold test dollars`;
/** {ms} for the node to answer, and for the others to be ready. */
const START = 30_000;
const READY = 180_000;
/** Ticks from one line about a calm market to the next. */
const QUIET = 15;

interface Options {
  readonly begin: string | undefined;
  readonly seed: number;
  readonly port: number;
  readonly id: string;
}

class UsageError extends Error {}

function parse(args: string[]): Options | "help" {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  const read = () =>
    parseArgs({
      args,
      options: { crash: boolean, do: string, seed: string, port: string, deployment: string, help: boolean },
    }).values;
  let values: ReturnType<typeof read>;
  try {
    values = read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (values.help) return "help";
  const whole = (name: "seed" | "port", otherwise: number, most: number) => {
    const text = values[name] ?? String(otherwise);
    if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
    throw new UsageError(`--${name} must be a whole number up to ${most}, not "${text}"`);
  };
  const begin = values.crash ? "crash" : values.do;
  const seed = whole("seed", 1, 2 ** 32 - 1);
  try {
    if (begin !== undefined) createPrices(seed).obey(begin);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return { begin, seed, port: whole("port", 8_545, 65_532), id: values.deployment ?? "dev" };
}

const hardhat = "node_modules/hardhat/dist/src/cli.js";
const vite = createRequire(import.meta.resolve("../dapp/package.json"))
  .resolve("vite/package.json")
  .replace(/package\.json$/, "bin/vite.js");

/** Asks until somebody answers well. */
async function answer(name: string, url: string, patience: number, init: RequestInit = {}): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    const isUp = await fetch(url, init).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (Date.now() > deadline) throw new Error(`The ${name} is not ready within ${patience / 1_000} s`);
    await sleep(100);
  }
}

async function connect(url: string): Promise<JsonRpcProvider> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  await answer("node", url, START, { method: "POST", headers: { "content-type": "application/json" }, body });
  return new JsonRpcProvider(url, undefined, { staticNetwork: true });
}

/** One price after the other until it is told to stop. */
async function play(
  stage: Stage,
  prices: Prices,
  { site, feeds, opening }: { site: Site; feeds: Feeds; opening: readonly bigint[] },
  isOver: () => boolean,
): Promise<void> {
  const watch = await createWatch(site);
  for (let tick = 0; !isOver(); tick += 1) {
    const started = performance.now();
    await feeds.print(opening, prices.next());
    const news = await watch.news();
    for (const line of news) stage.say("market", line);
    if (news.length > 0 || tick % QUIET === 0) stage.say("market", await watch.status());
    await sleep(Math.max(0, TICK * 1_000 - (performance.now() - started)));
  }
}

async function main(args: string[]): Promise<number> {
  const options = parse(args);
  if (options === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const { port, id, seed, begin } = options;
  await checkFree(port, "the node");
  await checkFree(port + 1, "the keeper");
  await checkFree(port + 2, "the indexer");
  await checkFree(port + 3, "the dApp");

  const folder = await mkdtemp(path.join(tmpdir(), "backstop-dev-"));
  const over = new AbortController();
  let code = 0;
  const stage = createStage(process.stdout, (name, exit) => {
    stage.say(name, `ended by itself with exit code ${exit}; everything is stopped`);
    code = 1;
    over.abort();
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => over.abort());
  try {
    const url = `http://127.0.0.1:${port}`;
    stage.start({
      name: "node",
      args: [hardhat, "node", "--hostname", "127.0.0.1", "--port", String(port)],
      quiet: true,
    });
    const provider = await connect(url);
    const env = { LOCALHOST_URL: url };
    const deploy = ["--import", "tsx", "scripts/deploy.ts", "--network", "localhost", "--deployment", id];
    await stage.finish({ name: "deploy", args: deploy, env });
    const deployment = await readRecord(id);
    const site = await siteOf(provider, deployment);
    const feeds = createFeeds(provider, deployment);
    const opening = await feeds.read();
    const price = opening[MARKET] ?? 0n;
    stage.say("people", "come in");
    await settle(site, provider, seed, price);

    stage.say("people", PEOPLE);

    for (const program of programs(folder, url, port, path.join("deploy/addresses", `${id}.json`)))
      stage.start(program);
    const prices = createPrices(seed);
    const all = ready(port).then(() => {
      stage.say("indexer", `serves http://127.0.0.1:${port + 2}/graphql`);
      stage.say("dapp", `is at http://127.0.0.1:${port + 3}`);
      stage.say("prices", begin === undefined ? `calm; type ${COMMANDS}` : prices.obey(begin));
      listen(stage, prices);
    });
    all.catch((error: unknown) => {
      if (over.signal.aborted) return;
      stage.say("dev", error instanceof Error ? error.message : String(error));
      code = 1;
      over.abort();
    });
    await play(stage, prices, { site, feeds, opening }, () => over.signal.aborted);
  } finally {
    await stage.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return code;
}

async function ready(port: number): Promise<void> {
  await answer("keeper", `http://127.0.0.1:${port + 1}/health`, READY);
  await answer("indexer", `http://127.0.0.1:${port + 2}/ready`, READY);
  await answer("dapp", `http://127.0.0.1:${port + 3}`, READY);
}

/** @param folder what they write @param record file of addresses */
function programs(folder: string, url: string, port: number, record: string): Program[] {
  const tsx = ["--import", "tsx"];
  const keeper = {
    ...{ KEEPER_RPC_URL: url, KEEPER_KEY: keyOf(SEATS.keeper), KEEPER_ADDRESSES: record },
    ...{ KEEPER_STATE: path.join(folder, "keeper"), KEEPER_PORT: String(port + 1), KEEPER_POLL: "500" },
    ...{ KEEPER_NATIVE_USD: "2000", KEEPER_SYNC: "60" },
  };
  const indexer = {
    ...{ RPC_URL: url, DEPLOYMENT: record, PORT: String(port + 2), POLLING_INTERVAL: "500" },
    ...{ PGLITE_DIRECTORY: path.join(folder, "indexer"), PONDER_LOG_LEVEL: "warn" },
  };
  const dapp = {
    ...{ NETWORK: path.basename(record, ".json"), VITE_RPC_URL: url },
    VITE_INDEXER_URL: `http://127.0.0.1:${port + 2}`,
  };
  const page = ["dapp", "--port", String(port + 3), "--strictPort", "--clearScreen", "false", "--logLevel", "warn"];
  return [
    { name: "keeper", args: [...tsx, "keeper/src/main.ts"], env: keeper },
    { name: "indexer", args: [...tsx, "indexer/start.ts"], env: indexer },
    { name: "dapp", args: [vite, ...page], env: dapp },
  ];
}

/** Commands from the terminal, a line each. */
function listen(stage: Stage, prices: Prices): void {
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line.trim() === "") return;
    try {
      stage.say("prices", prices.obey(line));
    } catch (error) {
      stage.say("prices", error instanceof Error ? error.message : String(error));
    }
  });
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${HELP}`);
  else process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
