/** Real nodes and commands as processes of their own, on loopback and ports that are free. Ends only what it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import type { EthereumProvider } from "hardhat/types/providers";

const root = path.resolve(import.meta.dirname, "../..");
const READY = 60_000; // {ms}

export interface Node {
  readonly url: string;
  /** At once unless told otherwise; SIGTERM lets anvil write its state down. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface NodeOptions {
  /** A free one unless told otherwise. */
  readonly port?: number;
  /** For the node's command line. */
  readonly args?: readonly string[];
}

export type NodeKind = "hardhat" | "anvil";

export async function startNode(kind: NodeKind, options: NodeOptions = {}): Promise<Node> {
  const port = String(options.port ?? (await freePort()));
  const args =
    kind === "hardhat"
      ? [path.join(root, "node_modules/hardhat/dist/src/cli.js"), "node", "--hostname", "127.0.0.1", "--port", port]
      : [path.join(root, "node_modules/@foundry-rs/anvil/bin.mjs"), "--host", "127.0.0.1", "--port", port, "--silent"];
  args.push(...(options.args ?? []));
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore", detached: true });
  const url = `http://127.0.0.1:${port}`;
  const stop = (signal?: NodeJS.Signals) => end(child, signal);
  const deadline = Date.now() + READY;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`The ${kind} node did not start`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, stop };
}

const answers = (url: string): Promise<boolean> =>
  rpc(url, "eth_chainId").then(
    () => true,
    () => false,
  );

export async function rpc(url: string, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** anvil gives a hash before it has mined: who reads next would miss the transaction. Waits for it while the node mines at once. */
export function answerWhenMined(provider: Pick<EthereumProvider, "request">): void {
  const request = provider.request.bind(provider);
  provider.request = async (sent) => {
    const answer = await request(sent);
    if (sent.method !== "eth_sendTransaction" || !(await request({ method: "anvil_getAutomine" }))) return answer;
    const receipt = () => request({ method: "eth_getTransactionReceipt", params: [answer] });
    for (const end = Date.now() + READY; (await receipt()) === null; ) {
      if (Date.now() > end) throw new Error(`anvil has not mined ${answer}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return answer;
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("No free port");
  return address.port;
}

/** The whole group: anvil's launcher does not pass signals on. */
async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "exit");
  process.kill(-child.pid, signal);
  await closed;
  while (isAlive(-child.pid)) await new Promise((resolve) => setTimeout(resolve, 20)); // the launcher goes first
}

function isAlive(group: number): boolean {
  try {
    return process.kill(group, 0);
  } catch {
    return false;
  }
}

export interface Command {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs scripts/NAME.ts as `npm run NAME` does, without building first. `until` ends it as a power cut would. */
export async function run(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  until?: () => boolean,
): Promise<Command> {
  const script = path.join(root, "scripts", `${name}.ts`);
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const watch = setInterval(() => {
    if (until?.() === true) child.kill("SIGKILL");
  }, 5);
  await once(child, "close");
  clearInterval(watch);
  return { code: child.exitCode, output, errors };
}
