/** Events of one contract since its deployment, in pieces that nodes with a limit on the range of blocks answer. */
import type { EventFragment, JsonRpcProvider, LogDescription } from "ethers";
import { Interface } from "ethers";

const PIECE = 10_000; // blocks

/** Oldest first. `topics` are values of the indexed fields, in order. */
export async function logsOf(
  provider: JsonRpcProvider,
  address: string,
  startBlock: number,
  fragment: EventFragment,
  values: readonly unknown[] = [],
): Promise<LogDescription[]> {
  const abi = new Interface([fragment]);
  const topics = abi.encodeFilterTopics(fragment, values);
  const last = await provider.getBlockNumber();
  const found: LogDescription[] = [];
  let size = PIECE;
  for (let from = startBlock; from <= last; ) {
    const to = Math.min(from + size - 1, last);
    try {
      for (const log of await provider.getLogs({ address, topics, fromBlock: from, toBlock: to })) {
        const parsed = abi.parseLog(log);
        if (parsed !== null) found.push(parsed);
      }
      from = to + 1;
    } catch (error) {
      if (size === 1) throw error;
      size = Math.ceil(size / 4); // the node allows fewer
    }
  }
  return found;
}
