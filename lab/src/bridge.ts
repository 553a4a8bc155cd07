/** A local chain as a node: JSON-RPC over HTTP, every transaction dated by the drill's clock, one at a time. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Chain } from "./chain.ts";

export interface Bridge {
  readonly url: string;
  close(): Promise<void>;
}

interface Request {
  readonly id: number | string | null;
  readonly method: string;
  readonly params?: unknown[];
}

/** A program that sends transactions of its own can then take part in a drill that repeats to the last unit, wherever the chain runs. */
export async function createBridge(chain: Chain): Promise<Bridge> {
  let queue: Promise<unknown> = Promise.resolve();

  async function answer({ id, method, params = [] }: Request): Promise<unknown> {
    try {
      const result = await (method === "eth_sendRawTransaction"
        ? chain.dated(method, params)
        : chain.request(method, params));
      return { jsonrpc: "2.0", id, result };
    } catch (error) {
      return { jsonrpc: "2.0", id, error: errorOf(error) };
    }
  }

  const server = createServer(async (request, response) => {
    const asked: Request | Request[] = JSON.parse(await bodyOf(request));
    const turn = queue.then(async () => {
      if (!Array.isArray(asked)) return answer(asked);
      const answers: unknown[] = [];
      for (const one of asked) answers.push(await answer(one));
      return answers;
    });
    queue = turn;
    response.setHeader("content-type", "application/json").end(JSON.stringify(await turn));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The bridge has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** What the chain said of a refused request, with its code and the data of a revert. */
function errorOf(error: unknown): { code: number; message: string; data?: unknown } {
  const message = error instanceof Error ? error.message : String(error);
  const code = typeof error === "object" && error !== null && "code" in error ? Number(error.code) : Number.NaN;
  const data = typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  return { code: Number.isInteger(code) ? code : -32_000, message, ...(data === undefined ? {} : { data }) };
}
