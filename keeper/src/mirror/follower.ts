/** Keeps the mirror at the head of the chain: back-fill in pieces, reorgs, checkpoints. The only I/O of the mirror. */
import type { Log } from "ethers";
import { KeyedSet } from "../../../sdk/src/keyed.ts";
import type { KeeperProvider } from "../chain/provider.ts";
import { RetryableError } from "../errors.ts";
import { type Book, createBook } from "./book.ts";
import type { Checkpoints, Place } from "./checkpoint.ts";
import { decode, TOPICS } from "./events.ts";
import { Contradiction, createMirror, type Mirror } from "./mirror.ts";

/** Blocks that can be taken back without reading anything again. */
const KEPT = 256;

export interface FollowerOptions {
  readonly provider: Pick<KeeperProvider, "head" | "blockAt" | "logsOf">;
  readonly checkpoints: Checkpoints;
  /** Engine and pools. */
  readonly addresses: readonly string[];
  readonly startBlock: number;
  readonly tokenUnit: bigint; // {u/token}
  readonly chunk: number; // {block} asked for at once, at most
  onRewind?(from: Place, to: number): void;
  onRebuild?(reason: string): void;
  onProgress?(block: number, head: number): void;
}

interface Step extends Place {
  undo(): void;
}

export type Follower = ReturnType<typeof createFollower>;

export function createFollower(options: FollowerOptions) {
  const { provider, checkpoints, addresses, startBlock, tokenUnit, onRewind, onRebuild, onProgress } = options;
  let mirror: Mirror = createMirror(tokenUnit);
  let book: Book = createBook();
  let owing = new KeyedSet();
  let tip: Place | undefined;
  /** What leads back from the tip, oldest first. Its first step cannot be taken back further. */
  let trail: Step[] = [];
  let chunk = options.chunk;
  let savedAt = -1;

  const isCanonical = async ({ number, hash }: Place) => (await provider.blockAt(number))?.hash === hash;

  function forget(): void {
    [mirror, book, owing, trail, tip] = [createMirror(tokenUnit), createBook(), new KeyedSet(), [], undefined];
  }

  /** The newest checkpoint that is of this chain as it is now; else nothing, and all is read again. */
  async function load(): Promise<void> {
    forget();
    for (const saved of await checkpoints.load(tokenUnit)) {
      if (!(await isCanonical(saved.block))) {
        onRebuild?.(
          `${saved.file} is of block ${saved.block.number}, ${saved.block.hash}, which this chain does not have`,
        );
        continue;
      }
      [mirror, tip, savedAt] = [saved.mirror, saved.block, saved.block.number];
      return;
    }
  }

  /** Takes back what the chain has dropped. */
  async function rewind(from: Place): Promise<void> {
    for (let step = trail.pop(); step !== undefined; step = trail.pop()) {
      if (await isCanonical(step)) {
        trail.push(step);
        tip = { number: step.number, hash: step.hash };
        onRewind?.(from, step.number);
        return;
      }
      step.undo();
    }
    await load();
    onRewind?.(from, tip?.number ?? startBlock);
  }

  async function readLogs(fromBlock: number, to: number): Promise<{ logs: Log[]; until: number }> {
    for (;;) {
      const until = Math.min(to, fromBlock + chunk - 1);
      try {
        const logs = await provider.logsOf(addresses, TOPICS, fromBlock, until);
        chunk = Math.min(options.chunk, chunk * 2);
        return { logs, until };
      } catch (error) {
        if (error instanceof RetryableError) throw error; // nobody answers: fewer blocks would not help
        if (chunk === 1) throw new RetryableError(`The node refuses the logs of block ${fromBlock}`, { cause: error });
        chunk = Math.max(1, Math.floor(chunk / 2)); // the node allows fewer
      }
    }
  }

  /** One piece of the chain, up to a block that is known to be on it afterwards. */
  async function advance(head: Place): Promise<void> {
    const from = tip === undefined ? startBlock : tip.number + 1;
    const { logs, until } = await readLogs(from, head.number);
    const end = until === head.number ? head : await provider.blockAt(until);
    const last = logs.at(-1);
    const seen = [
      ...(last === undefined ? [] : [{ number: last.blockNumber, hash: last.blockHash }]),
      ...(end ? [end] : []),
    ];
    const agrees = await Promise.all(seen.map(isCanonical));
    if (end === undefined || agrees.includes(false)) return; // the chain moved while it was read: again, from what is certain

    for (const block of groups(logs)) {
      const undo = mirror.apply(block.logs.map(decode));
      if (block.number > head.number - KEPT) trail.push({ number: block.number, hash: block.hash, undo });
    }
    tip = { number: end.number, hash: end.hash };
    if (trail.at(-1)?.number !== tip.number) trail.push({ ...tip, undo: () => {} });
    const oldest = head.number - KEPT;
    if ((trail[0]?.number ?? 0) < oldest) trail = trail.filter(({ number }) => number >= oldest);
    onProgress?.(tip.number, head.number);
  }

  return {
    load,
    get mirror(): Mirror {
      return mirror;
    },
    get book(): Book {
      return book;
    },
    /** Accounts with something to settle, as of the last refresh of the book. */
    get owing(): KeyedSet {
      return owing;
    },
    get tip(): Place | undefined {
      return tip;
    },

    /** Up to the head of the chain. @throws RetryableError when nodes fail or the chain does not hold still */
    async sync(): Promise<void> {
      let rebuilt = false;
      for (let moves = 0; moves < 10; ) {
        const head = await provider.head();
        if (head.number < startBlock)
          throw new RetryableError(
            `The chain is at block ${head.number}; Backstop was deployed in block ${startBlock}`,
          );
        if (tip !== undefined && !(await isCanonical(tip))) await rewind(tip);
        while (tip === undefined || tip.number < head.number) {
          const before: number | undefined = tip?.number;
          try {
            await advance(head);
          } catch (error) {
            if (!(error instanceof Contradiction) || rebuilt) throw error;
            rebuilt = true; // a node left logs out, once
            onRebuild?.(error.message);
            forget();
            break;
          }
          if (tip?.number === before) break;
        }
        if (tip?.number === head.number) return;
        moves += 1;
      }
      throw new RetryableError("The chain moved ten times while it was read");
    },

    /** Writes the mirror down when `blocks` have passed since it was. */
    async save(blocks = 1): Promise<boolean> {
      if (tip === undefined || tip.number < savedAt + blocks) return false;
      await checkpoints.save(mirror, tip);
      savedAt = tip.number;
      return true;
    },
  };
}

function groups(logs: readonly Log[]): { number: number; hash: string; logs: Log[] }[] {
  const found: { number: number; hash: string; logs: Log[] }[] = [];
  for (const log of logs) {
    const last = found.at(-1);
    if (last?.number === log.blockNumber) last.logs.push(log);
    else found.push({ number: log.blockNumber, hash: log.blockHash, logs: [log] });
  }
  return found;
}
