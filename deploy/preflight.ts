/** What is checked before the first transaction costs anything: node, chain, key, people, contracts, money. */
import { formatEther, formatUnits, getAddress, JsonRpcProvider, Wallet, ZeroAddress } from "ethers";
import { config } from "hardhat";
import { DeployError, RetryableError } from "./errors.ts";
import { DEPLOYMENT_GAS, NETWORKS } from "./networks.ts";
import { type DeploymentSettings, messageOf } from "./parameters.ts";

const TIMEOUT = 15_000; // {ms}

/** The node's URL, from hardhat.config.ts. */
export async function urlOf(network: string): Promise<string> {
  const found = config.networks[network];
  if (found?.type !== "http") throw new DeployError(`hardhat.config.ts has no URL for ${network}.`);
  const url = await found.url.getUrl().catch((error: unknown) => {
    throw new DeployError(`The URL of ${network} is not set. ${messageOf(error)}`, { cause: error });
  });
  return url;
}

/** Who deploys: the owner of DEPLOYER_KEY, or the node's first account on a local chain. */
export async function deployerOf(network: string, provider: JsonRpcProvider): Promise<string> {
  const found = config.networks[network];
  if (found?.type === "http" && Array.isArray(found.accounts)) {
    const [variable] = found.accounts;
    const key = await variable?.getHexString().catch((error: unknown) => {
      throw new DeployError(`DEPLOYER_KEY cannot be used. ${messageOf(error)}`, { cause: error });
    });
    return addressOfKey(key ?? "");
  }
  const accounts: unknown = await provider.send("eth_accounts", []);
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof first !== "string") throw new DeployError(`The node of ${network} has no account to deploy from.`);
  return getAddress(first);
}

/** @throws without repeating the key */
export function addressOfKey(key: string): string {
  const digits = key.replace(/^0x/, "");
  if (!/^[0-9a-fA-F]{64}$/.test(digits))
    throw new DeployError(
      `DEPLOYER_KEY is no private key: it must be 64 hex digits, with or without 0x, and is ${digits.length} characters${
        /^[0-9a-fA-F]*$/.test(digits) ? "" : " that are not all hex"
      }.`,
    );
  try {
    return new Wallet(`0x${digits}`).address;
  } catch (error) {
    throw new DeployError("DEPLOYER_KEY is no private key: its number is out of range.", { cause: error });
  }
}

/** Connects and makes sure that the chain is the one that was meant. */
export async function connect(network: string, at?: string): Promise<JsonRpcProvider> {
  const expected = NETWORKS[network];
  if (expected === undefined)
    throw new DeployError(`No network "${network}"; there are ${Object.keys(NETWORKS).join(", ")}.`);
  const url = at ?? (await urlOf(network));
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new DeployError(`The URL of ${network}, "${url}", is none: it must begin with http:// or https://.`);
  const chainId = await ask(url);
  if (chainId !== expected.chainId)
    throw new DeployError(
      `${shown(url)} is chain ${chainId}; ${network} is chain ${expected.chainId}. Check the URL, or the name of the network.`,
    );
  return new JsonRpcProvider(url, chainId, { staticNetwork: true, batchMaxCount: 50 });
}

/** Keys are often part of a URL's path: only its host is printed. */
const shown = (url: string) => new URL(url).origin;

async function ask(url: string): Promise<number> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new RetryableError(
      `No node answers at ${shown(url)}: ${messageOf(cause)}. Is it running, is the URL right?`,
      {
        cause: error,
      },
    );
  }
  const text = await answer.text();
  const chainId = /"result"\s*:\s*"(0x[0-9a-fA-F]+)"/.exec(text)?.[1];
  if (chainId !== undefined) return Number(chainId);
  throw new DeployError(
    `${shown(url)} answers, but not as an Ethereum node: HTTP ${answer.status}, ${JSON.stringify(text.slice(0, 80))}.`,
  );
}

/** Every address of the parameters that must be a contract is one, and nobody's place is taken by the deployer. */
export async function checkParameters(
  provider: JsonRpcProvider,
  settings: DeploymentSettings,
  deployer: string,
): Promise<void> {
  const { sources, sequencer, alt, governor, guardian } = settings;
  const contracts: Record<string, string | undefined> = {
    ...(sources === undefined
      ? {}
      : {
          "Backstop.token": sources.token,
          "Backstop.ethUsdFeed": sources.ethUsdFeed,
          "Backstop.btcUsdFeed": sources.btcUsdFeed,
          "Backstop.pyth": sources.pyth,
        }),
    "Backstop.sequencer": sequencer,
    "Alt.feed": alt?.feed,
    "Alt.pyth": alt?.pyth,
    "Alt.sequencer": alt?.sequencer,
  };
  const problems: string[] = [];
  for (const [name, at] of Object.entries(contracts)) {
    if (at === undefined || at === ZeroAddress) continue;
    if ((await provider.getCode(at)) === "0x") problems.push(`${name}: there is no contract at ${at} on this chain.`);
  }
  const people = governor?.kind === "existing" ? [governor.address] : (governor?.proposers ?? []);
  if (people.includes(deployer))
    problems.push(`The deployer, ${deployer}, is among those who would govern: it must keep no power.`);
  if (guardian === deployer) problems.push(`The deployer, ${deployer}, is the guardian: it must keep no power.`);
  if (problems.length > 0) throw new DeployError(problems.join("\n"));
}

/** The deployer can pay for what DEPLOYMENT_GAS says at today's fee. */
export async function checkMoney(provider: JsonRpcProvider, network: string, deployer: string): Promise<string> {
  const [balance, { maxFeePerGas, gasPrice }] = await Promise.all([
    provider.getBalance(deployer),
    provider.getFeeData(),
  ]);
  const price = maxFeePerGas ?? gasPrice ?? 0n; // {wei/gas}
  const needed = DEPLOYMENT_GAS * price;
  const sum = `${Number(DEPLOYMENT_GAS) / 1e6} million gas at ${formatUnits(price, "gwei")} gwei = ${formatEther(needed)} ETH`;
  if (balance < needed)
    throw new DeployError(
      `The deployer, ${deployer}, has ${formatEther(balance)} ETH on ${network}; the deployment needs ${sum}. Send it ${formatEther(
        needed - balance,
      )} ETH, or wait for a lower fee.`,
    );
  return sum;
}
