/** The one wiring of the contracts: live deployments, fixtures, drill and benchmarks all go through these functions. */
import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { Interface } from "ethers";
import {
  BackstopAMM__factory,
  BackstopPool__factory,
  CapitalStack__factory,
  MarginEngine__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../typechain-types/index.js";
import type { FeedParams, MarketParams, MarketRules, VolatilityLimits } from "./markets.ts";
import type { STACK } from "./stack.ts";

export type IgnitionModule = ReturnType<typeof buildModule>;
type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];
type Argument = NonNullable<Parameters<Builder["call"]>[2]>[number];
type Contract = Parameters<Builder["call"]>[0];
type Step = NonNullable<NonNullable<Parameters<Builder["call"]>[3]>["after"]>[number];

/** Role ids of the AccessManager: its own ADMIN_ROLE, and ours. docs/roles.md says what each can and cannot do. */
export const ADMIN = 0n;
export const GOVERNANCE = 1n;
export const GUARDIAN = 2n;

/** The contracts that ask the manager, with what it answers for: every function under `restricted`, and who may call it. */
export const GRANTS = [
  { id: "allowOracle", target: "oracle", role: GOVERNANCE, functions: ["configure", "configureSecond"] },
  {
    id: "allowEngine",
    target: "engine",
    role: GOVERNANCE,
    functions: ["wire", "setMarket", "setStatus", "setInventoryCap", "windDown"],
  },
  { id: "allowStack", target: "stack", role: GOVERNANCE, functions: ["setBudgets", "setTranches"] },
  {
    id: "allowRisk",
    target: "risk",
    role: GOVERNANCE,
    functions: ["setVolatilityLimits", "setReporters", "setModel", "setThreshold"],
  },
  { id: "allowAmm", target: "amm", role: GOVERNANCE, functions: ["setFee"] },
  { id: "allowJunior", target: "junior", role: GOVERNANCE, functions: ["setExitClocks"] },
  { id: "allowSenior", target: "senior", role: GOVERNANCE, functions: ["setExitClocks"] },
  { id: "allowPause", target: "engine", role: GUARDIAN, functions: ["pauseMarket"] },
  { id: "allowPauseJunior", target: "junior", role: GUARDIAN, functions: ["pause", "unpause"] },
  { id: "allowPauseSenior", target: "senior", role: GUARDIAN, functions: ["pause", "unpause"] },
] as const;

export type Target = (typeof GRANTS)[number]["target"];

export const interfaces: Readonly<Record<Target, Interface>> = {
  oracle: Oracle__factory.createInterface(),
  engine: MarginEngine__factory.createInterface(),
  stack: CapitalStack__factory.createInterface(),
  risk: RiskEngine__factory.createInterface(),
  amm: BackstopAMM__factory.createInterface(),
  junior: BackstopPool__factory.createInterface(),
  senior: BackstopPool__factory.createInterface(),
};

/** Selectors of a target's functions. */
export const selectors = (target: Target, names: readonly string[]): string[] =>
  names.map((name) => {
    const found = interfaces[target].getFunction(name);
    if (found === null) throw new Error(`No function ${name} in ${target} to give a role for`);
    return found.selector;
  });

/**
 * Deploys manager, oracle, engine, capital stack with its two pools, exchange and risk engine around a settlement token, connects them and gives
 * out the roles. The deployer governs until the HandOver module gives that away.
 */
export function wireCore(m: Builder, token: Argument, guardian: Argument, treasury: Argument) {
  const deployer = m.getAccount(0);
  const manager = m.contract("AccessManager", [deployer]);
  const oracle = m.contract("Oracle", [manager]);
  const MarketLib = m.library("MarketLib");
  const DeleverageLib = m.library("DeleverageLib", { libraries: { MarketLib } });
  const linked = { libraries: { DeleverageLib, MarketLib } };
  const libraries = {
    AmmLib: m.library("AmmLib", linked),
    CashLib: m.library("CashLib", linked),
    DeleverageLib,
    IncomeLib: m.library("IncomeLib", { libraries: { MarketLib } }),
    LiquidationLib: m.library("LiquidationLib", linked),
    MarketLib,
    TakeoverLib: m.library("TakeoverLib", linked),
    WindDownLib: m.library("WindDownLib", { libraries: { MarketLib } }),
  };
  const engine = m.contract("MarginEngine", [token, oracle, manager], { libraries });
  const stack = m.contract("CapitalStack", [token, engine, treasury, manager, "Backstop share", "BACK"]);
  const tranche = (id: string) =>
    m.contractAt("BackstopPool", m.staticCall(stack, id, [], 0, { id: `${id}At` }), { id });
  const [junior, senior] = [tranche("junior"), tranche("senior")];
  const exchange = m.contract("Exchange", [engine]);
  const risk = m.contract("RiskEngine", [engine, manager]);
  const amm = m.contract("BackstopAMM", [engine, manager]);

  const targets: Record<Target, Contract> = { oracle, engine, stack, risk, amm, junior, senior };
  const roles = [
    ...GRANTS.map(({ id, target, role, functions }) =>
      m.call(manager, "setTargetFunctionRole", [targets[target], selectors(target, functions), role], { id }),
    ),
    m.call(manager, "grantRole", [GOVERNANCE, deployer, 0], { id: "grantGovernance" }),
    m.call(manager, "grantRole", [GUARDIAN, guardian, 0], { id: "grantGuardian" }),
  ];
  const connected = m.call(engine, "wire", [stack, exchange, risk, amm], {
    id: "connect",
    after: roles,
    from: deployer,
  });
  return { manager, oracle, engine, stack, junior, senior, exchange, risk, amm, ...libraries, connected };
}

type Core = ReturnType<typeof wireCore>;

/** Sets the terms of the capital stack. A deployment that does not has those of its constructor, the same. */
export function wireStack(m: Builder, core: Pick<Core, "stack" | "connected">, terms: typeof STACK) {
  const { marketDayBps, windowBps, attachmentBps, juniorWeightBps, treasuryBps } = terms;
  const after = [core.connected];
  m.call(core.stack, "setBudgets", [marketDayBps, windowBps], { id: "setBudgets", after });
  m.call(core.stack, "setTranches", [attachmentBps, juniorWeightBps, treasuryBps], { id: "setTranches", after });
}

export interface MarketArguments {
  readonly index: number;
  readonly name: string;
  readonly aggregator: Argument;
  readonly feed: { readonly [Field in keyof FeedParams]: Argument };
  /** Pyth's contract and the id of the price; none when not given. */
  readonly second?: { readonly pyth: Argument; readonly priceId: Argument };
  readonly params: MarketParams;
  readonly rules: MarketRules;
  readonly volatility: VolatilityLimits | null;
  readonly inventoryCapBps: number | null;
}

const ANY_LOTS = 2n ** 56n - 1n;

/** Gives a market its feeds and its limits and lists it, once `core` is connected. */
export function wireMarket(
  m: Builder,
  core: { readonly oracle: Contract; readonly engine: Contract; readonly risk: Contract; readonly connected: Step },
  { index, name, aggregator, feed, second, params, rules, volatility, inventoryCapBps }: MarketArguments,
) {
  const after = [core.connected];
  const configured = m.call(core.oracle, "configure", [index, { aggregator, ...feed }], {
    id: `configure${name}`,
    after,
  });
  const ready: Step[] = [configured];
  if (second !== undefined)
    ready.push(m.call(core.oracle, "configureSecond", [index, second], { id: `second${name}`, after: [configured] }));
  if (volatility !== null)
    ready.push(m.call(core.risk, "setVolatilityLimits", [index, volatility], { id: `limit${name}`, after }));
  const listed = m.call(core.engine, "setMarket", [index, params, rules], { id: `list${name}`, after: ready });
  if (inventoryCapBps === null) return listed;
  const cap = { lots: ANY_LOTS, bps: inventoryCapBps };
  return m.call(core.engine, "setInventoryCap", [index, cap], { id: `cap${name}`, after: [listed] });
}

/** Gives every power of the deployer to `governor`, for good: it must be somebody else. `last` is what still needs the deployer. */
export function handOver(m: Builder, manager: Contract, governor: Argument, last: Step) {
  const deployer = m.getAccount(0);
  const granted = [
    m.call(manager, "grantRole", [GOVERNANCE, governor, 0], { id: "grantGovernance", after: [last] }),
    m.call(manager, "grantRole", [ADMIN, governor, 0], { id: "grantAdmin", after: [last] }),
  ];
  const renounced = [
    m.call(manager, "renounceRole", [GUARDIAN, deployer], { id: "giveUpGuardian", after: granted }), // nothing if it never was
    m.call(manager, "renounceRole", [GOVERNANCE, deployer], { id: "giveUpGovernance", after: granted }),
  ];
  m.call(manager, "renounceRole", [ADMIN, deployer], { id: "giveUpAdmin", after: renounced });
}
