/** Whoever asks the API must not harm what is indexed: while the history is read, and with statements that are none of his business. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deposit } from "../../test/helpers/fixture.ts";
import { type Node, startNode } from "../../test/helpers/nodes.ts";
import { type Indexer, startIndexer } from "./helpers/indexer.ts";
import { deploymentOf } from "./helpers/record.ts";
import { type Stage, setStageOn } from "./story/cast.ts";
import { playCurve } from "./story/depth.ts";
import { addSecondSource } from "./story/forecasts.ts";
import { playStaking } from "./story/staking.ts";

describe("an API that is asked too much, with PGlite", () => {
  let node: Node;
  let stage: Stage;
  let indexer: Indexer;

  before(async () => {
    node = await startNode("anvil");
    process.env.ANVIL_URL = node.url; // read by hardhat.config.ts
    stage = await setStageOn("anvil");
    await addSecondSource(stage);
    await playStaking(stage);
    await playCurve(stage);
    indexer = await startIndexer(await deploymentOf(stage.fx), node.url);
  });
  after(async () => {
    await indexer?.stop();
    await node?.stop();
  });

  const block = () => stage.fx.connection.ethers.provider.getBlockNumber();

  it("reads the history rightly while somebody asks", async () => {
    let [isDone, asked] = [false, 0];
    const ask = async () => {
      for (; !isDone; await sleep(250)) {
        const statement = `select count(*) as n from "position" where lots > ${Math.random()}`;
        if ((await indexer.sql(statement).catch(() => undefined)) !== undefined) asked += 1;
        await indexer.sql(`select nothing, ${Math.random()} from fill`).catch(() => {}); // fails in the database
      }
    };
    const asking = ask();
    try {
      await indexer.until(await block());
      for (let i = 0n; i < 5n; i++) {
        await deposit(stage.fx, stage.people.stranger, 70n + i);
        await indexer.until(await block());
      }
    } finally {
      isDone = true;
      await asking;
    }
    assert.ok(asked > 5, `${asked} answers`);
    assert.deepEqual((await indexer.compare()).differences, []);
  });

  it("changes nothing at anybody's word", async () => {
    for (const statement of [
      "update market set price = 1",
      "delete from fill",
      "drop table fill",
      "create table mine (a int)",
      "insert into run values (1)",
      "with gone as (delete from fill returning id) select * from gone",
      "select id into mine from fill",
      "select * from fill for update",
      "select set_config('role', 'postgres', false)",
      "select nextval('x')",
      "select lo_import('/etc/passwd')",
      "select pg_read_file('/etc/passwd')",
      "copy fill to program 'true'",
      "select 1; delete from fill",
      "begin",
      "set search_path to public",
      "do $$ begin delete from fill; end $$",
      "explain analyze delete from fill",
      "truncate fill",
    ])
      await assert.rejects(indexer.sql(statement), /refuses/, statement);
    const bad = await fetch(`${indexer.apiUrl}/sql/db?sql=nonsense`);
    assert.ok(bad.status >= 400);
    await deposit(stage.fx, stage.people.stranger, 78n);
    await indexer.until(await block());
    assert.deepEqual((await indexer.compare()).differences, []);
  });
});
