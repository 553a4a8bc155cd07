/** Who holds what: every role and every function under a role, from the manager's events and from what it answers now. */
import { type Interface, type JsonRpcProvider, ZeroAddress } from "ethers";
import type { Deployment } from "../../sdk/src/deployment.ts";
import {
  AccessManager__factory,
  RiskEngine__factory,
  TimelockController__factory,
} from "../../typechain-types/index.js";
import type { DeploymentSettings } from "../parameters.ts";
import { ADMIN, GOVERNANCE, GRANTS, GUARDIAN, interfaces, selectors, type Target } from "../wiring.ts";
import { logsOf } from "./logs.ts";
import type { Report } from "./report.ts";

const ROLES: Readonly<Record<string, string>> = {
  [String(ADMIN)]: "ADMIN",
  [String(GOVERNANCE)]: "GOVERNANCE",
  [String(GUARDIAN)]: "GUARDIAN",
};
const nameOf = (role: bigint) => ROLES[String(role)] ?? `role ${role}`;

interface Scene {
  readonly report: Report;
  readonly provider: JsonRpcProvider;
  readonly deployment: Deployment;
  readonly governor: string | undefined;
  readonly guardian: string;
}

export async function checkRoles(
  report: Report,
  provider: JsonRpcProvider,
  deployment: Deployment,
  settings: DeploymentSettings,
): Promise<void> {
  const { governor, guardian } = settings;
  const at = governor?.kind === "existing" ? governor.address : (deployment.timelock ?? undefined);
  const scene = { report, provider, deployment, governor: at, guardian };
  if (at === undefined) report.require(false, `Nobody governs but the deployer: it is not handed over yet.`);
  const holders = await readHolders(scene);
  checkHolders(scene, holders);
  await checkFunctions(scene);
  await checkOddities(scene);
  if (deployment.timelock !== null && governor?.kind === "timelock")
    await checkTimelock(scene, deployment.timelock, governor);
  const { accounts } = await RiskEngine__factory.connect(deployment.contracts.risk, provider).reporters();
  report.require(
    !accounts.includes(deployment.deployer),
    `The deployer, ${deployment.deployer}, may sign drawdown signals.`,
  );
}

type Holders = ReadonlyMap<bigint, readonly string[]>;

/** Everybody who was ever granted a role and has it now. */
async function readHolders({ report, provider, deployment, governor, guardian }: Scene): Promise<Holders> {
  const { contracts, startBlock, deployer } = deployment;
  const manager = AccessManager__factory.connect(contracts.manager, provider);
  const granted = await logsOf(provider, contracts.manager, startBlock, manager.filters.RoleGranted().fragment);
  const candidates = new Map<bigint, Set<string>>();
  for (const { args } of granted) {
    const role = args.roleId as bigint;
    candidates.set(role, (candidates.get(role) ?? new Set()).add(args.account as string));
  }
  const holders = new Map<bigint, string[]>();
  for (const [role, accounts] of [...candidates].sort(([a], [b]) => Number(a - b)))
    for (const account of accounts) {
      const { isMember, executionDelay } = await manager.hasRole(role, account);
      if (!isMember) continue;
      holders.set(role, [...(holders.get(role) ?? []), account]);
      const who = { [deployer]: "the deployer", [guardian]: "the guardian", [governor ?? ""]: "the governor" }[account];
      const delay = executionDelay === 0n ? "" : `, delay ${executionDelay} s`;
      report.holders.push({ role: nameOf(role), account, who: `${who ?? "somebody else"}${delay}` });
    }
  return holders;
}

function checkHolders({ report, deployment: { deployer }, governor, guardian }: Scene, holders: Holders): void {
  for (const [role, accounts] of holders)
    for (const account of accounts) {
      const rightful = role === GUARDIAN ? guardian : role === ADMIN || role === GOVERNANCE ? governor : undefined;
      if (account === deployer) report.require(false, `The deployer, ${deployer}, kept ${nameOf(role)}.`);
      else report.require(account === rightful, `${account} holds ${nameOf(role)}; expected ${rightful ?? "nobody"}.`);
    }
  for (const [role, rightful] of [
    [ADMIN, governor],
    [GOVERNANCE, governor],
    [GUARDIAN, guardian],
  ] as const)
    if (rightful !== undefined)
      report.require(holders.get(role)?.includes(rightful) ?? false, `${rightful} does not hold ${nameOf(role)}.`);
}

/** Every function of every contract that asks the manager has the role of the wiring, and the deployer may call none under a role. */
async function checkFunctions({ report, provider, deployment: { contracts, deployer } }: Scene): Promise<void> {
  const manager = AccessManager__factory.connect(contracts.manager, provider);
  const targets = [...new Set(GRANTS.map(({ target }) => target))];
  const kept: string[] = [];
  for (const target of targets) {
    const expected = new Map(
      GRANTS.filter((grant) => grant.target === target).flatMap(({ role, functions }) =>
        selectors(target, functions).map((selector) => [selector, role] as const),
      ),
    );
    const reads = functionsOf(interfaces[target]).map(async ({ name, selector }) => {
      const [role, canCall] = await Promise.all([
        manager.getTargetFunctionRole(contracts[target], selector),
        manager.canCall(deployer, contracts[target], selector),
      ]);
      return { name: `${target}.${name}`, role, rightful: expected.get(selector) ?? ADMIN, canCall: canCall.immediate };
    });
    for (const { name, role, rightful, canCall } of await Promise.all(reads)) {
      report.require(role === rightful, `${name} is for ${nameOf(role)}; expected ${nameOf(rightful)}.`);
      if (rightful !== ADMIN || role !== ADMIN) {
        report.powers.push({ function: name, role: nameOf(role) });
        if (canCall) kept.push(name);
      }
    }
    report.require(!(await manager.isTargetClosed(contracts[target])), `The manager has closed ${target}.`);
  }
  report.require(kept.length === 0, `The deployer, ${deployer}, may call ${kept.join(", ")}.`);
}

const functionsOf = (abi: Interface): { name: string; selector: string }[] => {
  const found: { name: string; selector: string }[] = [];
  abi.forEachFunction(({ name, selector, stateMutability }) => {
    if (stateMutability !== "view" && stateMutability !== "pure") found.push({ name, selector });
  });
  return found;
};

/** What no deployment of ours does to its manager. */
async function checkOddities({ report, provider, deployment: { contracts, startBlock } }: Scene): Promise<void> {
  const manager = AccessManager__factory.connect(contracts.manager, provider);
  const { filters } = manager;
  const known = new Set<string>(Object.values(contracts));
  const updated = await logsOf(provider, contracts.manager, startBlock, filters.TargetFunctionRoleUpdated().fragment);
  for (const { args } of updated)
    report.require(
      known.has(args.target as string),
      `A function of ${args.target}, which is not ours, was given a role.`,
    );
  for (const role of [ADMIN, GOVERNANCE, GUARDIAN]) {
    report.expect(`The role that gives ${nameOf(role)}`, nameOf(await manager.getRoleAdmin(role)), "ADMIN");
    report.expect(
      `The role that cancels what ${nameOf(role)} has scheduled`,
      nameOf(await manager.getRoleGuardian(role)),
      "ADMIN",
    );
  }
  for (const target of new Set<Target>(GRANTS.map((grant) => grant.target)))
    report.expect(`The delay of changing roles of ${target}`, await manager.getTargetAdminDelay(contracts[target]), 0n);
}

/** The deployer's way back in would be a role in the timelock. */
async function checkTimelock(
  { report, provider, deployment: { startBlock, deployer } }: Scene,
  at: string,
  { delay, proposers, executors }: { delay: number; proposers: readonly string[]; executors: readonly string[] },
): Promise<void> {
  const timelock = TimelockController__factory.connect(at, provider);
  report.expect("timelock.getMinDelay", await timelock.getMinDelay(), delay);
  const roles = new Map<string, { name: string; rightful: readonly string[] }>([
    [await timelock.DEFAULT_ADMIN_ROLE(), { name: "admin of the timelock", rightful: [at] }],
    [await timelock.PROPOSER_ROLE(), { name: "proposer of the timelock", rightful: proposers }],
    [await timelock.CANCELLER_ROLE(), { name: "canceller of the timelock", rightful: proposers }],
    [await timelock.EXECUTOR_ROLE(), { name: "executor of the timelock", rightful: executors }],
  ]);
  const granted = await logsOf(provider, at, startBlock, timelock.filters.RoleGranted().fragment);
  for (const { args } of granted) {
    const [role, account] = [args.role as string, args.account as string];
    if (!(await timelock.hasRole(role, account))) continue;
    const { name, rightful } = roles.get(role) ?? { name: role, rightful: [] };
    report.holders.push({
      role: name,
      account,
      who: account === ZeroAddress ? "anybody" : account === at ? "itself" : "",
    });
    if (account === deployer) report.require(false, `The deployer, ${deployer}, kept ${name}.`);
    else report.require(rightful.includes(account), `${account} is ${name}; expected ${rightful.join(", ")}.`);
  }
  for (const [role, { name, rightful }] of roles)
    for (const account of rightful) report.require(await timelock.hasRole(role, account), `${account} is not ${name}.`);
}
