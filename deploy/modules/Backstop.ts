/** A live deployment: the settlement token and the feed are given, the governor is a timelock. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ETH } from "../markets.ts";
import { giveRoles, wireCore, wireMarket } from "../wiring.ts";

export default buildModule("Backstop", (m) => {
  const deployer = m.getAccount(0);
  const core = wireCore(m, m.getParameter<string>("token"));
  const listed = wireMarket(m, core, { index: 0, ...ETH, aggregator: m.getParameter<string>("ethUsdFeed") });
  giveRoles(
    m,
    core,
    { governor: m.getParameter("governor", deployer), guardian: m.getParameter("guardian", deployer) },
    [listed],
  );

  const { connected: _, ...contracts } = core;
  return contracts;
});
