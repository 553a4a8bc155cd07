/** What acting on an unhealthy account would do and pay, each way tried on the node with what the caller's own account has behind it. */
import { decodeFunctionResult, encodeFunctionData, type Hex } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import { accountOf } from "./account.ts";
import type { Moment, Reader } from "./reader.ts";
import { answerOf } from "./refusal.ts";

const abi = MarginEngineAbi;
const ALL_LOTS = 2n ** 56n - 1n;

export type Way =
  /** Through the AMM's depth, no capital needed. */
  | { readonly kind: "amm"; readonly market: number }
  /** Into the caller's own account. */
  | { readonly kind: "into"; readonly market: number }
  /** The pool takes every position over. */
  | { readonly kind: "takeover" };

export type Rescue = Way & {
  /** {u} by which the caller's own account is worth more behind it, at the mark. */
  readonly pays: bigint;
  readonly lots: bigint; // {lot} closed; 0 of a takeover: all there are
  readonly penalty: bigint; // {u} that the account pays; 0 of a takeover
};

const calldataOf = (id: bigint, way: Way, actor: Address): Hex => {
  const into = accountOf(actor);
  switch (way.kind) {
    case "takeover":
      return encodeFunctionData({ abi, functionName: "takeover", args: [id, into] });
    case "amm":
      return encodeFunctionData({ abi, functionName: "liquidateToAmm", args: [id, way.market, into, ALL_LOTS, 0n] });
    case "into":
      return encodeFunctionData({ abi, functionName: "liquidate", args: [id, way.market, into, ALL_LOTS, 0n] });
  }
};

/** The call that is sent: the same that was tried. */
export const rescueCall = ({ deployment }: Reader, id: bigint, way: Way, actor: Address) => ({
  ...{ address: deployment.contracts.engine, abi },
  ...(way.kind === "takeover"
    ? { functionName: "takeover", args: [id, accountOf(actor)] }
    : {
        functionName: way.kind === "amm" ? "liquidateToAmm" : "liquidate",
        args: [id, way.market, accountOf(actor), ALL_LOTS, 0n],
      }),
});

/** Every way that would succeed now, those that need no capital first. @param markets in which the account has a position */
export async function readRescues(
  reader: Reader,
  id: bigint,
  markets: readonly number[],
  actor: Address,
  block: Moment,
): Promise<Rescue[]> {
  const ways: Way[] = [
    { kind: "takeover" },
    ...markets.map((market): Way => ({ kind: "amm", market })),
    ...markets.map((market): Way => ({ kind: "into", market })),
  ];
  const tried = await Promise.all(ways.map((way) => answerOf(tryOne(reader, id, way, actor, block))));
  return tried.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

async function tryOne(reader: Reader, id: bigint, way: Way, actor: Address, block: Moment): Promise<Rescue> {
  const { client, deployment } = reader;
  const own = { abi, functionName: "health", args: [accountOf(actor), Valuation.MARK] } as const;
  const worth = encodeFunctionData(own);
  const { result } = await client.simulateContract({
    ...{ address: deployment.contracts.engine, abi, functionName: "multicall", account: actor },
    ...{ args: [[worth, calldataOf(id, way, actor), worth]], blockNumber: block.number },
  });
  const [before = "0x", done = "0x", after = "0x"] = result;
  const equityOf = (data: Hex) => decodeFunctionResult({ ...own, data }).equity;
  const pays = equityOf(after) - equityOf(before);
  if (way.kind === "takeover") return { ...way, pays, lots: 0n, penalty: 0n };
  const functionName = way.kind === "amm" ? "liquidateToAmm" : "liquidate";
  const [lots, penalty] = decodeFunctionResult({ abi, functionName, data: done });
  return { ...way, pays, lots, penalty };
}
