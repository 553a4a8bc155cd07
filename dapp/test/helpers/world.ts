/** The real thing under the page: a node, a deployment by the repository's own command, people who stake and trade. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { JsonRpcProvider } from "ethers";
import { readRecord } from "../../../deploy/record.ts";
import { createChain } from "../../../lab/src/chain.ts";
import { populate } from "../../../lab/src/population.ts";
import { fundAll, provide, settleAll, stakeAll } from "../../../lab/src/setup.ts";
import { abi, MARKET, publish, type Site, TOKEN_UNIT } from "../../../lab/src/site.ts";
import { accountOf, createPairs, identity, settleListing } from "../../../lab/src/world.ts";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { usd } from "../../../sdk/src/units.ts";
import { type Node, rpc, run, startNode } from "../../../test/helpers/nodes.ts";
import { Exchange__factory } from "../../../typechain-types/index.js";

const DEPLOY = path.resolve(import.meta.dirname, "../../../deploy");
const SEED = 1;
const TRADERS = 12;
export const PRICE = 2_000n * 10n ** 8n; // {1e-8 USD}

/** Who is who among the node's unlocked accounts; 0 deploys, 1 is the guardian. */
export const SEATS = { guardian: 1, provider: 5, junior: 6, senior: 7, visitors: [10, 11, 12] } as const;
/** {token} that a visitor of the page holds. */
export const POCKET = usd(100_000) / TOKEN_UNIT;

export interface World {
  readonly id: string;
  readonly url: string;
  readonly site: Site;
  readonly deployment: Deployment;
  readonly accounts: readonly string[];
  /** Margin accounts of those who trade. */
  readonly traders: readonly { readonly name: string; readonly account: bigint }[];
  seat(index: number): string;
  request(method: string, ...params: unknown[]): Promise<unknown>;
  /** Lets `seconds` pass and publishes a price: the same as ever unless it is given, so that nothing is stale. @param price {1e-8 USD} */
  pass(seconds: number, price?: bigint): Promise<void>;
  stopNode(): Promise<void>;
  end(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const id = `test-${randomUUID()}`;
  const node = await startNode("hardhat");
  const end = async () => {
    await node.stop();
    await rm(path.join(DEPLOY, "deployments", id), { recursive: true, force: true });
    await rm(path.join(DEPLOY, "addresses", `${id}.json`), { force: true });
  };
  try {
    return await populateWorld(id, node, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function populateWorld(id: string, node: Node, end: () => Promise<void>): Promise<World> {
  const { code, errors } = await run("deploy", ["--network", "localhost", "--deployment", id], {
    LOCALHOST_URL: node.url,
  });
  if (code !== 0) throw new Error(`The deployment failed: ${errors}`);
  const deployment = await readRecord(id);
  const request = (method: string, ...params: unknown[]) => rpc(node.url, method, params);
  const accounts = texts(await request("eth_accounts"));
  const seat = (index: number): string => {
    const found = accounts[index];
    if (found === undefined) throw new Error(`The node has no account ${index}`);
    return found;
  };
  const feed = deployment.markets[MARKET]?.feed;
  if (feed === undefined) throw new Error("The deployment has no market");
  const provider = {
    request: ({ method, params }: { method: string; params?: unknown }) =>
      request(method, ...(Array.isArray(params) ? params : [])),
  };
  const chain = await createChain(provider);
  const addresses = { ...deployment.contracts, feed, probe: feed };
  const site: Site = { chain, addresses, operator: deployment.deployer };
  const traders = await bringPeople(site, node.url, seat);
  return {
    ...{ id, url: node.url, site, deployment, accounts, traders, seat, request, end, stopNode: () => node.stop() },
    pass: async (seconds, price = PRICE) => {
      const block = await request("eth_getBlockByNumber", "latest", false);
      if (typeof block !== "object" || block === null) throw new Error("The node has no block");
      site.chain.setNextTime(Number(Reflect.get(block, "timestamp")) + seconds);
      await publish(site, price);
    },
  };
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Stakers, a provider of depth, makers and traders at the opening price; visitors with tokens in their pocket. */
async function bringPeople(site: Site, url: string, seat: (index: number) => string) {
  await settleListing(site, PRICE);
  await stakeAll(site, [
    { staker: seat(SEATS.junior), tranche: "junior", amount: usd(100_000) / TOKEN_UNIT },
    { staker: seat(SEATS.senior), tranche: "senior", amount: usd(300_000) / TOKEN_UNIT },
  ]);
  site.chain.setNextTime(site.chain.now() + 60);
  await publish(site, PRICE);
  const population = populate(SEED, TRADERS, PRICE);
  const traders = population.traders.map((trader) => ({ ...trader, ...identity(SEED, trader.name) }));
  const makers = population.makers.map((maker) => ({ ...maker, ...identity(SEED, maker.name) }));
  const owner = seat(SEATS.provider);
  const provided = usd(200_000);
  await fundAll(site, [...makers, ...traders, { account: accountOf(owner), deposit: provided }]);
  await provide(site, owner, accountOf(owner), provided);
  const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true });
  try {
    const pair = createPairs(Exchange__factory.connect(site.addresses.exchange, provider));
    const pairs = traders.map((trader, i) => {
      const maker = makers[i % makers.length];
      if (maker === undefined) throw new Error("There is no market maker");
      return pair(maker, trader, trader.side === "short", trader.lots, PRICE);
    });
    await settleAll(site, await Promise.all(pairs));
  } finally {
    provider.destroy();
  }
  for (const visitor of SEATS.visitors) {
    const mint = abi.token.encodeFunctionData("mint", [seat(visitor), POCKET]);
    await site.chain.send(site.operator, site.addresses.token, mint);
  }
  return traders.map(({ name, account }) => ({ name, account }));
}
