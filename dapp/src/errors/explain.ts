/** Turns whatever a wallet, a node or a contract throws into one sentence for a person. */
import {
  BaseError,
  type Hex,
  HttpRequestError,
  InsufficientFundsError,
  isHex,
  TimeoutError,
  UserRejectedRequestError,
} from "viem";
import { decodeFault } from "./decode.ts";
import { sentences } from "./table.ts";
import { type Names, wordsOf } from "./words.ts";

export interface Explanation {
  /** Rejected: the person said no. Refused: a rule of the contracts. Trouble: anything else. */
  readonly kind: "rejected" | "refused" | "trouble";
  readonly sentence: string;
}

/** A sentence of our own, shown as it is. */
export class PlainError extends Error {}

const REJECTED = 4_001;
const UNFUNDED = /insufficient funds|doesn't have enough funds|exceeds the balance/i;

export function explain(error: unknown, names: Names): Explanation {
  if (error instanceof PlainError) return { kind: "trouble", sentence: error.message };
  const data = revertData(error);
  const fault = data === undefined ? undefined : decodeFault(data);
  const sentence = fault && sentences[fault.name]?.(wordsOf(fault, names));
  if (sentence !== undefined) return { kind: "refused", sentence };
  if (fault !== undefined) return { kind: "refused", sentence: `The contract refused: ${fault.name}.` };
  if (isRejection(error)) return { kind: "rejected", sentence: "You declined in the wallet. Nothing was sent." };
  const known = someName(error);
  if (known !== undefined) return { kind: "trouble", sentence: known };
  if (!(error instanceof BaseError)) return { kind: "trouble", sentence: firstLine(textOf(error)) };
  if (error.walk((inner) => inner instanceof InsufficientFundsError) || UNFUNDED.test(error.message))
    return { kind: "trouble", sentence: "The account has too little of the chain's own coin to pay for gas." };
  if (error.walk((inner) => inner instanceof HttpRequestError || inner instanceof TimeoutError))
    return { kind: "trouble", sentence: "The node of the chain does not answer. What is shown may be old." };
  if (data !== undefined && data !== "0x") return { kind: "refused", sentence: panicOf(data) };
  return { kind: "trouble", sentence: firstLine(error.shortMessage) };
}

const NAMED: Readonly<Record<string, string>> = {
  ...said("The wallet is on another chain. Switch it, and try again.", [
    "ChainMismatchError",
    "ConnectorChainMismatchError",
  ]),
  ...said("The wallet is not connected any more. Connect it, and try again.", [
    ...["ConnectorNotConnectedError", "ConnectorAccountNotFoundError", "ProviderDisconnectedError"],
  ]),
  ...said("The amount is larger than the contract can hold.", ["IntegerOutOfRangeError"]),
};

function said(sentence: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, sentence]));
}

/** Of an error of viem or wagmi that its name says all about. */
function someName(error: unknown): string | undefined {
  let sentence: string | undefined;
  someCause(error, (inner) => {
    sentence = inner instanceof Error ? NAMED[inner.name] : undefined;
    return sentence !== undefined;
  });
  return sentence;
}

const firstLine = (text: string): string => text.split("\n")[0] ?? text;

function isRejection(error: unknown): boolean {
  return someCause(error, (inner) => inner instanceof UserRejectedRequestError || codeOf(inner) === REJECTED);
}

/** The first bytes of revert data anywhere down the chain of causes: nodes put them in different places. */
export function revertData(error: unknown): Hex | undefined {
  let found: Hex | undefined;
  someCause(error, (inner) => {
    const data = dataOf(inner);
    if (data !== undefined) found = data;
    return data !== undefined;
  });
  return found;
}

function dataOf(value: unknown): Hex | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const name of ["raw", "data"] as const) {
    const inner: unknown = name in value ? Reflect.get(value, name) : undefined;
    if (isHex(inner) && inner.length >= 10) return inner;
    if (typeof inner === "object") {
      const nested = dataOf(inner);
      if (nested !== undefined) return nested;
    }
  }
  return undefined;
}

function someCause(error: unknown, test: (inner: unknown) => boolean): boolean {
  for (let inner = error; typeof inner === "object" && inner !== null; inner = Reflect.get(inner, "cause"))
    if (test(inner)) return true;
  return false;
}

const codeOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "code" in value ? value.code : undefined;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const PANIC = "0x4e487b71";
const panicOf = (data: Hex): string =>
  data.startsWith(PANIC)
    ? "The contract met a figure outside the range it computes with. The amount is too large."
    : "The contract refused, and did not say why in words this page knows.";
