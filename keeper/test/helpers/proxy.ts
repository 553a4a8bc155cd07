/** A way to a node that can be cut, that refuses what public nodes refuse, and that lies. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { freePort } from "../../../test/helpers/nodes.ts";

export interface Way {
  readonly url: string;
  /** Requests for logs so far, as the numbers of blocks they asked for. */
  readonly ranges: readonly number[];
  /** Every method asked for so far. */
  readonly methods: readonly string[];
  /** Nobody listens any more: connections are refused. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** {block} most that logs may be asked for at once. */
  limit(blocks: number): void;
  /** Answers with HTTP 503 as long as it is on. */
  fail(isOn: boolean): void;
  /** What stands in for the node's own answer; undefined: the node is asked. Nothing any more: no lie. */
  lie(lie?: Lie): void;
}

export type Lie = (call: Call) => Fake | undefined | Promise<Fake | undefined>;
type Fake = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly { readonly fromBlock?: string; readonly toBlock?: string }[];
}

export async function startProxy(target: string): Promise<Way> {
  const port = await freePort();
  const ranges: number[] = [];
  const methods: string[] = [];
  let most = Number.POSITIVE_INFINITY;
  let isFailing = false;
  let lying: Lie | undefined;
  let server: Server | undefined;

  const refused = async (call: Call) => {
    const { id, method, params } = call;
    const lie = await lying?.(call);
    if (lie !== undefined) return { jsonrpc: "2.0", id, ...lie };
    if (method !== "eth_getLogs") return undefined;
    const range = Number(params[0]?.toBlock) - Number(params[0]?.fromBlock) + 1;
    ranges.push(range);
    if (range <= most) return undefined;
    return { jsonrpc: "2.0", id, error: { code: -32_000, message: `query exceeds max block range ${most}` } };
  };

  async function answer(text: string): Promise<string> {
    const body: Call | Call[] = JSON.parse(text);
    const calls = Array.isArray(body) ? body : [body];
    methods.push(...calls.map(({ method }) => method));
    const refusals = await Promise.all(calls.map(refused));
    const passed = calls.filter((_, i) => refusals[i] === undefined);
    const answers: object[] = passed.length === 0 ? [] : await forward(passed);
    answers.push(...refusals.filter((refusal) => refusal !== undefined));
    return JSON.stringify(Array.isArray(body) ? answers : answers[0]);
  }

  async function forward(passed: readonly Call[]): Promise<object[]> {
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(passed),
    });
    return (await response.json()) as object[]; // what a node answers to a list
  }

  async function mend(): Promise<void> {
    server = createServer((request, reply) => {
      void (async () => {
        let text = "";
        for await (const chunk of request) text += String(chunk);
        try {
          if (isFailing) reply.writeHead(503).end("unavailable");
          else reply.writeHead(200, { "content-type": "application/json" }).end(await answer(text));
        } catch {
          reply.destroy(); // the node is down
        }
      })();
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
  }

  await mend();
  return {
    url: `http://127.0.0.1:${port}`,
    ranges,
    methods,
    async cut() {
      const open = server;
      server = undefined;
      if (open === undefined) return;
      open.closeAllConnections();
      open.close();
      await once(open, "close");
    },
    mend,
    limit(blocks) {
      most = blocks;
    },
    fail(isOn) {
      isFailing = isOn;
    },
    lie(next) {
      lying = next;
    },
  };
}
