/** Logs of the chain in pieces that nodes accept, as far back as is polite to ask for. */
import { max, min } from "../../../sdk/src/math.ts";
import type { Moment, Reader } from "./reader.ts";

/** {block} in one question, and looked at in all. */
const CHUNK = 10_000n;
const REACH = 100_000n;

/** {block} the first that is looked at. */
export const firstBlock = ({ deployment }: Reader, block: Moment): bigint =>
  max(BigInt(deployment.startBlock), block.number - REACH + 1n);

/** What `read` finds from the first block that is looked at up to `block`. */
export async function inPieces<T>(
  reader: Reader,
  block: Moment,
  read: (fromBlock: bigint, toBlock: bigint) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let from = firstBlock(reader, block); from <= block.number; from += CHUNK)
    found.push(...(await read(from, min(block.number, from + CHUNK - 1n))));
  return found;
}
