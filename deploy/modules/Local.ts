/** Everything on a local chain: a token anyone may mint, feeds anyone may set, and the wiring of a live deployment. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ETH, type MarketConfig } from "../markets.ts";
import { wireCore, wireMarket } from "../wiring.ts";

const FEED_DECIMALS = 8;

export interface LocalMarket {
  readonly config: MarketConfig;
  readonly answer: bigint; // {1e-8 USD/coin} first answer of the feed
}

export interface LocalOptions {
  readonly decimals: number;
  readonly markets: readonly LocalMarket[];
}

/** Feeds come back as `feed0`, `feed1`, ... in the order of `markets`. */
export function localModule({ decimals, markets }: LocalOptions) {
  return buildModule("Local", (m) => {
    const token = m.contract("MockToken", ["USD", decimals]);
    const { connected, ...core } = wireCore(m, token, m.getAccount(1), m.getAccount(2));
    const feeds = markets.map(({ config, answer }, index) => {
      const feed = m.contract("MockAggregator", [FEED_DECIMALS, answer], { id: `Feed${index}` });
      wireMarket(m, { ...core, connected }, { index, ...config, aggregator: feed });
      return feed;
    });
    return { token, ...core, ...Object.fromEntries(feeds.map((feed, index) => [`feed${index}`, feed])) };
  });
}

export default localModule({ decimals: 6, markets: [{ config: ETH, answer: 2_000n * 10n ** 8n }] });
