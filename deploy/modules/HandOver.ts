/** Gives the deployer's powers over a live deployment to a governor, a timelock, for good. Not to the deployer itself. */
import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { GOVERNANCE } from "../wiring.ts";
import Backstop from "./Backstop.ts";

const ADMIN = 0n; // ADMIN_ROLE of the AccessManager: grants and revokes all others

export default buildModule("HandOver", (m) => {
  const core = m.useModule(Backstop);
  const { manager } = core;
  const deployer = m.getAccount(0);
  const governor = m.getParameter<string>("governor");

  const granted = [
    m.call(manager, "grantRole", [GOVERNANCE, governor, 0], { id: "grantGovernance" }),
    m.call(manager, "grantRole", [ADMIN, governor, 0], { id: "grantAdmin" }),
  ];
  const renounced = m.call(manager, "renounceRole", [GOVERNANCE, deployer], { id: "giveUpGovernance", after: granted });
  m.call(manager, "renounceRole", [ADMIN, deployer], { id: "giveUpAdmin", after: [renounced] });
  return core;
});
