/** Signed price updates of the second source, from Pyth's price service over HTTP. */
import { z } from "zod";
import { messageOf, RetryableError } from "../errors.ts";

/** The port: whoever has signed updates. */
export interface SecondSource {
  /** The newest. @param priceId 32 bytes in hex */
  latest(priceId: string): Promise<readonly string[]>;
  /** The first signed at or after a time {s}. */
  since(priceId: string, time: bigint): Promise<readonly string[]>;
}

const answerShape = z.object({
  binary: z.object({ encoding: z.literal("hex"), data: z.array(z.string().regex(/^([0-9a-fA-F]{2})+$/)).min(1) }),
});

/** @param url of the service, without a path */
export function createHermes(url: string, timeout = 10_000): SecondSource {
  async function ask(path: string, priceId: string): Promise<readonly string[]> {
    const at = new URL(path, url);
    at.searchParams.append("ids[]", priceId);
    at.searchParams.set("encoding", "hex");
    try {
      const response = await fetch(at, { signal: AbortSignal.timeout(timeout) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return answerShape.parse(await response.json()).binary.data.map((data) => `0x${data}`);
    } catch (error) {
      throw new RetryableError(`The price service at ${new URL(url).origin} has no update: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  return {
    latest: (priceId) => ask("/v2/updates/price/latest", priceId),
    since: (priceId, time) => ask(`/v2/updates/price/${time}`, priceId),
  };
}
