/** Everything that goes wrong around a keeper, and how many blocks it takes afterwards until nobody is insolvent any more. */
import assert from "node:assert/strict";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { JsonRpcProvider } from "ethers";
import { accountOf } from "../../../test/helpers/actors.ts";
import { deposit, dollars, trade } from "../../../test/helpers/fixture.ts";
import { freePort, type Node, startNode } from "../../../test/helpers/nodes.ts";
import { MarginEngine__factory } from "../../../typechain-types/index.js";
import type { Keeper } from "../../src/keeper.ts";
import { startProxy, type Way } from "../helpers/proxy.ts";
import { sameAsChain } from "../helpers/same.ts";
import { createWorld, type World } from "../helpers/world.ts";

/** {block} from the keeper seeing the chain again to the last insolvent account resolved. A block a second here. */
const WITHIN = 6;
const LOTS = 100_000n; // 10 ETH, $20,000
/** {USD} six per cent less each time: what a long with four per cent of margin does not survive. */
const PRICES = [2_000n, 1_880n, 1_767n, 1_661n, 1_561n];
const LEAST = 1_100n; // {USD} initial margin
const VICTIMS = 6n;

describe("a keeper in trouble", () => {
  let world: World;
  let node: Node;
  let port: number;
  let state: string;
  let proxy: Way;
  let second: Way;
  let provider: JsonRpcProvider;
  let victims: bigint[] = [];
  const rounds: bigint[][] = [];
  let round = 0;
  let price = 0n; // {USD} of the feed in this round
  const started: { keeper: Keeper; running: Promise<void> }[] = [];

  before(async () => {
    port = await freePort();
    state = path.join(await mkdtemp(path.join(tmpdir(), "anvil-")), "state.json");
    node = await startNode("anvil", { port, args: ["--state", state, "--preserve-historical-states"] });
    world = await createWorld("anvil", { node });
    provider = new JsonRpcProvider(node.url, 31_337, { staticNetwork: true, cacheTimeout: -1 });
    [proxy, second] = await Promise.all([startProxy(node.url), startProxy(node.url)]);
    await deposit(world.fx, world.fx.maker, 1_500_000n);
    await openAll();
    await world.request("evm_setAutomine", false);
    await world.request("evm_setIntervalMining", 1);
  });
  after(async () => {
    await Promise.all([proxy.cut(), second.cut()]);
    provider.destroy();
    await node.stop();
    await world.close();
  });

  const engine = () => MarginEngine__factory.connect(world.deployment.contracts.engine, provider);

  /** Longs that the fall of `round` leaves with less than nothing, and those before it do not touch. */
  async function openAll(): Promise<void> {
    const { fx } = world;
    for (let at = 1; at < PRICES.length; at++) {
      const before = PRICES[at - 1] ?? 0n;
      const margin = 10n * (2_000n - before) + (10n * before * 43n) / 1_000n + 40n;
      const accounts: bigint[] = [];
      for (let i = 0n; i < VICTIMS; i++) {
        const account = accountOf(fx.alice, BigInt(at) * 100n + i);
        await deposit(fx, fx.alice, margin > LEAST ? margin : LEAST, account);
        await trade(fx, { long: fx.alice, short: fx.maker, lots: LOTS, longOrder: { account } });
        accounts.push(account);
      }
      rounds.push(accounts);
    }
  }

  /** The next price, in the next block; nobody but the keeper will tell the engine. */
  async function crash(): Promise<void> {
    await world.fx.feeds[0]?.setAnswer(dollars(price));
  }

  /** From here on the next fall is meant. */
  function prepare(): void {
    round += 1;
    victims = rounds[round - 1] ?? [];
    price = PRICES[round] ?? 0n;
  }

  async function insolvent(): Promise<number> {
    const healths = await Promise.all(
      victims.map(async (account) => {
        const [{ markets }, { equity }] = await Promise.all([engine().accounts(account), engine().health(account, 0)]);
        return markets !== 0n && (equity < 0n || (await engine().markets(0)).price > dollars(price));
      }),
    );
    return healths.filter(Boolean).length;
  }

  /** Blocks from now until nobody is insolvent at the oracle's price. */
  async function resolvedWithin(from: number): Promise<number> {
    for (;;) {
      const [left, block] = [await insolvent(), await provider.getBlockNumber()];
      if (left === 0) return block - from;
      assert.ok(block - from <= WITHIN, `${left} accounts are insolvent ${block - from} blocks after recovery`);
      await sleep(100);
    }
  }

  const start = async (changes: Readonly<Record<string, string>> = {}) => {
    const keeper = await world.keeper({ KEEPER_RPC_URL: proxy.url, KEEPER_POLL: "100", KEEPER_STUCK: "5", ...changes });
    started.push({ keeper, running: keeper.run() });
    return keeper;
  };

  async function end(): Promise<void> {
    for (const { keeper, running } of started.splice(0)) {
      await keeper.stop();
      await running;
    }
  }
  afterEach(end);

  const caughtUp = async (keeper: Keeper) => {
    const head = await provider.getBlockNumber();
    while ((keeper.follower.tip?.number ?? 0) < head) await sleep(50);
    while ((await fetch(`${keeper.url}/health`)).status !== 200) await sleep(50);
  };

  it("resolves everybody after its node was out of reach while the price fell, and says meanwhile that it is not well", async () => {
    prepare();
    const keeper = await start({ KEEPER_STALE: "2" });
    await caughtUp(keeper);
    assert.equal((await fetch(`${keeper.url}/health`)).status, 200);
    await proxy.cut();
    await crash();
    await sleep(3_500);
    const sick = await fetch(`${keeper.url}/health`);
    assert.equal(sick.status, 503);
    assert.match(((await sick.json()) as { reason: string }).reason, /No node answers/);
    await proxy.mend();
    await resolvedWithin((await provider.getBlockNumber()) + 3); // it tries again after at most eight polls and its back-off
    await sameAsChain(world, keeper);
    assert.equal((await fetch(`${keeper.url}/health`)).status, 200);
  });

  it("goes over to the second node when the first fails, without a pause", async () => {
    prepare();
    const keeper = await start({ KEEPER_RPC_URL_2: second.url });
    await caughtUp(keeper);
    proxy.fail(true);
    await crash();
    await resolvedWithin((await provider.getBlockNumber()) + 1);
    proxy.fail(false);
  });

  it("resolves everybody again when a reorg takes its transactions back", async () => {
    prepare();
    const keeper = await start();
    await caughtUp(keeper);
    const before = await provider.getBlockNumber();
    await crash();
    await resolvedWithin(before + 1);
    await caughtUp(keeper); // it has seen what will be taken back
    const taken = (await provider.getBlockNumber()) - before;
    await world.request("evm_setIntervalMining", 0);
    await world.request("anvil_reorg", taken, []);
    await world.request("anvil_dropAllTransactions");
    await world.request("evm_setIntervalMining", 1);
    assert.equal(await insolvent(), victims.length, "as if nothing had happened");
    const from = await provider.getBlockNumber();
    await crash();
    await resolvedWithin(from + 1);
    await caughtUp(keeper);
    await sameAsChain(world, keeper);
    const text = await (await fetch(`${keeper.url}/metrics`)).text();
    assert.match(text, /backstop_keeper_reorgs_total [1-9]/);
  });

  it("takes up where it was after a gap of the price while it was down, and reads only what is new", async () => {
    prepare();
    const kept = path.join(world.folder, "kept");
    const first = await start({ KEEPER_STATE: kept });
    await caughtUp(first);
    await end();
    assert.ok((await readdir(kept)).includes("mirror.json"));
    const stoppedAt = first.follower.tip?.number ?? 0;
    await crash();
    await sleep(2_100);
    const asked = proxy.ranges.length;
    const from = await provider.getBlockNumber();
    const again = await start({ KEEPER_STATE: kept });
    await resolvedWithin(from + 1);
    const [range = 0] = proxy.ranges.slice(asked);
    assert.ok(range <= (await provider.getBlockNumber()) - stoppedAt, `${range} blocks were read`);
    await sameAsChain(world, again);
  });

  it("reads a chain in pieces as small as the node wants them", async () => {
    proxy.limit(7);
    const asked = proxy.ranges.length;
    const keeper = await start();
    await caughtUp(keeper);
    const ranges = proxy.ranges.slice(asked);
    assert.ok(ranges[0] !== undefined && ranges[0] > 7);
    assert.ok(ranges.filter((range) => range <= 7).length > 5, ranges.join());
    assert.ok((await sameAsChain(world, keeper)) > 20);
    proxy.limit(Number.POSITIVE_INFINITY);
  });

  it("shows its transactions to the private node alone", async () => {
    const [seen, sent] = [proxy.methods.length, second.methods.length];
    const keeper = await start({ KEEPER_SEND_URL: second.url });
    await caughtUp(keeper);
    const from = await provider.getBlockNumber();
    const next = dollars((PRICES[round] ?? 0n) + 4n);
    await world.fx.feeds[0]?.setAnswer(next);
    while ((await engine().markets(0)).price !== next) {
      assert.ok((await provider.getBlockNumber()) - from <= WITHIN, "nobody syncs");
      await sleep(100);
    }
    assert.ok(second.methods.slice(sent).includes("eth_sendRawTransaction"));
    assert.ok(!proxy.methods.slice(seen).includes("eth_sendRawTransaction"));
  });

  it("resolves everybody after the node was restarted from its state", async () => {
    prepare();
    const keeper = await start();
    await caughtUp(keeper);
    await crash();
    await node.stop("SIGTERM");
    node = await startNode("anvil", {
      port,
      args: ["--state", state, "--preserve-historical-states", "--block-time", "1"],
    });
    await crash(); // the first one may have been in the pool only
    await resolvedWithin((await provider.getBlockNumber()) + 1);
    await caughtUp(keeper);
    await sameAsChain(world, keeper);
  });
});
