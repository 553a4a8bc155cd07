/** A live deployment around a token and feeds that exist: markets of ETH and BTC. The deployer governs it until it is handed over. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { BTC, ETH, PRICE_IDS } from "../markets.ts";
import { STACK } from "../stack.ts";
import { wireCore, wireMarket, wireStack } from "../wiring.ts";

export default buildModule("Backstop", (m) => {
  const { connected, ...core } = wireCore(
    m,
    m.getParameter<string>("token"),
    m.getParameter<string>("guardian"),
    m.getParameter<string>("treasury"),
  );
  wireStack(m, { ...core, connected }, STACK);

  const pyth = m.getParameter<string>("pyth");
  // Asked for on every chain, so that nobody forgets it on a rollup: the zero address says that there is none.
  const sequencer = m.getParameter<string>("sequencer");
  const maxAge = m.getParameter<number>("feedMaxAge", ETH.feed.maxAge);
  const markets = [
    { config: ETH, aggregator: m.getParameter<string>("ethUsdFeed"), priceId: PRICE_IDS.ETH },
    { config: BTC, aggregator: m.getParameter<string>("btcUsdFeed"), priceId: PRICE_IDS.BTC },
  ];
  for (const [index, { config, aggregator, priceId }] of markets.entries())
    wireMarket(
      m,
      { ...core, connected },
      { ...config, index, aggregator, feed: { ...config.feed, maxAge, sequencer }, second: { pyth, priceId } },
    );
  return core;
});
