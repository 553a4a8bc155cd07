/** The dry run: the whole deployment with its hand-over on a chain in this process, and the gas of every transaction. */
import type { Interface, TransactionReceipt } from "ethers";
import { network } from "hardhat";
import { AccessManager__factory } from "../typechain-types/index.js";
import type { DeploymentSettings } from "./parameters.ts";
import { deployStages } from "./stages.ts";
import { interfaces } from "./wiring.ts";

export interface Transaction {
  readonly what: string;
  readonly gas: bigint;
}

export interface Rehearsal {
  readonly transactions: readonly Transaction[];
  /** Without the doubles. */
  readonly gas: bigint;
}

export async function rehearse(settings: DeploymentSettings): Promise<Rehearsal> {
  const connection = await network.create();
  const { ethers } = connection;
  // Doubles for what is on the real chain; no sequencer could have been up for long enough on a chain that has just begun.
  const doubled = { feed: undefined, pyth: undefined, sequencer: ethers.ZeroAddress };
  const alt = settings.alt === undefined ? undefined : { ...settings.alt, ...doubled };
  const inside = { ...settings, sources: undefined, sequencer: ethers.ZeroAddress, alt };
  const contracts = await deployStages(connection, inside, { handOver: true });
  const names = new Map(Object.entries(contracts).map(([name, at]) => [at, name]));
  const doubles = new Set(["token", "ethUsdFeed", "btcUsdFeed", "altUsdFeed", "pyth"]);

  const transactions: Transaction[] = [];
  const last = await ethers.provider.getBlockNumber();
  for (let number = 1; number <= last; ++number) {
    const block = await ethers.provider.getBlock(number, true);
    for (const transaction of block?.prefetchedTransactions ?? []) {
      const receipt = await ethers.provider.getTransactionReceipt(transaction.hash);
      if (receipt === null) throw new Error(`No receipt of ${transaction.hash}`);
      const created = receipt.contractAddress === null ? undefined : names.get(receipt.contractAddress);
      if (created !== undefined && doubles.has(created)) continue;
      transactions.push({ what: describe(names, created, transaction.data, receipt), gas: receipt.gasUsed });
    }
  }
  await connection.close();
  return { transactions, gas: transactions.reduce((sum, { gas }) => sum + gas, 0n) };
}

const ABIS = [AccessManager__factory.createInterface(), ...Object.values(interfaces)];

function describe(
  names: ReadonlyMap<string, string>,
  created: string | undefined,
  data: string,
  { to }: TransactionReceipt,
): string {
  if (to === null) return `deploy ${created ?? "a contract"}`;
  const call = ABIS.map((abi: Interface) => abi.parseTransaction({ data })).find((parsed) => parsed !== null);
  return `${names.get(to) ?? to}.${call?.name ?? data.slice(0, 10)}`;
}
