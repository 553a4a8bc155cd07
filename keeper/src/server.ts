/** Metrics and health on one port. Health is 503 when the last good pass is old. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { KeeperError, messageOf } from "./errors.ts";

export interface Health {
  readonly ok: boolean;
  readonly lastGoodPass: string | null; // ISO 8601
  readonly block: number | null;
  readonly reason?: string;
}

/** @throws KeeperError when the port is taken */
export async function serve(host: string, port: number, registry: Registry, health: () => Health) {
  const server = createServer((request, answer) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics")
      registry.metrics().then(
        (text) => answer.writeHead(200, { "content-type": registry.contentType }).end(text),
        (error: unknown) => answer.writeHead(500).end(messageOf(error)),
      );
    else if (path === "/health") {
      const state = health();
      answer.writeHead(state.ok ? 200 : 503, { "content-type": "application/json" }).end(JSON.stringify(state));
    } else answer.writeHead(404).end("There are /metrics and /health.\n");
  });
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    throw new KeeperError(
      isTaken
        ? `Port ${port} on ${host} is taken: another keeper, or set KEEPER_PORT.`
        : `Metrics cannot be served on ${host}:${port}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  const at = server.address();
  if (at === null || typeof at === "string") throw new KeeperError(`Metrics cannot be served on ${host}:${port}.`);
  return {
    url: `http://${host}:${at.port}`,
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
