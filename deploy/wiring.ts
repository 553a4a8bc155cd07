/** The one wiring of the contracts: live deployments, fixtures, drill and benchmarks all go through these functions. */
import type { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import {
  BackstopAMM__factory,
  BackstopPool__factory,
  CapitalStack__factory,
  IMarginEngine__factory,
  IOracle__factory,
  RiskEngine__factory,
} from "../typechain-types/index.js";
import type { FeedParams, MarketParams, MarketRules, VolatilityLimits } from "./markets.ts";

type Builder = Parameters<Parameters<typeof buildModule>[1]>[0];
type Argument = NonNullable<Parameters<Builder["call"]>[2]>[number];
type Contract = Parameters<Builder["call"]>[0];

/** Role ids of the AccessManager; 0 is its own ADMIN_ROLE. docs/roles.md says what each can and cannot do. */
export const GOVERNANCE = 1n;
export const GUARDIAN = 2n;

const selectors = (abi: { getFunction(name: string): { selector: string } | null }, names: readonly string[]) =>
  names.map((name) => {
    const found = abi.getFunction(name);
    if (found === null) throw new Error(`No function ${name} to give a role for`);
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

  const allow = (id: string, target: Contract, functions: string[], role: bigint) =>
    m.call(manager, "setTargetFunctionRole", [target, functions, role], { id });
  const engineAbi = IMarginEngine__factory.createInterface();
  const oracleAbi = IOracle__factory.createInterface();
  const stackAbi = CapitalStack__factory.createInterface();
  const poolAbi = BackstopPool__factory.createInterface();
  const riskAbi = RiskEngine__factory.createInterface();
  const ammAbi = BackstopAMM__factory.createInterface();
  const roles = [
    allow("allowOracle", oracle, selectors(oracleAbi, ["configure", "configureSecond"]), GOVERNANCE),
    allow(
      "allowEngine",
      engine,
      selectors(engineAbi, ["wire", "setMarket", "setStatus", "setInventoryCap", "windDown"]),
      GOVERNANCE,
    ),
    allow("allowStack", stack, selectors(stackAbi, ["setBudgets", "setTranches"]), GOVERNANCE),
    allow(
      "allowRisk",
      risk,
      selectors(riskAbi, ["setVolatilityLimits", "setReporters", "setModel", "setThreshold"]),
      GOVERNANCE,
    ),
    allow("allowAmm", amm, selectors(ammAbi, ["setFee"]), GOVERNANCE),
    allow("allowJunior", junior, selectors(poolAbi, ["setExitClocks"]), GOVERNANCE),
    allow("allowSenior", senior, selectors(poolAbi, ["setExitClocks"]), GOVERNANCE),
    allow("allowPause", engine, selectors(engineAbi, ["pauseMarket"]), GUARDIAN),
    allow("allowPauseJunior", junior, selectors(poolAbi, ["pause", "unpause"]), GUARDIAN),
    allow("allowPauseSenior", senior, selectors(poolAbi, ["pause", "unpause"]), GUARDIAN),
    m.call(manager, "grantRole", [GOVERNANCE, deployer, 0], { id: "grantGovernance" }),
    m.call(manager, "grantRole", [GUARDIAN, guardian, 0], { id: "grantGuardian" }),
  ];
  const connected = m.call(engine, "wire", [stack, exchange, risk, amm], {
    id: "connect",
    after: roles,
    from: deployer,
  });
  return { manager, oracle, engine, stack, junior, senior, exchange, risk, amm, connected };
}

export interface MarketArguments {
  readonly index: number;
  readonly name: string;
  readonly aggregator: Argument;
  readonly feed: FeedParams;
  readonly params: MarketParams;
  readonly rules: MarketRules;
  readonly volatility: VolatilityLimits | null;
}

/** Gives a market its feed and its limits and lists it. `core` is what `wireCore` returned. */
export function wireMarket(
  m: Builder,
  core: Pick<ReturnType<typeof wireCore>, "oracle" | "engine" | "risk" | "connected">,
  { index, name, aggregator, feed, params, rules, volatility }: MarketArguments,
) {
  const after = [core.connected];
  const configured = m.call(core.oracle, "configure", [index, { aggregator, ...feed }], {
    id: `configure${name}`,
    after,
  });
  const limited =
    volatility === null
      ? []
      : [m.call(core.risk, "setVolatilityLimits", [index, volatility], { id: `limit${name}`, after })];
  return m.call(core.engine, "setMarket", [index, params, rules], {
    id: `list${name}`,
    after: [configured, ...limited],
  });
}
