/** Logs of the chain in pieces that nodes accept, as far back as is polite to ask for. */
import { max, min } from "../../../sdk/src/math.ts";
import type { Reader } from "./reader.ts";

/** {block} in one question, and looked at in all. */
const CHUNK = 10_000n;
const REACH = 100_000n;

/** {block} the first that is looked at when `to` is the last. */
export const firstBlock = ({ deployment }: Reader, to: bigint): bigint =>
  max(BigInt(deployment.startBlock), to - REACH + 1n);

/** What `read` finds in the blocks of `from` to `to`, both included. */
export async function inPieces<T>(
  from: bigint,
  to: bigint,
  read: (fromBlock: bigint, toBlock: bigint) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = from; at <= to; at += CHUNK) found.push(...(await read(at, min(to, at + CHUNK - 1n))));
  return found;
}
