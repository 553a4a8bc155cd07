/** What a trade would get and do now: the AMM's quote, and the very transaction tried on the node. */
import { type Address, encodeFunctionData } from "viem";
import { BackstopAMMAbi, MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { TradeQuote } from "../lib/order.ts";
import { accountOf } from "./account.ts";
import { foresee } from "./foresight.ts";
import type { PortfolioData } from "./portfolioPage.ts";
import type { Moment, Reader } from "./reader.ts";
import { answerOf, keepOf } from "./refusal.ts";

export interface Order {
  readonly market: number;
  readonly lots: bigint; // {lot} positive buys
  readonly limit: bigint; // {u}
  readonly deadline: bigint; // {s}
  readonly reduceOnly: boolean;
}

/** @param lots {lot} positive buys */
export function tradeQuery(reader: Reader, market: number, lots: bigint, block: Moment) {
  const subject = `${market} ${lots}`;
  return {
    queryKey: ["trade", subject, block.number.toString()],
    queryFn: () => answerOf(readQuote(reader, market, lots, block)),
    placeholderData: keepOf(subject),
  };
}

async function readQuote(reader: Reader, market: number, lots: bigint, block: Moment): Promise<TradeQuote> {
  const [taken, total] = await reader.client.readContract({
    ...{ address: reader.deployment.contracts.amm, abi: BackstopAMMAbi, functionName: "quote", args: [market, lots] },
    blockNumber: block.number,
  });
  const { curveLots, bandLots, curveQuote, bandQuote } = taken;
  return { total, fromCurve: curveLots, fromPool: bandLots, quote: curveQuote + bandQuote };
}

/** The call of a trade, as it is tried and as it is sent. */
export const tradeCall = ({ deployment }: Reader, account: bigint, { market, ...order }: Order) =>
  ({
    ...({ address: deployment.contracts.engine, abi: MarginEngineAbi, functionName: "trade" } as const),
    args: [{ ...order, account, market, deadline: Number(order.deadline) }],
  }) as const;

/** The account behind the trade, or what the engine refuses. */
export function tradedQuery(reader: Reader, owner: Address, order: Order, { markets, block }: PortfolioData) {
  const subject = `${owner} ${order.market} ${order.lots} ${order.reduceOnly}`;
  return {
    queryKey: ["traded", subject, order.limit.toString(), block.number.toString()],
    queryFn: () => {
      const call = encodeFunctionData(tradeCall(reader, accountOf(owner), order));
      return answerOf(foresee(reader, owner, call, markets, block));
    },
    placeholderData: keepOf(subject),
  };
}
