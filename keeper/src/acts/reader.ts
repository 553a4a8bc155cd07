/** What a pass asks the chain: the oracle's newest prices and the figures of each market, in few requests. */

import type { Deployment } from "../../../sdk/src/deployment.ts";
import { type Inventory, MarketStatus, type PriceState, type Quote } from "../../../sdk/src/types.ts";
import {
  IAggregatorV3__factory,
  IBackstopPool__factory,
  ICapitalStack__factory,
  IMarginEngine__factory,
  Oracle__factory,
} from "../../../typechain-types/index.js";
import { isRevert, type KeeperProvider } from "../chain/provider.ts";
import { NoNodeError, nodeFailure, RetryableError } from "../errors.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { MarketView } from "./markets.ts";

export type Reader = ReturnType<typeof createReader>;

export function createReader(provider: KeeperProvider, { contracts }: Deployment) {
  const engine = IMarginEngine__factory.connect(contracts.engine, provider);
  const oracle = Oracle__factory.connect(contracts.oracle, provider);
  const stack = ICapitalStack__factory.connect(contracts.stack, provider);
  const pools = {
    junior: IBackstopPool__factory.connect(contracts.junior, provider),
    senior: IBackstopPool__factory.connect(contracts.senior, provider),
  };

  async function quote(id: number): Promise<Quote | undefined> {
    try {
      const { price, low, high, slow, validUntil, edgeBps, state } = await oracle.quote(id, { blockTag: "pending" });
      return { price, low, high, slow, validUntil, edgeBps, state: Number(state) as PriceState }; // an enum of the ABI
    } catch (error) {
      if (isRevert(error)) return undefined;
      throw error;
    }
  }

  async function marketView(mirror: Mirror, id: number): Promise<MarketView> {
    const market = mirror.state.market(id);
    const [found, { lots, equity, cap }, recovery, second] = await Promise.all([
      market.status < MarketStatus.SETTLING ? quote(id) : undefined,
      engine.inventory(id),
      market.status >= MarketStatus.WINDING_DOWN ? engine.recovery(id) : undefined,
      oracle.secondNow(id),
    ]);
    const since = recovery?.since ?? 0n;
    const settlement = market.status === MarketStatus.SETTLING ? await oracle.secondPrice(id, since) : 0n;
    const inventory: Inventory = { lots, equity, cap };
    return { id, market, quote: found, inventory, since, second: { publishTime: second.publishTime, settlement } };
  }

  let lastUsd: bigint | undefined; // {u/coin}

  return {
    engine,
    oracle,
    stack,
    pools,
    marketView,

    /** {u/coin} of the coin that pays gas. Without an answer the last one will do: nobody waits for that feed. */
    async nativeUsd(feed: string, onFailure: (reason: string) => void): Promise<bigint> {
      try {
        const aggregator = IAggregatorV3__factory.connect(feed, provider);
        const [decimals, { answer }] = await Promise.all([aggregator.decimals(), aggregator.latestRoundData()]);
        if (answer <= 0n) throw new RetryableError(`The feed of the gas coin, ${feed}, answers ${answer}`);
        lastUsd = (answer * 10n ** 12n) / 10n ** decimals;
        return lastUsd;
      } catch (error) {
        const failure = nodeFailure(error);
        if (failure === undefined || failure instanceof NoNodeError || lastUsd === undefined) throw error;
        onFailure(failure.message);
        return lastUsd;
      }
    },
  };
}
