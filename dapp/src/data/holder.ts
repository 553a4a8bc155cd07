/** What one person has staked: tokens in hand, shares, exit requests. At one block. */
import { erc20Abi } from "viem";
import { BackstopPoolAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { revertData } from "../errors/explain.ts";
import type { TrancheName } from "./pools.ts";
import type { Moment, Reader } from "./reader.ts";
import { snapshotAt } from "./reader.ts";

export interface Request {
  readonly tranche: TrancheName;
  readonly id: bigint;
  readonly shares: bigint;
  readonly valueCap: bigint; // {asset} the claim pays at most this
  readonly worth: bigint; // {asset} of the shares now, pending losses left aside
  readonly claimableAt: bigint; // {s} of the pool's time
  readonly lapsesAt: bigint; // {s} of the pool's time
  /** {asset} what a claim would pay now; undefined while it would be refused. */
  readonly payout: bigint | undefined;
}

export interface Stake {
  readonly shares: bigint; // in hand
  readonly worth: bigint; // {asset}
  readonly allowance: bigint; // {asset} that the pool may take
  readonly requests: readonly Request[];
}

export interface Holder {
  readonly address: Address;
  readonly balance: bigint; // {asset}
  readonly junior: Stake;
  readonly senior: Stake;
}

export async function readHolder(reader: Reader, address: Address, block: Moment): Promise<Holder> {
  const { client, deployment } = reader;
  const [balance, junior, senior] = await Promise.all([
    client.readContract({
      ...{ address: deployment.contracts.token, abi: erc20Abi, functionName: "balanceOf", args: [address] },
      blockNumber: block.number,
    }),
    readStake(reader, "junior", address, block),
    readStake(reader, "senior", address, block),
  ]);
  return { address, balance, junior, senior };
}

async function readStake(reader: Reader, tranche: TrancheName, holder: Address, block: Moment): Promise<Stake> {
  const { client, deployment } = reader;
  const pool = { address: deployment.contracts[tranche], abi: BackstopPoolAbi } as const;
  const at = { blockNumber: block.number } as const;
  const [shares, allowance, [closed, last]] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...pool, functionName: "balanceOf", args: [holder] },
      { address: deployment.contracts.token, abi: erc20Abi, functionName: "allowance", args: [holder, pool.address] },
      { ...pool, functionName: "requestIds", args: [holder] },
    ],
  });
  const ids = Array.from({ length: Number(last - closed) }, (_, i) => closed + BigInt(i) + 1n);
  const [worth, ...open] = await Promise.all([
    client.readContract({ ...pool, ...at, functionName: "convertToAssets", args: [shares] }),
    ...ids.map(async (id): Promise<Request> => {
      const request = await client.readContract({ ...pool, ...at, functionName: "exitRequest", args: [holder, id] });
      const now = await client.readContract({
        ...pool,
        ...at,
        functionName: "convertToAssets",
        args: [request.shares],
      });
      return { tranche, id, worth: now, payout: await payoutOf(id, request.shares), ...request };
    }),
  ]);
  return { shares, worth, allowance, requests: open.filter((request) => request.shares > 0n) };

  /** The contract itself says what it would pay: it looks at clocks, gate and pending losses. */
  async function payoutOf(id: bigint, all: bigint): Promise<bigint | undefined> {
    try {
      const args = [holder, id, all, holder] as const;
      const call = { ...pool, ...at, functionName: "claimExit", args, account: holder } as const;
      return (await client.simulateContract(call)).result;
    } catch (error) {
      if (revertData(error) === undefined) throw error;
      return undefined;
    }
  }
}
