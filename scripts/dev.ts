/** `npm run dev`: a node with a deployment and people on it, prices that do as told, keeper and indexer, in one terminal. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { JsonRpcProvider } from "ethers";
import { readRecord } from "../deploy/record.ts";
import { createChain } from "../lab/src/chain.ts";
import { createFeeds } from "../lab/src/live/feeds.ts";
import { settle } from "../lab/src/live/people.ts";
import { COMMANDS, createPrices, type Prices, TICK } from "../lab/src/live/prices.ts";
import { createWatch } from "../lab/src/live/watch.ts";
import { MARKET, type Site } from "../lab/src/site.ts";
import { settleListing } from "../lab/src/world.ts";
import type { Deployment } from "../sdk/src/deployment.ts";
import { checkFree } from "./lib/ports.ts";
import { createStage, type Stage } from "./lib/processes.ts";

const HELP = `Usage: npm run dev -- [options]

Starts a local node, deploys, lets stakers, a provider, makers and 60 traders in, and runs keeper and indexer
beside prices that move. Type ${COMMANDS}
and Enter while it runs. Ctrl-C stops all of it.

  --crash          begins with the worst hours of March 2020, a minute a second
  --do COMMAND     begins with another command, such as "replay eth-2021-05-19"
  --seed N         of people and prices; 1 by default
  --port N         of the node; 8545 by default. The keeper's metrics are on the next port, the indexer on the one after
  --deployment ID  name of the record in deploy/addresses/; dev by default
  --help           this text
`;
/** {ms} for the node to answer. */
const START = 30_000;
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
  return { begin, seed, port: whole("port", 8_545, 65_533), id: values.deployment ?? "dev" };
}

const hardhat = "node_modules/hardhat/dist/src/cli.js";

async function answering(url: string): Promise<JsonRpcProvider> {
  const deadline = Date.now() + START;
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  const request = { method: "POST", headers: { "content-type": "application/json" }, body };
  for (;;) {
    try {
      await fetch(url, request);
      return new JsonRpcProvider(url, undefined, { staticNetwork: true, pollingInterval: 200 });
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`The node does not answer within ${START / 1_000} s`, { cause: error });
      await sleep(100);
    }
  }
}

async function siteOf(provider: JsonRpcProvider, { contracts, markets, deployer }: Deployment): Promise<Site> {
  const feed = markets[MARKET]?.feed;
  if (feed === undefined) throw new Error(`The deployment has no market ${MARKET}`);
  const request = ({ method, params }: { method: string; params?: unknown }) =>
    provider.send(method, Array.isArray(params) ? params : []);
  return { chain: await createChain({ request }), addresses: { ...contracts, feed }, operator: deployer };
}

/** One price after the other until it is told to stop. */
async function play(
  stage: Stage,
  prices: Prices,
  { provider, site, deployment }: { provider: JsonRpcProvider; site: Site; deployment: Deployment },
  isOver: () => boolean,
): Promise<void> {
  const feeds = createFeeds(provider, deployment);
  const opening = await feeds.read();
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
    const provider = await answering(url);
    const env = { LOCALHOST_URL: url };
    const deploy = ["--import", "tsx", "scripts/deploy.ts", "--network", "localhost", "--deployment", id];
    await stage.finish({ name: "deploy", args: deploy, env });
    const deployment = await readRecord(id);
    const site = await siteOf(provider, deployment);
    const price = 2_000n * 10n ** 8n;
    await settleListing(site, price);
    stage.say("people", "come in");
    await settle(site, provider, seed, price);

    const prices = createPrices(seed);
    if (begin !== undefined) stage.say("prices", prices.obey(begin));
    listen(stage, prices);
    await play(stage, prices, { provider, site, deployment }, () => over.signal.aborted);
  } finally {
    await stage.stop();
  }
  return code;
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
