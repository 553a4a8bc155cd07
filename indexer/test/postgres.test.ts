/** PostgreSQL and a running Hardhat node: history, live blocks, a reorganisation; and lockstep sessions with epochs of deleveraging. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deposit } from "../../test/helpers/fixture.ts";
import { createCast } from "../../test/helpers/lockstep/actions.ts";
import { prepare } from "../../test/helpers/lockstep/prepare.ts";
import { createRunner } from "../../test/helpers/lockstep/runner.ts";
import { createScript, epochsByRescaling } from "../../test/helpers/lockstep/waves.ts";
import { createWorld, PLAIN } from "../../test/helpers/lockstep/world.ts";
import { type Node, startNode } from "../../test/helpers/nodes.ts";
import { serve } from "../../test/helpers/serve.ts";
import { type Indexer, runScript, startIndexer } from "./helpers/indexer.ts";
import { binaries, type Postgres, startPostgres } from "./helpers/postgres.ts";
import { deploymentOf } from "./helpers/record.ts";
import { pass, type Stage, setStageOn, trade } from "./story/cast.ts";
import { playBands, playCrash, playCurve, playLiquidations } from "./story/depth.ts";
import { addSecondSource, playSignals } from "./story/forecasts.ts";
import { playStaking } from "./story/staking.ts";

const bin = binaries();
if (bin === undefined)
  console.log(
    "No PostgreSQL under /usr/lib/postgresql: what needs it is not tested. apt-get install postgresql brings it.",
  );

if (bin !== undefined) {
  let postgres: Postgres;
  before(async () => {
    postgres = await startPostgres(bin);
  });
  after(() => postgres?.stop());

  describe("a running node, indexed with PostgreSQL", () => {
    let node: Node;
    let connection: Stage["fx"]["connection"];
    let stage: Stage;
    let indexer: Indexer;

    const caughtUp = async () => indexer.until(await connection.ethers.provider.getBlockNumber());
    const expectEqual = async () => {
      await caughtUp();
      assert.deepEqual((await indexer.compare()).differences, []);
    };

    before(async () => {
      node = await startNode("hardhat");
      process.env.LOCALHOST_URL = node.url; // read by hardhat.config.ts
      stage = await setStageOn("localhost");
      connection = stage.fx.connection;
      await addSecondSource(stage);
      await playStaking(stage);
      await playSignals(stage);
      await playCurve(stage);
      await playLiquidations(stage);
      await playBands(stage);
      indexer = await startIndexer(await deploymentOf(stage.fx), node.url, {
        databaseUrl: await postgres.database("node"),
      });
    });
    after(async () => {
      await indexer?.stop();
      await node?.stop();
    });

    it("equals the contracts with bands open, an auction on and requests in the queue", expectEqual);

    it("follows new blocks: a crash, takeovers, shortfalls", async () => {
      await playCrash(stage);
      await expectEqual();
    });

    it("takes back what a reorganisation undoes", async () => {
      const { provider } = connection;
      const { fx, people } = stage;
      await fx.amm.connect(people.lp).addLiquidity(3, BigInt(people.lp.address) << 96n, 10n ** 17n, 0n);
      const snapshot = await provider.request({ method: "evm_snapshot" });
      await deposit(fx, people.third, 12_345n);
      await trade(stage, people.taker, 5_000n);
      await pass(stage, 60);
      await expectEqual();
      const [before] = await indexer.sql("select count(*) as n from fill");

      assert.equal(await provider.request({ method: "evm_revert", params: [snapshot] }), true);
      for (let i = 0n; i < 4n; ++i) await deposit(fx, people.stranger, 100n + i);
      await expectEqual();
      const [left] = await indexer.sql("select count(*) as n from fill");
      assert.ok(Number(left?.n) < Number(before?.n), "the fill is gone");
      assert.deepEqual(await indexer.sql("select id from cash_flow where tokens = 12345000000"), []);
    });

    it("is found out when it is wrong: the check names the figure and ends with code 1", async () => {
      const { DATABASE_SCHEMA } = indexer.env;
      await postgres.execute(`update "${DATABASE_SCHEMA}".market set bucket = bucket + 1 where id = 3`, "node");
      const { code, output } = await runScript("indexer/check/index.ts", [], indexer.env);
      assert.match(output, /^market 3 bucket: expected (\d+), actual \d+\nblock \d+: \d+ figures, 1 differences\n$/);
      assert.equal(code, 1);
    });
  });

  describe("a lockstep session, indexed with PostgreSQL", () => {
    it("equals the contracts over the ends of epochs", async () => {
      const { network } = await import("hardhat");
      const connection = await network.create();
      const world = await createWorld(connection, 6, PLAIN);
      const cast = createCast(world);
      const runner = createRunner(world, cast);
      await prepare(world, cast, runner, 150_000n);
      await epochsByRescaling(await createScript(world, cast, runner), 6);
      const chain = await serve(connection.provider);
      const indexer = await startIndexer(await deploymentOf(world.fx), chain.url, {
        databaseUrl: await postgres.database("lockstep"),
      });
      try {
        await indexer.until(await connection.ethers.provider.getBlockNumber());
        assert.deepEqual((await indexer.compare()).differences, []);
        const epochs = await indexer.sql("select market from side_epoch");
        assert.ok(epochs.length >= 2, `${epochs.length} ends of epochs`);
      } finally {
        await indexer.stop();
        await chain.stop();
      }
    });
  });
}
