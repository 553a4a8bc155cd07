/** Deploys a timelock and gives it the deployer's powers over a live deployment, for good. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ZeroAddress } from "ethers";
import { handOver, type IgnitionModule } from "../wiring.ts";
import Backstop from "./Backstop.ts";

/** `last` is the last module that needs the deployer. */
export const timelockModule = (last: IgnitionModule) =>
  buildModule("Timelock", (m) => {
    const core = m.useModule(Backstop);
    const timelock = m.contract("TimelockController", [
      m.getParameter<number>("delay"), // {s} between a proposal and its execution
      m.getParameter<string[]>("proposers"), // they may cancel too
      m.getParameter<string[]>("executors"), // the zero address among them: anybody
      ZeroAddress, // no admin but itself: changing its roles takes a proposal and the delay
    ]);
    handOver(m, core.manager, timelock, last);
    return { ...core, timelock };
  });

export default timelockModule(Backstop);
