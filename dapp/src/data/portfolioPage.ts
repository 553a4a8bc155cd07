/** Everything that the portfolio shows, at one block; and what a trade or a withdrawal would do. */
import { BackstopAMMAbi, MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { type MarginAccount, readAccount } from "./account.ts";
import { type MarketView, readMarkets } from "./markets.ts";
import { type Pools, readPools } from "./pools.ts";
import { latest, type Moment, type Reader, snapshotAt } from "./reader.ts";

export interface PortfolioData {
  readonly block: Moment;
  readonly markets: readonly MarketView[];
  readonly pools: Pools;
  readonly account: MarginAccount | undefined;
  readonly internalBalance: bigint; // {asset}
}

export async function readPortfolio(reader: Reader, owner: Address | undefined): Promise<PortfolioData> {
  const block = await latest(reader);
  const [markets, pools, [internalBalance]] = await Promise.all([
    readMarkets(reader, block),
    readPools(reader, block),
    reader.client.multicall({
      ...snapshotAt(block),
      contracts: [{ ...engineOf(reader), functionName: "internalBalance" }],
    }),
  ]);
  const account = owner === undefined ? undefined : await readAccount(reader, owner, markets, block);
  return { block, markets, pools, account, internalBalance };
}

const engineOf = ({ deployment }: Reader) => ({ address: deployment.contracts.engine, abi: MarginEngineAbi }) as const;

export const portfolioQuery = (reader: Reader, owner: Address | undefined) => ({
  queryKey: ["portfolio", reader.deployment.contracts.engine, owner ?? "nobody"],
  queryFn: () => readPortfolio(reader, owner),
  refetchInterval: reader.client.pollingInterval,
});

export interface TradeQuote {
  readonly total: bigint; // {u} paid or received, fees included
  readonly fromCurve: bigint; // {lot}
  readonly fromPool: bigint; // {lot}
  readonly quote: bigint; // {u} without fees
}

/** What a trade would get now, from the AMM itself. @param lots {lot} positive buys */
export const tradeQuery = (reader: Reader, market: number, lots: bigint, block: Moment) => ({
  queryKey: ["trade", market, lots.toString(), block.number.toString()],
  queryFn: async (): Promise<TradeQuote> => {
    const [taken, total] = await reader.client.readContract({
      ...{ address: reader.deployment.contracts.amm, abi: BackstopAMMAbi, functionName: "quote", args: [market, lots] },
      blockNumber: block.number,
    });
    const { curveLots, bandLots, curveQuote, bandQuote } = taken;
    return { total, fromCurve: curveLots, fromPool: bandLots, quote: curveQuote + bandQuote };
  },
});

/** {asset} what a withdrawal of `amount` would pay now: less than asked for while a deficit stands. */
export const withdrawalQuery = (reader: Reader, owner: Address, id: bigint, amount: bigint, block: Moment) => ({
  queryKey: ["withdrawal", owner, amount.toString(), block.number.toString()],
  queryFn: async (): Promise<bigint> => {
    const call = { ...engineOf(reader), functionName: "withdraw", args: [id, amount, 0n, owner] } as const;
    return (await reader.client.simulateContract({ ...call, account: owner })).result;
  },
});
