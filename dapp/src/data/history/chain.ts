/** History from the chain's own logs, as far back as is polite to ask a node for. */
import { type AbiEvent, getAbiItem, type Hex } from "viem";
import { CapitalStackAbi, MarginEngineAbi, RiskEngineAbi } from "../../../../sdk/src/abi.ts";
import { max, min } from "../../../../sdk/src/math.ts";
import type { Moment, Reader } from "../reader.ts";
import type { History, MarketPoint, Observation, Shortfall } from "./types.ts";

/** {block} in one question, and looked at in all. */
const CHUNK = 10_000n;
const REACH = 100_000n;

const synced = getAbiItem({ abi: MarginEngineAbi, name: "Synced" });
const covered = getAbiItem({ abi: MarginEngineAbi, name: "ShortfallCovered" });
const observed = getAbiItem({ abi: RiskEngineAbi, name: "Observed" });
const absorbed = getAbiItem({ abi: CapitalStackAbi, name: "LossAbsorbed" });

export async function readChainHistory(reader: Reader, block: Moment, why: string): Promise<History> {
  const from = max(BigInt(reader.deployment.startBlock), block.number - REACH + 1n);
  const { engine, risk, stack } = reader.deployment.contracts;
  const [syncs, observations, shortfalls, draws] = await Promise.all([
    logsOf(reader, engine, synced, from, block.number),
    logsOf(reader, risk, observed, from, block.number),
    logsOf(reader, engine, covered, from, block.number),
    logsOf(reader, stack, absorbed, from, block.number),
  ]);
  const points = new Map<number, MarketPoint[]>();
  const times = new Map<string, bigint>(); // by transaction and market
  for (const { args, transactionHash } of syncs) {
    const { market, state } = args;
    if (market === undefined || state === undefined) continue;
    const time = BigInt(state.syncedAt);
    times.set(`${transactionHash} ${market}`, time);
    append(points, market, {
      ...{ time, price: state.price, openInterest: BigInt(state.openInterest), cap: BigInt(state.openInterestCap) },
      ...{ level: state.level, fundingRate: BigInt(state.fundingRate) },
    });
  }
  const seen = new Map<number, Observation[]>();
  for (const { args, transactionHash } of observations) {
    const { market, variance, coverage } = args;
    if (market === undefined || variance === undefined || coverage === undefined) continue;
    const time = times.get(`${transactionHash} ${market}`); // an observation is part of a sync
    if (time === undefined) continue;
    append(seen, market, { time, volatilityBps: root(variance / 10n ** 10n), coverageBps: coverage });
  }
  const told = await Promise.all(shortfalls.map((log) => shortfallOf(reader, log, splitOf(log, draws, shortfalls))));
  return { source: { kind: "chain", why, from }, points, observations: seen, shortfalls: told.flat().reverse() };
}

async function logsOf<const Event extends AbiEvent>(
  { client }: Reader,
  address: Hex,
  event: Event,
  from: bigint,
  to: bigint,
) {
  const read = (start: bigint) =>
    client.getLogs({ address, event, fromBlock: start, toBlock: min(to, start + CHUNK - 1n), strict: true });
  const logs: Awaited<ReturnType<typeof read>> = [];
  for (let start = from; start <= to; start += CHUNK) logs.push(...(await read(start)));
  return logs;
}

type Covered = Awaited<ReturnType<typeof logsOf<typeof covered>>>[number];
type Absorbed = Awaited<ReturnType<typeof logsOf<typeof absorbed>>>[number];

/** The draw that this shortfall made: the last one before it in its transaction, and after the shortfall before. {asset} */
function splitOf(log: Covered, draws: readonly Absorbed[], all: readonly Covered[]): Absorbed | undefined {
  const sameTransaction = ({ transactionHash, logIndex }: Pick<Covered, "transactionHash" | "logIndex">) =>
    transactionHash === log.transactionHash && (logIndex ?? 0) < (log.logIndex ?? 0);
  const before = all.filter(sameTransaction).at(-1)?.logIndex ?? -1;
  return draws.filter(sameTransaction).findLast(({ logIndex }) => (logIndex ?? 0) > before);
}

async function shortfallOf({ client }: Reader, log: Covered, draw: Absorbed | undefined): Promise<Shortfall[]> {
  const { market, account, reason, shortfall, byBucket, byPool, byShare, toDeficit } = log.args;
  const { timestamp } = await client.getBlock({ blockNumber: log.blockNumber ?? 0n });
  // {u} byPool is what of the draw this shortfall needed; the junior tranche paid first
  const paid = draw === undefined ? 0n : draw.args.byJunior + draw.args.bySenior;
  const bySenior = draw === undefined || paid === 0n ? 0n : (byPool * draw.args.bySenior) / paid;
  return [
    {
      ...{ id: `${log.transactionHash}-${log.logIndex}`, time: timestamp, market, account, reason, amount: shortfall },
      ...{ byBucket, byJunior: byPool - bySenior, bySenior, byShare, toDeficit, hash: log.transactionHash ?? "" },
    },
  ];
}

function append<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The whole root, down. */
function root(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (guess * guess > value) guess -= 1n;
  while ((guess + 1n) * (guess + 1n) <= value) guess += 1n;
  return guess;
}
