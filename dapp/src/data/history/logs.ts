/** The logs that history is told from, as far back as is polite to ask a node for; each look reads only the blocks since the one before. */
import { getAbiItem, type Hex } from "viem";
import { BackstopPoolAbi, CapitalStackAbi, MarginEngineAbi, RiskEngineAbi } from "../../../../sdk/src/abi.ts";
import { firstBlock, inPieces } from "../logs.ts";
import type { Reader } from "../reader.ts";

const EVENTS = [
  getAbiItem({ abi: MarginEngineAbi, name: "Synced" }),
  getAbiItem({ abi: MarginEngineAbi, name: "ShortfallCovered" }),
  getAbiItem({ abi: MarginEngineAbi, name: "IncomeCollected" }),
  getAbiItem({ abi: RiskEngineAbi, name: "Observed" }),
  getAbiItem({ abi: CapitalStackAbi, name: "LossAbsorbed" }),
  getAbiItem({ abi: CapitalStackAbi, name: "IncomeSplit" }),
  getAbiItem({ abi: BackstopPoolAbi, name: "Deposit" }),
  getAbiItem({ abi: BackstopPoolAbi, name: "Withdraw" }),
  getAbiItem({ abi: BackstopPoolAbi, name: "LossTaken" }),
] as const;

export type Log = Awaited<ReturnType<typeof ask>>[number];
export type LogOf<Name extends Log["eventName"]> = Extract<Log, { eventName: Name }>;

/** All logs of `from` to `to`, in order. */
export interface ChainLogs {
  readonly from: bigint;
  readonly to: bigint;
  /** Of the block `to`: while the chain has it there, nothing before it has changed. */
  readonly hash: Hex;
  readonly logs: readonly Log[];
  /** {s} of each block that has one of `logs`. */
  readonly times: ReadonlyMap<bigint, bigint>;
}

/** Up to the newest block. @param known what was read before; after a reorganisation that reaches it, all is read again */
export async function readLogs(reader: Reader, known?: ChainLogs): Promise<ChainLogs> {
  const { client } = reader;
  const { number: to, hash } = await client.getBlock({ blockTag: "latest" });
  if (known?.hash === hash) return known;
  const stands = known !== undefined && (await isThere(reader, known, to));
  const from = stands ? known.from : firstBlock(reader, to);
  const fresh = await inPieces(stands ? known.to + 1n : from, to, (first, last) => ask(reader, first, last));
  const times = new Map(stands ? known.times : []);
  await readTimes(reader, fresh, times);
  return { from, to, hash, logs: stands ? [...known.logs, ...fresh] : fresh, times };
}

async function isThere({ client }: Reader, known: ChainLogs, newest: bigint): Promise<boolean> {
  if (known.to > newest) return false;
  return (await client.getBlock({ blockNumber: known.to })).hash === known.hash;
}

function ask({ client, deployment }: Reader, fromBlock: bigint, toBlock: bigint) {
  const { engine, risk, stack, junior, senior } = deployment.contracts;
  const address = [engine, risk, stack, junior, senior];
  return client.getLogs({ address, events: EVENTS, fromBlock, toBlock, strict: true });
}

/** From the logs themselves where the node says it, else block by block. */
async function readTimes({ client }: Reader, logs: readonly Log[], times: Map<bigint, bigint>): Promise<void> {
  const missing = new Set<bigint>();
  for (const { blockNumber, blockTimestamp } of logs) {
    if (blockTimestamp === undefined || blockTimestamp === null) missing.add(blockNumber);
    else times.set(blockNumber, blockTimestamp);
  }
  const read = async (blockNumber: bigint) => {
    if (!times.has(blockNumber)) times.set(blockNumber, (await client.getBlock({ blockNumber })).timestamp);
  };
  await Promise.all([...missing].map(read));
}
