/** A third market, of a coin of thin liquidity, beside those of a live deployment that is not handed over yet. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ALT } from "../markets.ts";
import { wireMarket } from "../wiring.ts";
import Backstop from "./Backstop.ts";

const INDEX = 2; // after those of Backstop

export default buildModule("Alt", (m) => {
  const core = m.useModule(Backstop);
  wireMarket(
    m,
    { ...core, connected: Backstop },
    {
      ...ALT,
      index: INDEX,
      aggregator: m.getParameter<string>("feed"),
      feed: {
        ...ALT.feed,
        maxAge: m.getParameter<number>("feedMaxAge", ALT.feed.maxAge),
        sequencer: m.getParameter<string>("sequencer"),
      },
      second: { pyth: m.getParameter<string>("pyth"), priceId: m.getParameter<string>("priceId") },
    },
  );
  return core;
});
