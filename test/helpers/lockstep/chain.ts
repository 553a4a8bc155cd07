/** Raw access to the in-process chain: one transaction at a chosen second, its logs or its decoded revert. */
import { AbiCoder, type Interface, type Log } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";

export interface Revert {
  readonly name: string;
  readonly values: readonly bigint[];
}

export interface Outcome {
  readonly revert?: Revert;
  readonly logs: readonly Pick<Log, "address" | "topics" | "data">[];
}

const GAS = "0xb71b00"; // 12 million
const PANIC = "0x4e487b71";

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
export const addressOf = (value: bigint): string => `0x${value.toString(16).padStart(40, "0")}`;

/** `errors` decode reverts: the first interface that knows the selector. */
export function createChain({ provider }: NetworkConnection, errors: readonly Interface[]) {
  async function unlock(address: string): Promise<void> {
    await provider.request({ method: "hardhat_impersonateAccount", params: [address] });
    await provider.request({ method: "hardhat_setBalance", params: [address, hex(10n ** 30n)] });
  }

  function decode(data: string): Revert {
    if (data.startsWith(PANIC)) return { name: "Panic", values: [BigInt(`0x${data.slice(10)}`)] };
    for (const abi of errors) {
      const error = abi.parseError(data);
      if (error !== null) return { name: error.name, values: error.args.map((value) => BigInt(value)) };
    }
    return { name: data, values: [] };
  }

  /** Sends `data` in a block of its own, dated `now`. */
  async function send(from: string, to: string, data: string, now: bigint): Promise<Outcome> {
    await provider.request({ method: "evm_setNextBlockTimestamp", params: [hex(now)] });
    try {
      const hash = await provider.request({ method: "eth_sendTransaction", params: [{ from, to, data, gas: GAS }] });
      const receipt = await provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
      return { logs: receipt.logs };
    } catch (error) {
      const found = revertData(error);
      if (found === undefined) throw error;
      return { revert: decode(found), logs: [] };
    }
  }

  async function call(to: string, data: string, block: "latest" | "pending" = "latest"): Promise<string> {
    return provider.request({ method: "eth_call", params: [{ to, data }, block] });
  }

  /** A view that returns one number, in a block dated `now`. */
  async function peek(to: string, data: string, now: bigint): Promise<bigint> {
    await provider.request({ method: "evm_setNextBlockTimestamp", params: [hex(now)] });
    return BigInt(AbiCoder.defaultAbiCoder().decode(["uint256"], await call(to, data, "pending"))[0]);
  }

  async function storage(at: string, slot: bigint): Promise<bigint> {
    const place = `0x${slot.toString(16).padStart(64, "0")}`;
    return BigInt(await provider.request({ method: "eth_getStorageAt", params: [at, place, "latest"] }));
  }

  async function timestamp(): Promise<bigint> {
    const block = await provider.request({ method: "eth_getBlockByNumber", params: ["latest", false] });
    return BigInt(block.timestamp);
  }

  return { unlock, send, call, peek, storage, timestamp };
}

export type Chain = ReturnType<typeof createChain>;

/** The return data of a reverted transaction, wherever the provider put it. */
function revertData(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("data" in error)) return undefined;
  const { data } = error;
  if (typeof data === "string") return data;
  if (typeof data === "object" && data !== null && "data" in data && typeof data.data === "string") return data.data;
  return undefined;
}
