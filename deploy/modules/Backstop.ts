/** A live deployment around a token and a feed that exist. The deployer governs it until HandOver. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ETH } from "../markets.ts";
import { wireCore, wireMarket } from "../wiring.ts";

export default buildModule("Backstop", (m) => {
  const guardian = m.getParameter("guardian", m.getAccount(0));
  const treasury = m.getParameter<string>("treasury");
  const { connected, ...core } = wireCore(m, m.getParameter<string>("token"), guardian, treasury);
  const aggregator = m.getParameter<string>("ethUsdFeed");
  wireMarket(m, { ...core, connected }, { index: 0, ...ETH, aggregator });
  return core;
});
