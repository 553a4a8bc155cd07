/** Pyth's price service for a local chain: the double believes everybody, so anybody can sign. Speaks HTTP as the real one does. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { MockPyth } from "../../../typechain-types/index.js";

const EXPONENT = -8;
const CONFIDENCE = 10n ** 8n; // one dollar

/** @param price {1e-8 USD} and {s} of what it has signed last; asked anew at each request */
export async function startService(pyth: MockPyth, price: () => { readonly price: bigint; readonly time: bigint }) {
  const server = createServer((request, answer) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const id = url.searchParams.get("ids[]") ?? "";
      const asked = /\/v2\/updates\/price\/(\d+)$/.exec(url.pathname)?.[1];
      const now = price();
      const time = asked === undefined ? now.time : BigInt(asked);
      const data = await pyth.createPriceFeedUpdateData(
        ...([id, now.price, CONFIDENCE, EXPONENT, now.price, CONFIDENCE, time, time - 1n] as const),
      );
      answer.writeHead(200, { "content-type": "application/json" });
      answer.end(JSON.stringify({ binary: { encoding: "hex", data: [data.slice(2)] } }));
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port for the price service");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
