/** Every contract knows the others, the token has the decimals that the engine counts with, and the stack has its terms. */
import { type JsonRpcProvider, ZeroAddress } from "ethers";
import type { Deployment } from "../../sdk/src/deployment.ts";
import {
  BackstopAMM__factory,
  BackstopPool__factory,
  CapitalStack__factory,
  Exchange__factory,
  MarginEngine__factory,
  MockToken__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../../typechain-types/index.js";
import type { DeploymentSettings } from "../parameters.ts";
import { EXIT_CLOCKS, STACK } from "../stack.ts";
import type { Report } from "./report.ts";

const MAX_DECIMALS = 12n; // of a settlement token: one unit is 10^(12 - decimals) u

export async function checkWiring(
  report: Report,
  provider: JsonRpcProvider,
  { contracts }: Deployment,
  settings: DeploymentSettings,
): Promise<void> {
  const engine = MarginEngine__factory.connect(contracts.engine, provider);
  for (const name of ["token", "oracle", "stack", "exchange", "risk", "amm"] as const)
    report.expect(`engine.${name}`, await engine[name](), contracts[name]);
  for (const name of ["oracle", "engine", "stack", "junior", "senior", "risk", "amm"] as const) {
    const managed = Oracle__factory.connect(contracts[name], provider); // `authority` is the same in all
    report.expect(`${name}.authority`, await managed.authority(), contracts.manager);
  }
  for (const [name, contract] of Object.entries({
    exchange: Exchange__factory.connect(contracts.exchange, provider),
    risk: RiskEngine__factory.connect(contracts.risk, provider),
    amm: BackstopAMM__factory.connect(contracts.amm, provider),
  }))
    report.expect(`${name}.engine`, await contract.engine(), contracts.engine);

  await checkToken(report, provider, contracts.token, await engine.tokenUnit());
  await checkStack(report, provider, contracts, settings);
}

async function checkToken(report: Report, provider: JsonRpcProvider, at: string, unit: bigint): Promise<void> {
  const token = MockToken__factory.connect(at, provider); // any ERC-20 with decimals
  const decimals = await token.decimals();
  report.require(decimals <= MAX_DECIMALS, `token.decimals is ${decimals}; expected at most ${MAX_DECIMALS}.`);
  report.expect("engine.tokenUnit", unit, 10n ** (MAX_DECIMALS - decimals));
}

async function checkStack(
  report: Report,
  provider: JsonRpcProvider,
  contracts: Deployment["contracts"],
  { treasury }: DeploymentSettings,
): Promise<void> {
  const stack = CapitalStack__factory.connect(contracts.stack, provider);
  report.expect("stack.asset", await stack.asset(), contracts.token);
  report.expect("stack.engine", await stack.engine(), contracts.engine);
  report.expect("stack.treasury", await stack.treasury(), treasury === ZeroAddress ? "somebody" : treasury);
  const [budgets, tranches] = [await stack.budgets(), await stack.tranches()];
  for (const name of ["marketDayBps", "windowBps"] as const)
    report.expect(`stack.budgets.${name}`, budgets[name], STACK[name]);
  for (const name of ["attachmentBps", "juniorWeightBps", "treasuryBps"] as const)
    report.expect(`stack.tranches.${name}`, tranches[name], STACK[name]);

  for (const name of ["junior", "senior"] as const) {
    const pool = BackstopPool__factory.connect(contracts[name], provider);
    report.expect(`stack.${name}`, await stack[name](), contracts[name]);
    report.expect(`${name}.asset`, await pool.asset(), contracts.token);
    report.expect(`${name}.stack`, await pool.stack(), contracts.stack);
    report.expect(`${name}.engine`, await pool.engine(), contracts.engine);
    report.expect(`${name}.isJunior`, await pool.isJunior(), name === "junior");
    const clocks = await pool.exitClocks();
    report.expect(`${name}.cooldown`, clocks.cooldown, EXIT_CLOCKS[name].cooldown);
    report.expect(`${name}.claimWindow`, clocks.claimWindow, EXIT_CLOCKS[name].claimWindow);
    if ((await pool.pausedUntil()) !== 0n) report.notes.push(`The ${name} pool is or was paused by the guardian.`);
  }
}
