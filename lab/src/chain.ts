/** Plain calls and transactions on a local chain: no signing, no estimation, one block each. Works in process and over HTTP. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EthereumProvider } from "hardhat/types/providers";

/** {gas} of every transaction, far below the block's limit. Unused gas costs nothing. */
const GAS = 16_000_000n;
/** {ms} for a local node to mine. */
const PATIENCE = 10_000;

export interface Log {
  readonly address: string;
  readonly transactionHash: string;
  readonly topics: string[];
  readonly data: string;
}

export interface Chain {
  /** Seconds of the latest block. Every block is dated `step` seconds after the one before, however slow the machine is. */
  now(): number;
  /** Dates the next block `seconds`, or `step` after the latest if that is later. */
  setNextTime(seconds: number): void;
  /** What the node answers. */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /** The same for what sends a transaction: its block gets the next date, and is there when the hash is returned. */
  dated(method: string, params: readonly unknown[]): Promise<string>;
  call(to: string, data: string, from?: string): Promise<string>;
  /** Mines the transaction; throws when it reverts. */
  send(from: string, to: string, data: string): Promise<void>;
  /** True when the call would succeed and did when it was sent, false when it reverts. */
  trySend(from: string, to: string, data: string): Promise<boolean>;
  /** What `addresses` logged since the last call of this function. */
  newLogs(addresses: readonly string[]): Promise<Log[]>;
}

/** @param step {s} 0 on a chain that lets blocks have the same date, as transactions of one block have */
export async function createChain(provider: Pick<EthereumProvider, "request">, step = 1): Promise<Chain> {
  const ask = (method: string, params: readonly unknown[]) => provider.request({ method, params: [...params] });
  const request = (method: string, ...params: unknown[]): Promise<unknown> => ask(method, params);
  const hex = (n: bigint | number) => `0x${n.toString(16)}`;
  const text = (value: unknown): string => {
    if (typeof value !== "string")
      throw new Error(`The node answered ${JSON.stringify(value)} where text was expected`);
    return value;
  };
  let logged = BigInt(text(await request("eth_blockNumber")));

  const block = await request("eth_getBlockByNumber", "latest", false);
  if (typeof block !== "object" || block === null || !("timestamp" in block)) throw new Error("The node has no block");
  let now = Number(text(block.timestamp));
  let next = now + step;

  const call = async (to: string, data: string, from?: string) =>
    text(
      await request("eth_call", { to, data, gas: hex(2n ** 40n), ...(from === undefined ? {} : { from }) }, "latest"),
    );
  /** A node may answer before it has mined. */
  const mined = async (method: string, params: readonly unknown[]) => {
    await request("evm_setNextBlockTimestamp", next);
    now = next;
    next += step;
    const hash = text(await ask(method, params));
    for (const deadline = Date.now() + PATIENCE; ; await sleep(2)) {
      const receipt = await request("eth_getTransactionReceipt", hash);
      if (typeof receipt === "object" && receipt !== null && "status" in receipt)
        return { hash, status: receipt.status };
      if (Date.now() > deadline) throw new Error(`${hash} was not mined within ${PATIENCE / 1_000} s`);
    }
  };
  const send = async (from: string, to: string, data: string) => {
    const { hash, status } = await mined("eth_sendTransaction", [{ from, to, data, gas: hex(GAS) }]);
    if (status !== "0x1") throw new Error(`${hash} reverted`);
  };

  return {
    now: () => now,
    setNextTime: (seconds) => {
      next = Math.max(seconds, now + step);
    },
    request: ask,
    dated: async (method, params) => (await mined(method, params)).hash,
    call,
    send,
    trySend: async (from, to, data) => {
      try {
        await request("eth_call", { from, to, data, gas: hex(GAS) }, "latest");
        await send(from, to, data); // dated later than the call saw
        return true;
      } catch (error) {
        if (isRevert(error)) return false;
        throw error;
      }
    },
    newLogs: async (addresses) => {
      const from = logged + 1n;
      logged = BigInt(text(await request("eth_blockNumber")));
      if (from > logged) return [];
      const logs = await request("eth_getLogs", { address: addresses, fromBlock: hex(from), toBlock: hex(logged) });
      return logs as Log[]; // the shape is that of the JSON-RPC specification
    },
  };
}

/** What the node calls a revert; anything else is the connection or a bug. */
function isRevert(error: unknown): boolean {
  return error instanceof Error && /revert/i.test(error.message);
}
