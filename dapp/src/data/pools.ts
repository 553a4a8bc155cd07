/** Both tranches and the stack behind them, at one block. {asset} is units of the settlement token. */
import { BackstopPoolAbi, CapitalStackAbi, MarginEngineAbi, RiskEngineAbi } from "../../../sdk/src/abi.ts";
import type { Moment, Reader } from "./reader.ts";
import { snapshotAt } from "./reader.ts";

export const TRANCHES = ["junior", "senior"] as const;
export type TrancheName = (typeof TRANCHES)[number];

export interface Tranche {
  readonly name: TrancheName;
  readonly address: `0x${string}`;
  readonly totalAssets: bigint; // {asset} vested
  readonly bookedAssets: bigint; // {asset} unvested income included
  readonly supply: bigint; // {share}
  readonly queued: bigint; // {share} in exit requests
  readonly pendingGain: bigint; // {asset}
  readonly pendingLoss: bigint; // {asset}
  readonly incomeRate: bigint; // {asset/day} vesting now
  readonly cooldown: bigint; // {s}
  readonly claimWindow: bigint; // {s}
  readonly gateEnd: bigint; // {s}
  readonly pausedUntil: bigint; // {s}
  readonly joinsFrom: bigint; // {s}
  readonly poolTime: bigint; // {s}
  readonly maxDeposit: bigint; // {asset} what may join now
  readonly sharePrice: bigint; // {asset} of one whole share, which cost one token at first
  readonly decimals: number; // of the shares
}

export interface Pools {
  readonly block: Moment;
  readonly junior: Tranche;
  readonly senior: Tranche;
  readonly freeStake: bigint; // {asset}
  readonly liabilities: bigint; // {u}
  readonly tokenUnit: bigint; // {u/token}
  readonly marketDayBps: bigint; // {bps} budget of a market in a day
  readonly windowBps: bigint; // {bps} budget of all in a week
  readonly usedInWindow: bigint; // {asset}
  readonly attachmentBps: bigint;
  readonly treasuryBps: bigint;
}

async function readTranche(reader: Reader, name: TrancheName, block: Moment): Promise<Tranche> {
  const { client, deployment } = reader;
  const address = deployment.contracts[name];
  const pool = { address, abi: BackstopPoolAbi } as const;
  const [totalAssets, bookedAssets, supply, queued, pending, incomeRate, clocks, ...rest] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...pool, functionName: "totalAssets" },
      { ...pool, functionName: "bookedAssets" },
      { ...pool, functionName: "totalSupply" },
      { ...pool, functionName: "queuedShares" },
      { ...pool, functionName: "pending" },
      { ...pool, functionName: "incomeRate" },
      { ...pool, functionName: "exitClocks" },
      { ...pool, functionName: "gateEnd" },
      { ...pool, functionName: "pausedUntil" },
      { ...pool, functionName: "joinsFrom" },
      { ...pool, functionName: "poolTime" },
      { ...pool, functionName: "maxDeposit", args: [address] },
      { ...pool, functionName: "decimals" },
    ],
  });
  const [gateEnd, pausedUntil, joinsFrom, poolTime, maxDeposit, decimals] = rest;
  const sharePrice = await client.readContract({
    ...pool,
    functionName: "convertToAssets",
    args: [10n ** BigInt(decimals)],
    blockNumber: block.number,
  });
  return {
    ...{ name, address, totalAssets, bookedAssets, supply, queued, incomeRate },
    ...{
      pendingGain: pending[0],
      pendingLoss: pending[1],
      cooldown: BigInt(clocks[0]),
      claimWindow: BigInt(clocks[1]),
    },
    ...{ gateEnd, pausedUntil, joinsFrom, poolTime },
    ...{ maxDeposit, sharePrice, decimals },
  };
}

export async function readPools(reader: Reader, block: Moment): Promise<Pools> {
  const { client, deployment } = reader;
  const { stack: stackAt, engine: engineAt, risk } = deployment.contracts;
  const stack = { address: stackAt, abi: CapitalStackAbi } as const;
  const engine = { address: engineAt, abi: MarginEngineAbi } as const;
  const [junior, senior, shared] = await Promise.all([
    readTranche(reader, "junior", block),
    readTranche(reader, "senior", block),
    client.multicall({
      ...snapshotAt(block),
      contracts: [
        { ...stack, functionName: "freeStake" },
        { address: risk, abi: RiskEngineAbi, functionName: "liabilities" },
        { ...engine, functionName: "tokenUnit" },
        { ...stack, functionName: "budgets" },
        { ...stack, functionName: "drawn", args: [0] },
        { ...stack, functionName: "tranches" },
      ],
    }),
  ]);
  const [freeStake, liabilities, tokenUnit, budgets, drawn, terms] = shared;
  return {
    ...{ block, junior, senior, freeStake, liabilities, tokenUnit },
    ...{ marketDayBps: BigInt(budgets[0]), windowBps: BigInt(budgets[1]), usedInWindow: drawn[1] },
    ...{ attachmentBps: BigInt(terms[0]), treasuryBps: BigInt(terms[2]) },
  };
}
