/** What is checked before the first pass: chain, contracts, whose account it is, money. Each failure is one sentence. */
import { formatEther, getAddress, toBeHex } from "ethers";
import { MarketStatus } from "../../sdk/src/types.ts";
import { ownerOf } from "../../sdk/src/units.ts";
import { IBackstopPool__factory, IMarginEngine__factory } from "../../typechain-types/index.js";
import type { KeeperProvider } from "./chain/provider.ts";
import type { Config } from "./config.ts";
import { KeeperError } from "./errors.ts";

/** {gas} that the key must be able to pay at today's price: a few of the dearest actions. */
const RESERVE = 5_000_000n;
const READ = ["engine", "oracle", "stack", "junior", "senior", "amm"] as const;

/** @throws KeeperError */
export function checkChain(host: string, found: number, { deployment }: Pick<Config, "deployment">): void {
  if (found === deployment.chainId) return;
  throw new KeeperError(
    `${host} is chain ${found}; the addresses of KEEPER_ADDRESSES are of ${deployment.network}, chain ${deployment.chainId}.`,
  );
}

/** @throws KeeperError */
export async function checkContracts(provider: KeeperProvider, config: Config): Promise<void> {
  const { contracts, chainId } = config.deployment;
  const wanted: [string, string][] = READ.map((name) => [name, contracts[name]]);
  if (config.nativeFeed !== undefined) wanted.push(["KEEPER_NATIVE_FEED", config.nativeFeed]);
  if (config.l1FeeOracle !== undefined) wanted.push(["KEEPER_L1_FEE_ORACLE", config.l1FeeOracle]);
  const codes = await Promise.all(wanted.map(([, at]) => provider.getCode(at)));
  const missing = wanted.filter((_, i) => codes[i] === "0x");
  if (missing.length === 0) return;
  throw new KeeperError(
    missing
      .map(([name, at]) => `There is no contract at ${at}, where ${name} should be, on chain ${chainId}.`)
      .join("\n"),
  );
}

/** Asked again from time to time: a right can be taken away. @throws KeeperError */
export async function checkRight(provider: KeeperProvider, config: Config, sender: string): Promise<void> {
  const engine = IMarginEngine__factory.connect(config.deployment.contracts.engine, provider);
  if (await engine.isAuthorized(sender, config.account)) return;
  const owner = getAddress(toBeHex(ownerOf(config.account), 20));
  throw new KeeperError(
    `The key ${sender} may not act for the margin account ${config.account}: its owner ${owner} must make it an operator with setOperator, or KEEPER_ACCOUNT must go.`,
  );
}

/** @throws KeeperError */
export async function checkMoney(provider: KeeperProvider, sender: string, gasPrice: bigint): Promise<bigint> {
  const balance = await provider.getBalance(sender);
  const needed = RESERVE * gasPrice;
  if (balance >= needed && balance > 0n) return balance;
  throw new KeeperError(
    `The key ${sender} has ${formatEther(balance)} to pay gas with; it needs ${formatEther(needed)}, ${Number(RESERVE) / 1e6} million gas at today's price. Send it money.`,
  );
}

/** What stands still by somebody's decision. The keeper goes on with the rest. */
export async function notices(provider: KeeperProvider, config: Config, now: number): Promise<string[]> {
  const { contracts, markets } = config.deployment;
  const engine = IMarginEngine__factory.connect(contracts.engine, provider);
  const found: string[] = [];
  for (const { index, name } of markets) {
    const { status } = await engine.markets(index);
    if (Number(status) === MarketStatus.REDUCE_ONLY) found.push(`Market ${name} is paused: it takes no new risk.`);
    if (Number(status) === MarketStatus.WINDING_DOWN) found.push(`Market ${name} is being wound down.`);
  }
  for (const name of ["junior", "senior"] as const) {
    const until = await IBackstopPool__factory.connect(contracts[name], provider).pausedUntil();
    if (until > now) found.push(`The ${name} pool is paused until ${new Date(Number(until) * 1_000).toISOString()}.`);
  }
  return found;
}
