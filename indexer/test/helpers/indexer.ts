/** The indexer as a process of its own, started as `npm run indexer` starts it. Ends only what it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { freePort } from "../../../test/helpers/nodes.ts";
import { type Comparison, compare } from "../../check/compare.ts";
import { query } from "../../check/rows.ts";
import { writeRecord } from "./record.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const PATIENCE = 300_000; // {ms}

export interface Indexer {
  readonly apiUrl: string;
  /** Environment under which the check finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** Waits until it has indexed a block. */
  until(block: number): Promise<void>;
  compare(): Promise<Comparison>;
  /** Over its SQL endpoint. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export interface IndexerOptions {
  /** PGlite in a folder of its own unless it is given. */
  readonly databaseUrl?: string | undefined;
  /** {ms} */
  readonly pollingInterval?: number;
}

export async function startIndexer(
  deployment: Deployment,
  rpcUrl: string,
  { databaseUrl, pollingInterval = 100 }: IndexerOptions = {},
): Promise<Indexer> {
  const { file, folder, remove } = await writeRecord(deployment);
  const port = String(await freePort());
  const schema = `test_${port}`;
  const database =
    databaseUrl === undefined ? { PGLITE_DIRECTORY: path.join(folder, "pglite") } : { DATABASE_URL: databaseUrl };
  const env = {
    DEPLOYMENT: file,
    RPC_URL: rpcUrl,
    PORT: port,
    POLLING_INTERVAL: String(pollingInterval),
    DATABASE_SCHEMA: schema,
    ...database,
  };
  const running = script("indexer/start.ts", [], env);
  const apiUrl = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await end(running.child);
    await remove();
  };
  return {
    apiUrl,
    env,
    stop,
    sql: (statement) => query(apiUrl, statement),
    compare: () => compare({ deployment, rpcUrl, apiUrl }),
    async until(block) {
      const deadline = Date.now() + PATIENCE;
      while ((await indexedBlock(apiUrl)) < block) {
        if (running.child.exitCode !== null || Date.now() > deadline) {
          await stop();
          throw new Error(`The indexer did not reach block ${block}: ${running.output().slice(-3_000)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}

/** Runs a script of the repository to its end. */
export async function runScript(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const { child, output } = script(file, args, env);
  await once(child, "close");
  return { code: child.exitCode, output: output() };
}

/** A group of its own: what it starts ends with it. */
function script(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const { DATABASE_URL: _, ...own } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", path.join(ROOT, file), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...own, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  return { child, output: () => output };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  const { pid } = child;
  process.kill(-pid, "SIGTERM");
  const patience = setTimeout(() => process.kill(-pid, "SIGKILL"), 8_000);
  await closed;
  clearTimeout(patience);
}

/** -1 until it answers. */
async function indexedBlock(apiUrl: string): Promise<number> {
  const answer = await fetch(`${apiUrl}/status`).catch(() => undefined);
  if (answer === undefined || !answer.ok) return -1;
  const status = (await answer.json()) as { backstop?: { block: { number: number } } }; // Ponder's own
  return status.backstop?.block.number ?? -1;
}
