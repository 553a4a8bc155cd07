/** The providers' curves and what an owner has in them, at one block; and what joining or leaving would give. */
import type { Address } from "viem";
import { BackstopAMMAbi, MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import { accountOf } from "./account.ts";
import type { MarketView } from "./markets.ts";
import { type Moment, type Reader, snapshotAt } from "./reader.ts";
import { answerOf, keepOf } from "./refusal.ts";

export interface Provision {
  readonly view: MarketView;
  readonly shares: bigint; // {share} of the owner, 12 decimals
  readonly supply: bigint; // {share}
  readonly equity: bigint; // {u} of the curve at the mark
  readonly lots: bigint; // {lot} its position
  readonly depth: bigint; // {u} reserve on either side of the price
  readonly feePpm: bigint; // {ppm} of what the curve trades, to those who hold shares
  readonly jumpFeePpm: bigint; // {ppm} more, after a jump of the index
}

export const SHARE_DECIMALS = 12;

const ammOf = ({ deployment }: Reader) => ({ address: deployment.contracts.amm, abi: BackstopAMMAbi }) as const;

async function readProvision(reader: Reader, owner: Address, view: MarketView, block: Moment): Promise<Provision> {
  const [amm, { client, deployment }] = [ammOf(reader), reader];
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi } as const;
  const market = [view.index] as const;
  const [curve, id, account, jumpFeePpm] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...amm, functionName: "curves", args: market },
      { ...amm, functionName: "shareId", args: market },
      { ...amm, functionName: "accountOf", args: market },
      { ...amm, functionName: "jumpFeeOf", args: market },
    ],
  });
  const [shares, supply, { equity }, { lots }] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...amm, functionName: "balanceOf", args: [owner, id] },
      { ...amm, functionName: "totalSupply", args: [id] },
      { ...engine, functionName: "health", args: [account, Valuation.MARK] },
      { ...engine, functionName: "positions", args: [account, view.index] },
    ],
  });
  return { view, shares, supply, equity, lots, depth: curve.quote, feePpm: BigInt(curve.feePpm), jumpFeePpm };
}

export const readLiquidity = (reader: Reader, owner: Address, markets: readonly MarketView[], block: Moment) =>
  Promise.all(markets.map((view) => readProvision(reader, owner, view, block)));

/** Cash of a margin account for shares. */
export interface Joining {
  readonly market: number;
  readonly cash: bigint; // {u}
}

/** Shares for cash, or for their part of everything. */
export interface Leaving {
  readonly market: number;
  readonly shares: bigint; // {share}
  readonly inKind: boolean;
}

/** @param minShares {share} */
export const joinCall = (reader: Reader, owner: Address, { market, cash }: Joining, minShares: bigint) =>
  ({
    ...ammOf(reader),
    functionName: "addLiquidity",
    args: [market, accountOf(owner), cash, minShares],
  }) as const;

/** @param minCash {u} */
export const leaveCall = (reader: Reader, owner: Address, { market, shares, inKind }: Leaving, minCash: bigint) =>
  ({
    ...ammOf(reader),
    functionName: "removeLiquidity",
    args: [market, accountOf(owner), shares, inKind, minCash],
  }) as const;

/** {share} that joining would give, or what is refused. */
export function joinQuery(reader: Reader, owner: Address, joining: Joining, block: Moment) {
  const subject = `${owner} ${joining.market} ${joining.cash}`;
  const read = async (): Promise<bigint> => {
    const call = { ...joinCall(reader, owner, joining, 0n), account: owner, blockNumber: block.number };
    return (await reader.client.simulateContract(call)).result;
  };
  return {
    queryKey: ["join", subject, block.number.toString()],
    queryFn: () => answerOf(read()),
    placeholderData: keepOf(subject),
  };
}

export interface Left {
  readonly lots: bigint; // {lot} signed, that would go to the margin account
  readonly cash: bigint; // {u}
}

/** What leaving would give, or what is refused. */
export function leaveQuery(reader: Reader, owner: Address, leaving: Leaving, block: Moment) {
  const subject = `${owner} ${leaving.market} ${leaving.shares} ${leaving.inKind}`;
  const read = async (): Promise<Left> => {
    const call = { ...leaveCall(reader, owner, leaving, 0n), account: owner, blockNumber: block.number };
    const [lots, cash] = (await reader.client.simulateContract(call)).result;
    return { lots, cash };
  };
  return {
    queryKey: ["leave", subject, block.number.toString()],
    queryFn: () => answerOf(read()),
    placeholderData: keepOf(subject),
  };
}
