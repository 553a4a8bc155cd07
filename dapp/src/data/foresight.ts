/** What a transaction of the engine would do to the account that sends it: tried on the node, with the account as it would be left. */
import { type Address, decodeFunctionResult, encodeFunctionData, type Hex } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import { accountOf, type Standing, standingOf } from "./account.ts";
import type { MarketView } from "./markets.ts";
import type { Moment, Reader } from "./reader.ts";

const abi = MarginEngineAbi;

export interface Foreseen {
  readonly result: Hex; // of the call itself, not decoded
  readonly after: Standing;
}

/**
 * The engine runs the calls of one multicall one after the other, so what is read behind the call is what it leaves.
 * Throws what the call would revert with.
 */
export async function foresee(
  { client, deployment }: Reader,
  owner: Address,
  call: Hex,
  markets: readonly MarketView[],
  block: Moment,
): Promise<Foreseen> {
  const id = accountOf(owner);
  const health = (valuation: Valuation) => ({ abi, functionName: "health", args: [id, valuation] }) as const;
  const account = { abi, functionName: "accounts", args: [id] } as const;
  const claim = { abi, functionName: "claims", args: [id] } as const;
  const held = markets.map(({ index }) => ({ abi, functionName: "positions", args: [id, index] }) as const);
  const [mark, favourable, unfavourable] = [
    health(Valuation.MARK),
    health(Valuation.FAVOURABLE),
    health(Valuation.UNFAVOURABLE),
  ];
  const { result } = await client.simulateContract({
    ...{ address: deployment.contracts.engine, abi, functionName: "multicall", account: owner },
    args: [
      [
        ...[call, encodeFunctionData(account), encodeFunctionData(claim)],
        ...[encodeFunctionData(mark), encodeFunctionData(favourable), encodeFunctionData(unfavourable)],
        ...held.map((position) => encodeFunctionData(position)),
      ],
    ],
    blockNumber: block.number,
  });
  const at = (index: number): Hex => {
    const data = result[index];
    if (data === undefined) throw new RangeError(`The engine answered ${result.length} calls, not ${index + 1}`);
    return data;
  };
  const told = {
    account: decodeFunctionResult({ ...account, data: at(1) }),
    claim: decodeFunctionResult({ ...claim, data: at(2) }),
    healths: [
      decodeFunctionResult({ ...mark, data: at(3) }),
      decodeFunctionResult({ ...favourable, data: at(4) }),
      decodeFunctionResult({ ...unfavourable, data: at(5) }),
    ],
    positions: held.map((position, i) => decodeFunctionResult({ ...position, data: at(6 + i) })),
  } as const;
  return { result: at(0), after: standingOf(told, markets) };
}
