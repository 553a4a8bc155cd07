/** Anvil, the other EVM: the story's beginning, live blocks, a rollback; with PGlite. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deposit } from "../../test/helpers/fixture.ts";
import { type Node, startNode } from "../../test/helpers/nodes.ts";
import { type Indexer, startIndexer } from "./helpers/indexer.ts";
import { deploymentOf } from "./helpers/record.ts";
import { type Stage, setStageOn, trade } from "./story/cast.ts";
import { playCurve } from "./story/depth.ts";
import { addSecondSource } from "./story/forecasts.ts";
import { playStaking } from "./story/staking.ts";

describe("anvil, indexed with PGlite", () => {
  let node: Node;
  let connection: Stage["fx"]["connection"];
  let stage: Stage;
  let indexer: Indexer;

  const expectEqual = async () => {
    await indexer.until(await connection.ethers.provider.getBlockNumber());
    assert.deepEqual((await indexer.compare()).differences, []);
  };

  before(async () => {
    node = await startNode("anvil");
    process.env.ANVIL_URL = node.url; // read by hardhat.config.ts
    stage = await setStageOn("anvil");
    connection = stage.fx.connection;
    await addSecondSource(stage);
    await playStaking(stage);
    await playCurve(stage);
    indexer = await startIndexer(await deploymentOf(stage.fx), node.url);
  });
  after(async () => {
    await indexer?.stop();
    await node?.stop();
  });

  it("equals the contracts in every figure", () => expectEqual());

  it("takes back what is rolled back", async () => {
    const { fx, people } = stage;
    await deposit(fx, people.third, 12_345n);
    await trade(stage, people.taker, 5_000n);
    await expectEqual();
    await connection.provider.request({ method: "anvil_rollback", params: [2] }); // trade and deposit
    for (let i = 0n; i < 2n; ++i) await deposit(fx, people.stranger, 100n + i);
    await expectEqual();
    assert.deepEqual(await indexer.sql("select id from cash_flow where tokens = 12345000000"), []);
    assert.equal((await indexer.sql("select id from cash_flow where tokens = 101000000")).length, 1);
  });
});
