/** ethers on top of the transport, and the few answers of a node that the keeper builds on. */
import {
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  type Log,
  Network,
} from "ethers";
import { KeeperError, messageOf, RetryableError } from "../errors.ts";
import { isAnswer, type Transport } from "./transport.ts";

export interface Head {
  readonly number: number;
  readonly hash: string;
  readonly timestamp: number; // {s}
  readonly baseFee: bigint; // {wei/gas} 0 on a chain without EIP-1559
}

/** {block} that one node may be behind another without being left. */
const LAG = 16;

export class KeeperProvider extends JsonRpcApiProvider {
  readonly #transport: Transport;
  #highest = 0;

  constructor(transport: Transport, chainId: number) {
    const network = Network.from(chainId);
    super(network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 40, batchStallTime: 4 });
    this.#transport = transport;
  }

  override _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
    return this.#transport.send(payload);
  }

  /** What a node says against a request is an answer where it is asked for one, and else a failure of the node: worth another try. */
  override getRpcError(payload: JsonRpcPayload, failure: JsonRpcError): Error {
    const error = super.getRpcError(payload, failure);
    if (isAnswer(payload.method, failure.error)) return error;
    const said = failure.error.message ?? `code ${failure.error.code}`;
    return new RetryableError(`The node refuses ${payload.method}: ${said}`, { cause: error });
  }

  /** A node that has fallen behind is left for the other; where both say so, the chain has been taken back. */
  async head(): Promise<Head> {
    const first = await this.#latest();
    const missing = this.#highest - first.number;
    const isLeft = missing > LAG && this.#transport.leave(`it is ${missing} blocks behind`);
    const head = isLeft ? await this.#latest() : first;
    this.#highest = head.number;
    return head;
  }

  /** Asks the other node from now on. */
  leave(reason: string): void {
    this.#transport.leave(reason);
  }

  async #latest(): Promise<Head> {
    const head = await this.blockAt("latest");
    if (head === undefined) throw new RetryableError(`${this.#transport.hosts[0]} has no latest block`);
    return head;
  }

  /** Undefined when the node has no such block. */
  async blockAt(number: number | "latest"): Promise<Head | undefined> {
    const block = await this.getBlock(number);
    if (block === null || block.hash === null) return undefined;
    return { number: block.number, hash: block.hash, timestamp: block.timestamp, baseFee: block.baseFeePerGas ?? 0n };
  }

  logsOf(address: readonly string[], topics: readonly string[], fromBlock: number, toBlock: number): Promise<Log[]> {
    return this.getLogs({ address: [...address], topics: [[...topics]], fromBlock, toBlock });
  }
}

/** The chain's id, before anything is built on it. @throws KeeperError when the URL is no node, RetryableError when nobody answers */
export async function chainIdOf(transport: Transport): Promise<number> {
  const answers = await transport.send({ id: 1, jsonrpc: "2.0", method: "eth_chainId", params: [] }).catch((error) => {
    if (/not as an Ethereum node/.test(messageOf(error)))
      throw new KeeperError(messageOf(error).replace("No node answers at ", "The URL is not a node's: "), {
        cause: error,
      });
    throw error;
  });
  const [answer] = answers;
  if (answer !== undefined && "result" in answer && typeof answer.result === "string") return Number(answer.result);
  throw new KeeperError(`${transport.hosts[0]} does not say which chain it is: ${JSON.stringify(answer)}.`);
}

/** Whether the node refused a call because it reverts, as opposed to having failed. */
export const isRevert = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "CALL_EXCEPTION";

/** The revert data of a refused call, "0x" when the node gave none. */
export function revertData(error: unknown): string {
  if (typeof error !== "object" || error === null) return "0x";
  if ("data" in error && typeof error.data === "string") return error.data;
  if ("info" in error) return revertData(error.info);
  if ("error" in error) return revertData(error.error);
  return "0x";
}
