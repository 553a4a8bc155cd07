/** The real thing under the page: a node, a deployment by the repository's own command, people who stake and trade. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { JsonRpcProvider } from "ethers";
import { readRecord } from "../../../deploy/record.ts";
import { SEATS as LIVE_SEATS, settle, siteOf } from "../../../lab/src/live/people.ts";
import { publish, type Site } from "../../../lab/src/site.ts";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { type Node, run, startNode } from "../../../test/helpers/nodes.ts";

const DEPLOY = path.resolve(import.meta.dirname, "../../../deploy");
const SEED = 1;
/** Few, so that a crash is over soon; a curve that is deeper than what they hold; room in the senior pool. */
const CROWD = { traders: 12, senior: 300_000n, provided: 200_000n } as const;
export const PRICE = 2_000n * 10n ** 8n; // {1e-8 USD}

/** Who is who among the node's unlocked accounts. */
export const SEATS = { guardian: 1, ...LIVE_SEATS } as const;

export interface World {
  readonly id: string;
  readonly url: string;
  readonly site: Site;
  readonly deployment: Deployment;
  /** Margin accounts of those who trade. */
  readonly traders: readonly bigint[];
  seat(index: number): string;
  request(method: string, ...params: unknown[]): Promise<unknown>;
  /** {gas} that the newest transaction was allowed, and what it used. */
  gas(): Promise<{ readonly limit: bigint; readonly used: bigint }>;
  /** Lets `seconds` pass and publishes a price: the same as before unless it is given, so that nothing is stale. @param price {1e-8 USD} */
  pass(seconds: number, price?: bigint): Promise<void>;
  /** Back to how it was when everybody had come. */
  rewind(): Promise<void>;
  stopNode(): Promise<void>;
  end(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const id = `test-${randomUUID()}`;
  const node = await startNode("hardhat");
  const provider = new JsonRpcProvider(node.url, undefined, { staticNetwork: true, cacheTimeout: -1 });
  const end = async () => {
    provider.destroy();
    await node.stop();
    await rm(path.join(DEPLOY, "deployments", id), { recursive: true, force: true });
    await rm(path.join(DEPLOY, "addresses", `${id}.json`), { force: true });
  };
  try {
    return await populateWorld(id, node, provider, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function populateWorld(
  id: string,
  node: Node,
  provider: JsonRpcProvider,
  end: () => Promise<void>,
): Promise<World> {
  const { code, errors } = await run("deploy", ["--network", "localhost", "--deployment", id], {
    LOCALHOST_URL: node.url,
  });
  if (code !== 0) throw new Error(`The deployment failed: ${errors}`);
  const deployment = await readRecord(id);
  const request = (method: string, ...params: unknown[]): Promise<unknown> => provider.send(method, params);
  const accounts: string[] = await provider.send("eth_accounts", []);
  let site = await siteOf(provider, deployment);
  const traders = await settle(site, provider, SEED, PRICE, CROWD);
  const settled = await request("evm_snapshot");
  let said = PRICE;
  return {
    ...{ id, url: node.url, deployment, traders, request, end, stopNode: () => node.stop() },
    get site() {
      return site;
    },
    rewind: async () => {
      await request("evm_revert", settled);
      site = await siteOf(provider, deployment); // which knows the time of the newest block
      said = PRICE;
    },
    gas: async () => {
      const hash = (await provider.getBlock("latest"))?.transactions.at(-1) ?? "";
      const [sent, mined] = await Promise.all([provider.getTransaction(hash), provider.getTransactionReceipt(hash)]);
      if (sent === null || mined === null) throw new Error("The newest block is empty");
      return { limit: sent.gasLimit, used: mined.gasUsed };
    },
    seat: (index) => {
      const found = accounts[index];
      if (found === undefined) throw new Error(`The node has no account ${index}`);
      return found;
    },
    pass: async (seconds, price = said) => {
      said = price;
      const block = await provider.getBlock("latest");
      if (block === null) throw new Error("The node has no block");
      site.chain.setNextTime(block.timestamp + seconds);
      await publish(site, price);
    },
  };
}
