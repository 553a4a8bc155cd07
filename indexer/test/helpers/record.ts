/** A record of addresses for what a fixture has deployed. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Deployment, parseDeployment } from "../../../sdk/src/deployment.ts";
import type { Fixture } from "../../../test/helpers/fixture.ts";

const NO_ID = `0x${"00".repeat(32)}`;

export async function deploymentOf(fx: Fixture): Promise<Deployment> {
  const { token, manager, oracle, engine, stack, junior, pool: senior, exchange, risk, amm, governor } = fx;
  const named = { token, manager, oracle, engine, stack, junior, senior, exchange, risk, amm };
  const { chainId } = await fx.connection.ethers.provider.getNetwork();
  const contracts = await Promise.all(
    Object.entries(named).map(async ([name, contract]) => [name, await contract.getAddress()] as const),
  );
  const markets = await Promise.all(
    fx.feeds.map(async (feed, index) => ({ index, name: `M${index}`, feed: await feed.getAddress(), priceId: NO_ID })),
  );
  return parseDeployment({
    ...{ network: "test", chainId: Number(chainId), startBlock: 0, deployer: governor.address, markets },
    ...{ contracts: Object.fromEntries(contracts), timelock: null, pyth: governor.address, libraries: {} },
  });
}

/** In a folder of its own, which `remove` deletes. */
export async function writeRecord(
  deployment: Deployment,
): Promise<{ file: string; folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), "backstop-indexer-"));
  const file = path.join(folder, "record.json");
  await writeFile(file, JSON.stringify(deployment));
  return { file, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
