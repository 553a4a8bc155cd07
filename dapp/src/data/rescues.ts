/** What acting on an unhealthy account would do and pay, each way tried on the node with what the caller's own account has behind it. */
import { decodeFunctionResult, encodeFunctionData, type Hex } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import { ONE } from "../../../sdk/src/units.ts";
import { accountOf } from "./account.ts";
import type { Moment, Reader } from "./reader.ts";
import { answerOf } from "./refusal.ts";

const abi = MarginEngineAbi;

export type Way =
  /** Through the AMM's depth, no capital needed. */
  | { readonly kind: "amm"; readonly market: number }
  /** Into the caller's own account. */
  | { readonly kind: "into"; readonly market: number }
  /** The pool takes every position over. */
  | { readonly kind: "takeover" };

/** What a liquidation must be when it is mined. */
export interface Limits {
  readonly maxLots: bigint; // {lot} closed at most
  readonly minDiscount: bigint; // D18{1} penalty for each u of what is closed
}

const ANY: Limits = { maxLots: 2n ** 56n - 1n, minDiscount: 0n };

/**
 * For one that was tried at `price` {u/lot}: no more than a fiftieth above what was shown, which the caller may have to carry, and for
 * no less than nine tenths of its penalty.
 */
export const limitsOf = (
  { lots, penalty }: { readonly lots: bigint; readonly penalty: bigint },
  price: bigint,
): Limits => ({
  maxLots: lots + lots / 50n + 1n,
  minDiscount: lots === 0n ? 0n : (penalty * ONE * 9n) / (lots * price * 10n),
});

export type Rescue = Way & {
  /** {u} by which the caller's own account is worth more behind it, at the mark. */
  readonly pays: bigint;
  readonly lots: bigint; // {lot} closed; 0 of a takeover: all there are
  readonly penalty: bigint; // {u} that the account pays; 0 of a takeover
  readonly limits: Limits; // of the call that is sent; a takeover has none
};

/** The call as it is tried, without limits, and as it is sent. */
export function rescueCall(
  { deployment }: Reader,
  id: bigint,
  way: Way,
  actor: Address,
  { maxLots, minDiscount }: Limits,
) {
  const engine = { address: deployment.contracts.engine, abi } as const;
  const into = accountOf(actor);
  if (way.kind === "takeover") return { ...engine, functionName: "takeover", args: [id, into] } as const;
  const functionName = way.kind === "amm" ? "liquidateToAmm" : "liquidate";
  return { ...engine, functionName, args: [id, way.market, into, maxLots, minDiscount] } as const;
}

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
  const call = encodeFunctionData(rescueCall(reader, id, way, actor, ANY));
  const market = { abi, functionName: "markets", args: [way.kind === "takeover" ? 0 : way.market] } as const;
  const { result } = await client.simulateContract({
    ...{ address: deployment.contracts.engine, abi, functionName: "multicall", account: actor },
    ...{ args: [[worth, call, worth, encodeFunctionData(market)]], blockNumber: block.number },
  });
  const [before = "0x", done = "0x", after = "0x", synced = "0x"] = result;
  const equityOf = (data: Hex) => decodeFunctionResult({ ...own, data }).equity;
  const pays = equityOf(after) - equityOf(before);
  if (way.kind === "takeover") return { ...way, pays, lots: 0n, penalty: 0n, limits: ANY };
  const functionName = way.kind === "amm" ? "liquidateToAmm" : "liquidate";
  const [lots, penalty] = decodeFunctionResult({ abi, functionName, data: done });
  const { price } = decodeFunctionResult({ ...market, data: synced });
  return { ...way, pays, lots, penalty, limits: limitsOf({ lots, penalty }, price) };
}
