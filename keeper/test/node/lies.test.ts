/** Nodes that answer, but late, half or wrong: what the mirror believes, and what the keeper does all the same. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accountOf } from "../../../test/helpers/actors.ts";
import { deposit, dollars, trade } from "../../../test/helpers/fixture.ts";
import { rpc } from "../../../test/helpers/nodes.ts";
import { engineAbi } from "../../src/acts/simulate.ts";
import { KeeperProvider } from "../../src/chain/provider.ts";
import { createTransport } from "../../src/chain/transport.ts";
import { RetryableError } from "../../src/errors.ts";
import { createCheckpoints } from "../../src/mirror/checkpoint.ts";
import { createFollower } from "../../src/mirror/follower.ts";
import { type Call, startProxy, type Way } from "../helpers/proxy.ts";
import { sameAsChain } from "../helpers/same.ts";
import { createWorld, KEYS, type World } from "../helpers/world.ts";

const LOTS = 600_000n; // 60 ETH, $120,000

for (const about of ["the chain", "calls"] as const)
  describe(`a node that answers wrongly about ${about}`, () => {
    let world: World;
    let way: Way;
    let other: Way;
    let snapshot: unknown;
    before(async () => {
      world = await createWorld(about === "calls" ? "hardhat" : "anvil");
      [way, other] = await Promise.all([startProxy(world.node.url), startProxy(world.node.url)]);
      await deposit(world.fx, world.fx.maker, 400_000n);
    });
    after(async () => {
      await Promise.all([way.cut(), other.cut()]);
      await world.close();
    });
    beforeEach(async () => {
      if (about === "calls") snapshot = await world.request("evm_snapshot");
    });
    afterEach(async () => {
      for (const one of [way, other]) {
        one.lie();
        one.fail(false);
        one.limit(Number.POSITIVE_INFINITY);
      }
      if (about === "calls") await world.request("evm_revert", snapshot);
    });

    const cashOf = async (account: bigint) => (await world.fx.engine.accounts(account)).cash;

    /** A mirror of its own behind the proxy. */
    async function mirrored(timeout = 2_000) {
      const { contracts, chainId, startBlock } = world.deployment;
      const transport = createTransport({ urls: [way.url], timeout, rounds: 1 });
      const provider = new KeeperProvider(transport, chainId);
      const folder = await mkdtemp(path.join(tmpdir(), "mirror-"));
      const follower = createFollower({
        ...{ provider, startBlock, tokenUnit: await world.fx.engine.tokenUnit(), chunk: 10_000 },
        addresses: [contracts.engine, contracts.junior, contracts.senior],
        checkpoints: createCheckpoints(folder, { chainId, engine: contracts.engine }, (_, reason) =>
          assert.fail(reason),
        ),
      });
      await follower.load();
      const cash = (account: bigint) => follower.mirror.engine.account(account).cash;
      return { follower, cash, end: () => provider.destroy() };
    }

    if (about === "the chain") {
      it("that fails in the middle of a reorg leaves nothing of the blocks that are gone", async () => {
        const { fx } = world;
        const { follower, cash, end } = await mirrored();
        await follower.sync();
        const [alice, bob] = [accountOf(fx.alice), accountOf(fx.bob)];
        const before = [cash(alice), cash(bob)];
        await deposit(fx, fx.alice, 1_000n);
        await deposit(fx, fx.bob, 2_000n);
        await follower.sync();
        assert.notDeepEqual([cash(alice), cash(bob)], before);
        await world.request("anvil_reorg", 12, []);
        await world.request("anvil_dropAllTransactions");
        // Every third look at a block fails, so that each step back is interrupted at some time.
        let looks = 0;
        way.lie(({ method, params: [block] }: Call) =>
          method === "eth_getBlockByNumber" && String(block) !== "latest" && ++looks % 3 === 2
            ? { error: { code: -32_603, message: "internal error" } }
            : undefined,
        );
        for (let i = 0; i < 30; i++) await follower.sync().catch((error) => assert.ok(error instanceof RetryableError));
        way.lie();
        await follower.sync();
        assert.deepEqual([cash(alice), cash(bob)], before);
        end();
      });

      it("whose tip changes between the look at it and the next logs is not believed", async () => {
        const { fx } = world;
        const { follower, cash, end } = await mirrored();
        const alice = accountOf(fx.alice);
        await follower.sync();
        const before = cash(alice);
        await deposit(fx, fx.alice, 1_000n);
        await follower.sync();
        assert.notEqual(cash(alice), before);
        await world.request("anvil_mine", 5);
        way.limit(1); // in pieces, whose ends are looked at one by one
        let isTurned = false;
        way.lie(async ({ method, params: [filter] }: Call) => {
          if (method !== "eth_getLogs" || isTurned || filter?.fromBlock !== filter?.toBlock) return undefined;
          isTurned = true;
          await world.request("anvil_reorg", 8, []);
          await world.request("anvil_dropAllTransactions");
          return undefined;
        });
        await follower.sync();
        await world.request("anvil_mine", 1);
        await follower.sync();
        assert.ok(isTurned);
        assert.equal(cash(alice), await cashOf(alice));
        end();
      });

      it("that has not yet the logs of its newest block is asked for them again", async () => {
        const { fx } = world;
        const { follower, cash, end } = await mirrored();
        await deposit(fx, fx.alice, 5_000n);
        await follower.sync();
        const alice = accountOf(fx.alice);
        await fx.engine.connect(fx.alice).withdraw(alice, 4_000n * fx.unit, 0n, fx.alice);
        way.lie(({ method }: Call) => (method === "eth_getLogs" ? { result: [] } : undefined));
        await follower.sync().catch((error) => assert.ok(error instanceof RetryableError));
        way.lie();
        await world.request("anvil_mine", 1);
        await follower.sync();
        assert.equal(cash(alice), await cashOf(alice), "who has withdrawn has it no more");
        await deposit(fx, fx.alice, 1n);
        await follower.sync();
        assert.equal(cash(alice), await cashOf(alice));
        end();
      });

      it("whose gateway gives up on many blocks is asked for fewer", async () => {
        const { follower, end } = await mirrored(500);
        await world.request("anvil_mine", 1_000);
        way.lie(({ method, params: [filter] }: Call) => {
          if (method !== "eth_getLogs") return undefined;
          const { fromBlock, toBlock } = filter ?? {};
          return Number(toBlock) - Number(fromBlock) < 300 ? undefined : new Promise(() => {}); // never answers
        });
        for (let i = 0; i < 12 && follower.tip === undefined; i++)
          await follower.sync().catch((error) => assert.ok(error instanceof RetryableError));
        await follower.sync();
        assert.equal(follower.tip?.number, await world.fx.connection.ethers.provider.getBlockNumber());
        end();
      });
    }

    if (about === "calls") {
      /** A long that one fall makes insolvent. */
      async function fall(): Promise<bigint> {
        const { fx } = world;
        const alice = await world.open(fx.alice, 10_000n, LOTS);
        await world.answer(dollars(1_760n));
        return alice;
      }
      const isOpen = async (account: bigint) => (await world.fx.engine.accounts(account)).markets !== 0n;
      const broken = ({ method }: Call) =>
        method === "eth_call" || method === "eth_estimateGas"
          ? { error: { code: -32_000, message: "header not found" } }
          : undefined;

      it("fails, which is no refusal by the contracts: the second node is asked", async () => {
        const alice = await fall();
        const keeper = await world.keeper({ KEEPER_RPC_URL: way.url, KEEPER_RPC_URL_2: other.url });
        try {
          way.lie(broken);
          await keeper.pass();
          await keeper.drain(5_000);
          assert.ok(!(await isOpen(alice)), "taken over through the second node");
        } finally {
          way.lie();
          await keeper.stop();
        }
      });

      for (const [what, lie] of [
        ["errors", broken],
        ["nothing", ({ method }: Call) => (method === "eth_call" ? { result: "0x" } : undefined)],
        ["null for logs", ({ method }: Call) => (method === "eth_getLogs" ? { result: null } : undefined)],
        ["null for all", () => ({ result: null })],
        [
          "a block without fields",
          ({ method }: Call) => (method === "eth_getBlockByNumber" ? { result: {} } : undefined),
        ],
      ] as const)
        it(`answers ${what}: the keeper is not well, goes on, and acts when it is over`, async () => {
          const alice = await fall();
          const keeper = await world.keeper({ KEEPER_RPC_URL: way.url });
          way.lie(lie);
          const running = keeper.run();
          try {
            await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 1_500))]);
            assert.equal((await fetch(`${keeper.url}/health`)).status, 503);
            way.lie();
            const until = Date.now() + 15_000;
            while ((await isOpen(alice)) && Date.now() < until)
              await new Promise((resolve) => setTimeout(resolve, 100));
            assert.ok(!(await isOpen(alice)));
            await sameAsChain(world, keeper);
          } finally {
            await keeper.stop();
            await running;
          }
        });

      it("stands still: that is no good pass, and the other node is asked", async () => {
        const { url } = world.node;
        const frozen = await rpc(url, "eth_blockNumber");
        const still = async ({ method, params }: Call) => {
          if (method === "eth_getBlockByNumber" && String(params[0]) === "latest")
            return { result: await rpc(url, method, [frozen, false]) };
          if (method !== "eth_call") return undefined;
          return rpc(url, method, [params[0], frozen]).then(
            (result) => ({ result }),
            () => ({ error: { code: 3, message: "execution reverted" } }),
          );
        };
        way.lie(still);
        const alone = await world.keeper({ KEEPER_RPC_URL: way.url, KEEPER_STALE: "1" });
        const backed = await world.keeper({
          ...{ KEEPER_RPC_URL: way.url, KEEPER_RPC_URL_2: other.url, KEEPER_STALE: "1" },
          KEEPER_KEY: KEYS[1],
        });
        const running = [alone.run(), backed.run()];
        try {
          const alice = await fall();
          const until = Date.now() + 10_000;
          while ((await isOpen(alice)) && Date.now() < until) await sleep(100);
          assert.ok(!(await isOpen(alice)), "taken over through the second node");
          let health = await fetch(`${alone.url}/health`);
          while (health.status === 200 && Date.now() < until) {
            await sleep(100); // its last good pass is not old yet
            health = await fetch(`${alone.url}/health`);
          }
          assert.equal(health.status, 503);
          assert.match(await health.text(), /no new block for \d+ s/);
        } finally {
          way.lie();
          await Promise.all([alone.stop(), backed.stop()]);
          await Promise.all(running);
        }
      });

      it("leaves logs out again and again: nothing is done on the strength of it", async () => {
        await world.open(world.fx.alice, 10_000n, LOTS);
        await world.fx.engine.sync(0);
        way.lie(async ({ method, params }: Call) => {
          if (method !== "eth_getLogs") return undefined;
          const logs = (await rpc(world.node.url, method, params)) as { topics: string[] }[];
          const filled = engineAbi.getEvent("Filled").topicHash;
          return { result: logs.filter(({ topics: [topic] }) => topic !== filled) };
        });
        const keeper = await world.keeper({ KEEPER_RPC_URL: way.url });
        try {
          await assert.rejects(keeper.pass(), (error: Error) => {
            assert.ok(error instanceof RetryableError);
            assert.match(error.message, /contradict each other: The chain says open interest of market 0 is/);
            return true;
          });
          way.lie();
          await sameAsChain(world, keeper);
        } finally {
          await keeper.stop();
        }
      });

      it("is asked no more than there is room to send for", async () => {
        const { fx } = world;
        for (let i = 1n; i <= 12n; i++) {
          const account = await deposit(fx, fx.alice, 1_100n, accountOf(fx.alice, i));
          await trade(fx, { long: fx.alice, longOrder: { account }, short: fx.maker, lots: 50_000n });
        }
        await world.answer(dollars(1_760n));
        const keeper = await world.keeper({ KEEPER_RPC_URL: way.url, KEEPER_IN_FLIGHT: "1" });
        await world.request("evm_setAutomine", false);
        try {
          const asked = way.methods.length;
          const { unhealthy, sent } = await keeper.pass();
          assert.ok(unhealthy >= 12 && sent === 1, `${unhealthy} unhealthy, ${sent} sent`);
          const calls = way.methods.slice(asked).filter((method) => method === "eth_call").length;
          assert.ok(calls < 30, `${calls} calls`);
        } finally {
          await world.request("evm_setAutomine", true);
          await world.request("evm_mine");
          await keeper.stop();
        }
      });

      it("goes on when its state folder is gone, and when the price service or the gas coin's feed talk nonsense", async () => {
        const state = path.join(world.folder, "gone");
        const feed = world.deployment.markets[0]?.feed;
        const service = createServer((_, answer) => {
          answer.end(JSON.stringify({ binary: { encoding: "hex", data: ["123"] } }));
        }).listen(0, "127.0.0.1");
        await once(service, "listening");
        const at = service.address();
        assert.ok(at !== null && typeof at === "object");
        const keeper = await world.keeper({
          ...{ KEEPER_RPC_URL: way.url, KEEPER_STATE: state, KEEPER_HERMES_URL: `http://127.0.0.1:${at.port}` },
          ...{ KEEPER_NATIVE_USD: undefined, KEEPER_NATIVE_FEED: feed },
        });
        try {
          await keeper.pass();
          await rm(state, { recursive: true });
          const alice = await fall(); // a jump of 12 %: held until the second source says it, too
          way.lie(({ method, params: [call] }: Call) =>
            method === "eth_call" && String((call as { to?: string }).to).toLowerCase() === feed?.toLowerCase()
              ? { error: { code: 3, message: "execution reverted" } }
              : undefined,
          );
          for (let i = 0; i < 20 && (await isOpen(alice)); i++) {
            await keeper.pass();
            await keeper.drain(5_000);
          }
          assert.ok(!(await isOpen(alice)));
        } finally {
          way.lie();
          await keeper.stop();
          service.close();
        }
      });

      it("cannot simulate one account: the others are helped", async () => {
        const { fx } = world;
        const alice = await world.open(fx.alice, 10_000n, LOTS);
        const bob = await world.open(fx.bob, 10_000n, LOTS);
        await world.answer(dollars(1_760n));
        const word = alice.toString(16).padStart(64, "0");
        way.lie(({ method, params: [call] }: Call) =>
          /eth_call|eth_estimateGas/.test(method) && JSON.stringify(call).includes(word)
            ? { error: { code: -32_000, message: "execution aborted (timeout = 5s)" } }
            : undefined,
        );
        const keeper = await world.keeper({ KEEPER_RPC_URL: way.url, KEEPER_STALE: "5" });
        try {
          await keeper.pass();
          await keeper.drain(5_000);
          assert.ok(await isOpen(alice));
          assert.ok(!(await isOpen(bob)));
          assert.equal((await fetch(`${keeper.url}/health`)).status, 200, "one account's trouble is not the keeper's");
        } finally {
          await keeper.stop();
        }
      });
    }
  });
