/** Everything that the portfolio shows, at one block. */
import type { Address } from "../../../sdk/src/deployment.ts";
import { type MarginAccount, readAccount } from "./account.ts";
import { type Deficit, readDeficit } from "./deficit.ts";
import { type Provision, readLiquidity } from "./liquidity.ts";
import { type MarketView, readMarkets } from "./markets.ts";
import { type Pools, readPools } from "./pools.ts";
import { latest, type Moment, type Reader } from "./reader.ts";

export interface PortfolioData {
  readonly block: Moment;
  readonly markets: readonly MarketView[];
  readonly pools: Pools;
  readonly deficit: Deficit;
  readonly account: MarginAccount | undefined;
  readonly liquidity: readonly Provision[]; // of the owner, one a market; empty without one
}

export async function readPortfolio(reader: Reader, owner: Address | undefined): Promise<PortfolioData> {
  const block = await latest(reader);
  const [markets, pools, deficit] = await Promise.all([
    readMarkets(reader, block),
    readPools(reader, block),
    readDeficit(reader, block),
  ]);
  const shared = { block, markets, pools, deficit };
  if (owner === undefined) return { ...shared, account: undefined, liquidity: [] };
  const [account, liquidity] = await Promise.all([
    readAccount(reader, owner, markets, block),
    readLiquidity(reader, owner, markets, block),
  ]);
  return { ...shared, account, liquidity };
}

export const portfolioQuery = (reader: Reader, owner: Address | undefined) => ({
  queryKey: ["portfolio", reader.deployment.contracts.engine, owner ?? "nobody"],
  queryFn: () => readPortfolio(reader, owner),
  refetchInterval: reader.client.pollingInterval,
});
