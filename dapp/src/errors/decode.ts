/** Revert data as one of the contracts' errors, whichever of them it came from. */
import { type Abi, decodeErrorResult, type Hex } from "viem";
import {
  BackstopAMMAbi,
  BackstopPoolAbi,
  CapitalStackAbi,
  ExchangeAbi,
  MarginEngineAbi,
  MockTokenAbi,
  OracleAbi,
  RiskEngineAbi,
} from "../../../sdk/src/abi.ts";
import type { Fault } from "./words.ts";

/** Every contract that a user's call can run into. MockToken's errors are those of OpenZeppelin's ERC-20 with permit. */
const CONTRACTS: readonly Abi[] = [
  ...[BackstopPoolAbi, MarginEngineAbi, MockTokenAbi, CapitalStackAbi, BackstopAMMAbi, OracleAbi, RiskEngineAbi],
  ExchangeAbi,
];

/** Their errors, one after the other: what is declared twice is decoded alike. */
export const errorAbi: Abi = CONTRACTS.flatMap((abi) => abi.filter(({ type }) => type === "error"));

/** Undefined when the data is none of them: a panic, a text, or a contract that nobody knows. */
export function decodeFault(data: Hex): Fault | undefined {
  try {
    const { errorName, args = [], abiItem } = decodeErrorResult({ abi: errorAbi, data });
    const inputs = "inputs" in abiItem ? abiItem.inputs : [];
    return { name: errorName, args: Object.fromEntries(inputs.map(({ name }, i) => [name ?? "", plain(args[i])])) };
  } catch {
    return undefined;
  }
}

function plain(value: unknown): bigint | string {
  return typeof value === "bigint" || typeof value === "number" ? BigInt(value) : String(value);
}
