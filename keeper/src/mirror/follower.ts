/** Keeps the mirror at the head of the chain: back-fill in pieces, reorgs, checkpoints. The only I/O of the mirror. */
import type { Log } from "ethers";
import { KeyedSet } from "../../../sdk/src/keyed.ts";
import type { KeeperProvider } from "../chain/provider.ts";
import { RetryableError } from "../errors.ts";
import { type Book, createBook } from "./book.ts";
import type { Checkpoints, Place, Saved } from "./checkpoint.ts";
import { decode, TOPICS } from "./events.ts";
import { Contradiction, createMirror, type Mirror } from "./mirror.ts";

/** Blocks that can be taken back without reading anything again. */
const KEPT = 256;
/** Blocks of which the logs are asked for once more: one of several nodes behind one URL may know a block and not yet its logs. */
const AGAIN = 64;
/** Good answers before twice as many blocks are asked for, and {block} that every gateway has the time for. */
const TRUST = 16;
const GIVEN = 128;

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
  readonly count: number; // of logs
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
  let good = 0; // answers with logs since the last refusal
  let savedAt = -1;

  const isCanonical = async ({ number, hash }: Place) => (await provider.blockAt(number))?.hash === hash;

  function forget(): void {
    [mirror, book, owing, trail, tip] = [createMirror(tokenUnit), createBook(), new KeyedSet(), [], undefined];
  }

  /** The newest checkpoint that is of this chain as it is now; else nothing, and all is read again. */
  async function load(): Promise<void> {
    let found: Saved | undefined;
    for (const saved of await checkpoints.load(tokenUnit)) {
      if (!(await isCanonical(saved.block))) {
        onRebuild?.(
          `${saved.file} is of block ${saved.block.number}, ${saved.block.hash}, which this chain does not have`,
        );
        continue;
      }
      found = saved;
      break;
    }
    forget(); // not before: a node that fails in between must not cost more than the next try
    if (found !== undefined) [mirror, tip, savedAt] = [found.mirror, found.block, found.block.number];
  }

  /** The newest step: off the trail and undone, whatever fails afterwards. */
  function takeBack(): void {
    trail.pop()?.undo();
  }

  /** Takes back what the chain has dropped. */
  async function rewind(from: Place): Promise<void> {
    for (let step = trail.at(-1); step !== undefined; step = trail.at(-1)) {
      if (await isCanonical(step)) {
        tip = { number: step.number, hash: step.hash };
        onRewind?.(from, step.number);
        return;
      }
      takeBack();
    }
    await load();
    onRewind?.(from, tip?.number ?? startBlock);
  }

  /** The end is looked at before the logs are: it vouches for them when the chain still has it afterwards. */
  async function readLogs(fromBlock: number, head: Place): Promise<{ logs: Log[]; end: Place | undefined }> {
    for (;;) {
      const until = Math.min(head.number, fromBlock + chunk - 1);
      const end = until === head.number ? head : await provider.blockAt(until);
      try {
        const logs = await provider.logsOf(addresses, TOPICS, fromBlock, until);
        good += 1;
        if (good % TRUST === 0) chunk = Math.min(options.chunk, chunk * 2);
        return { logs, end };
      } catch (error) {
        good = 0;
        const half = Math.max(1, Math.floor((until - fromBlock + 1) / 2));
        if (error instanceof RetryableError) {
          chunk = Math.max(Math.min(chunk, GIVEN), half); // a gateway may have given up on so many, a node that is down has not
          throw error;
        }
        chunk = half; // the node allows fewer
        if (until === fromBlock)
          throw new RetryableError(`The node refuses the logs of block ${fromBlock}`, { cause: error });
      }
    }
  }

  /** The first block to ask for: some that are known, too, for a node may have had less than all of their logs at first. */
  function firstOf(next: number): number {
    const [base] = trail;
    if (base === undefined) return next; // nothing can be taken back
    return Math.max(base.number + 1, next - Math.min(AGAIN, Math.floor(chunk / 2)));
  }

  /** Logs of known blocks against what was applied of them. False when something was taken back, or is missing now. */
  function isAsKnown(from: number, known: Place, blocks: readonly { number: number; logs: readonly Log[] }[]): boolean {
    const found = new Map(blocks.map(({ number, logs }) => [number, logs.length]));
    const steps = new Map(trail.map((step) => [step.number, step.count]));
    for (let number = from; number <= known.number; number++) {
      const [now, before] = [found.get(number) ?? 0, steps.get(number) ?? 0];
      if (now === before) continue;
      if (now < before) return false; // now it is this answer that is not whole
      while ((trail.at(-1)?.number ?? 0) >= number) takeBack();
      const left = trail.at(-1);
      if (left === undefined) throw new Error(`Block ${number} is before all that can be taken back`); // `firstOf` keeps the base
      tip = { number: left.number, hash: left.hash };
      onRewind?.(known, left.number);
      return false;
    }
    return true;
  }

  /** One piece of the chain, up to a block that is known to be on it afterwards. */
  async function advance(head: Place): Promise<void> {
    const from = tip === undefined ? startBlock : firstOf(tip.number + 1);
    const { logs, end } = await readLogs(from, head);
    const last = logs.at(-1);
    const seen = [
      ...(tip === undefined ? [] : [tip]), // what the logs are applied to
      ...(last === undefined ? [] : [{ number: last.blockNumber, hash: last.blockHash }]),
      ...(end ? [end] : []),
    ];
    const agrees = await Promise.all(seen.map(isCanonical));
    if (end === undefined || agrees.includes(false)) return; // the chain moved while it was read: again, from what is certain

    const blocks = groups(logs);
    const known = tip;
    if (known !== undefined && !isAsKnown(from, known, blocks)) return;
    for (const block of blocks) {
      if (known !== undefined && block.number <= known.number) continue;
      const undo = mirror.apply(block.logs.map(decode));
      const count = block.logs.length;
      if (block.number > head.number - KEPT) trail.push({ number: block.number, hash: block.hash, count, undo });
    }
    tip = { number: end.number, hash: end.hash };
    if (trail.at(-1)?.number !== tip.number) trail.push({ ...tip, count: 0, undo: () => {} });
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
            if (!(error instanceof Contradiction)) throw error;
            onRebuild?.(error.message);
            forget();
            if (rebuilt)
              throw new RetryableError(`The node's logs contradict each other: ${error.message}`, { cause: error });
            rebuilt = true; // a node left logs out, once
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
