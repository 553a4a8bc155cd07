/** Gives the deployer's powers over a live deployment to a governor that exists, for good. Not to the deployer itself. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { handOver, type IgnitionModule } from "../wiring.ts";
import Backstop from "./Backstop.ts";

/** `last` is the last module that needs the deployer. */
export const handOverModule = (last: IgnitionModule) =>
  buildModule("HandOver", (m) => {
    const core = m.useModule(Backstop);
    handOver(m, core.manager, m.getParameter<string>("governor"), last);
    return core;
  });

export default handOverModule(Backstop);
