/** Backstop on a real node through the repository's own deployment, with the verbs of the fixture, and keepers that act on it. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Wallet } from "ethers";
import { network } from "hardhat";
import { readSettings } from "../../../deploy/parameters.ts";
import { buildRecord } from "../../../deploy/record.ts";
import { deployStages } from "../../../deploy/stages.ts";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { type Actor, accountOf, actors } from "../../../test/helpers/actors.ts";
import { deposit, dollars, type Fixture, setPrice, stake, trade } from "../../../test/helpers/fixture.ts";
import { answerWhenMined, type Node, type NodeKind, rpc, startNode } from "../../../test/helpers/nodes.ts";
import {
  AccessManager__factory,
  BackstopAMM__factory,
  BackstopPool__factory,
  CapitalStack__factory,
  Exchange__factory,
  MarginEngine__factory,
  MockAggregator__factory,
  MockPyth__factory,
  MockToken__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../../../typechain-types/index.js";
import { createKeeper, type KeeperOptions, parseConfig } from "../../src/keeper.ts";
import { createLogger } from "../../src/logger.ts";

export const USD = 10n ** 12n; // {u}
const TESTS = path.resolve(import.meta.dirname, "../../../deploy/deployments");
const JUNIOR_WEIGHT = 20_000;

/** Accounts of both nodes beyond the actors: keepers of their own. */
export const KEYS = [
  "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97", // account 8
  "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6", // account 9
] as const;

export type World = Awaited<ReturnType<typeof createWorld>>;

export interface WorldOptions {
  readonly node?: Node;
  readonly staked?: bigint; // {USD}
  readonly curve?: bigint; // {USD} of the provider's liquidity in market 0; 0 for none
}

export async function createWorld(
  kind: NodeKind,
  { node: given, staked = 2_000_000n, curve = 400_000n }: WorldOptions = {},
) {
  const node = given ?? (await startNode(kind));
  const name = kind === "hardhat" ? "localhost" : "anvil";
  const folder = await mkdtemp(path.join(tmpdir(), "keeper-"));
  const connection = await network.create({ network: name, override: { url: node.url } });
  if (kind === "anvil") answerWhenMined(connection.provider);
  const id = `test-${randomUUID()}`;
  let deployment: Deployment;
  try {
    const settings = await readSettings(name);
    await deployStages(connection, settings, { deploymentId: id, handOver: false });
    deployment = buildRecord(id, settings);
  } finally {
    await rm(path.join(TESTS, id), { recursive: true, force: true });
  }
  const addresses = path.join(folder, "addresses.json");
  await writeFile(addresses, JSON.stringify(deployment));

  const people = await actors(connection.ethers);
  const { contracts, markets, pyth } = deployment;
  const by = people.governor;
  const fx: Fixture = {
    connection,
    ...people,
    unit: 10n ** 6n,
    token: MockToken__factory.connect(contracts.token, by),
    manager: AccessManager__factory.connect(contracts.manager, by),
    oracle: Oracle__factory.connect(contracts.oracle, by),
    engine: MarginEngine__factory.connect(contracts.engine, by),
    stack: CapitalStack__factory.connect(contracts.stack, by),
    junior: BackstopPool__factory.connect(contracts.junior, by),
    pool: BackstopPool__factory.connect(contracts.senior, by),
    exchange: Exchange__factory.connect(contracts.exchange, by),
    risk: RiskEngine__factory.connect(contracts.risk, by),
    amm: BackstopAMM__factory.connect(contracts.amm, by),
    feeds: markets.map(({ feed }) => MockAggregator__factory.connect(feed, by)),
  };
  await fx.stack.setTranches(0, JUNIOR_WEIGHT, 0);
  if (staked > 0n) await stake(fx, fx.staker, staked);
  await setPrice(fx, dollars(2_000n));
  if (curve > 0n) {
    await deposit(fx, fx.carol, curve);
    await fx.amm.connect(fx.carol).addLiquidity(0, accountOf(fx.carol), curve * USD, 0n);
  }

  const request = (method: string, ...params: unknown[]) => rpc(node.url, method, params);
  let count = 0;
  return {
    ...{ kind, node, fx, folder, deployment, addresses, request },
    pyth: MockPyth__factory.connect(pyth, by),

    /** Environment of a keeper; `changes` may take a variable away. */
    env(changes: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
      const all: Record<string, string | undefined> = {
        KEEPER_RPC_URL: node.url,
        KEEPER_KEY: KEYS[0],
        KEEPER_ADDRESSES: addresses,
        KEEPER_STATE: path.join(folder, `state-${++count}`),
        KEEPER_PORT: "0",
        KEEPER_NATIVE_USD: "2000",
        KEEPER_POLL: "50",
        KEEPER_LOG: process.env.KEEPER_LOG ?? "silent",
        ...changes,
      };
      return Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
    },

    keeper(changes: Readonly<Record<string, string | undefined>> = {}, ports: Partial<KeeperOptions> = {}) {
      const config = parseConfig(this.env(changes));
      return createKeeper({ config, logger: createLogger(config.log), ...ports });
    },

    /** Money for a key's margin account and for its gas. */
    async fund(key: string, usd: bigint): Promise<bigint> {
      const account = accountOf(new Wallet(key));
      if (usd > 0n) await deposit(fx, fx.governor, usd, account);
      return account;
    },

    /** A newer answer of the feed of market 0, in a later second: anvil dates blocks of one second alike. */
    async answer(price: bigint): Promise<void> {
      await request("evm_increaseTime", 1);
      await fx.feeds[0]?.setAnswer(price);
    },

    async wait(seconds: number): Promise<void> {
      await request("evm_increaseTime", seconds);
      await request("evm_mine");
    },

    /** A long of `lots` that pays `margin` {USD} in, against the maker. */
    async open(long: Actor, margin: bigint, lots: bigint): Promise<bigint> {
      await deposit(fx, long, margin);
      await trade(fx, { long, short: fx.maker, lots });
      return accountOf(long);
    },

    async close(): Promise<void> {
      await connection.close();
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
