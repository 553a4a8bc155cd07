/** Many calls of the engine in one transaction: what the chain refuses is found by halves and left out. */
import { isRevert, type KeeperProvider } from "../chain/provider.ts";
import { engineAbi, reasonOf } from "./simulate.ts";

/** Calls in one transaction: each may take over a million gas. */
export const BATCH = 16;

export const multicall = (calls: readonly string[]): string => engineAbi.encodeFunctionData("multicall", [[...calls]]);

export interface Caller {
  readonly provider: KeeperProvider;
  readonly engine: string;
  readonly from: string;
}

/** Those of `calls` that go through together. */
export async function accepted(
  caller: Caller,
  calls: readonly string[],
  onRefused?: (call: string, reason: string) => void,
): Promise<string[]> {
  if (calls.length === 0) return [];
  try {
    await caller.provider.call({ from: caller.from, to: caller.engine, data: multicall(calls), blockTag: "pending" });
    return [...calls];
  } catch (error) {
    if (!isRevert(error)) throw error;
    const [only] = calls;
    if (calls.length === 1 && only !== undefined) {
      onRefused?.(only, reasonOf(error));
      return [];
    }
    const half = Math.ceil(calls.length / 2);
    const [first, second] = [calls.slice(0, half), calls.slice(half)];
    return [...(await accepted(caller, first, onRefused)), ...(await accepted(caller, second, onRefused))];
  }
}

/** `most` of `items`, others at each `turn`: what is refused again and again keeps nobody else waiting. */
export function shareOf<T>(items: readonly T[], most: number, turn: number): readonly T[] {
  if (items.length <= most) return items;
  const start = (turn * most) % items.length;
  return [...items.slice(start), ...items.slice(0, start)].slice(0, most);
}

export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

/** At most `width` at a time, in their order, until `isOver`. After a failure none is begun; the first is thrown. */
export async function concurrently<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  const failures: unknown[] = [];
  const rest = [...items].reverse();
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined && failures.length === 0 && !isOver(); item = rest.pop())
      await work(item).catch((error: unknown) => void failures.push(error));
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
}
