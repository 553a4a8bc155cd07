/** An in-process chain over JSON-RPC on loopback, so that a program of its own can look at what a fixture has played. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { EthereumProvider } from "hardhat/types/providers";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params?: unknown[];
}

/** `url` answers until `stop`. */
export async function serve(
  provider: Pick<EthereumProvider, "request">,
): Promise<{ url: string; stop(): Promise<void> }> {
  const answer = async ({ id, method, params = [] }: Request) => {
    try {
      return { jsonrpc: "2.0", id, result: await provider.request({ method, params }) };
    } catch (error) {
      const { code = -32_000, message } = error as { code?: number; message: string }; // Hardhat throws nothing else
      return { jsonrpc: "2.0", id, error: { code, message } };
    }
  };
  const server = createServer(async (incoming, response) => {
    const asked: Request | Request[] = JSON.parse(await text(incoming));
    const answered = Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answered));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The chain is not served");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
