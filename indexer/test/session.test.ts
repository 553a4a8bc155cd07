/** The whole session on PGlite: every table is filled, every figure is the contracts', and the logs belong to what they were for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { network } from "hardhat";
import { serve } from "../../test/helpers/serve.ts";
import * as schema from "../ponder.schema.ts";
import { tableNames } from "../tables.ts";
import { type Indexer, runScript, startIndexer } from "./helpers/indexer.ts";
import { deploymentOf } from "./helpers/record.ts";
import { setStage } from "./story/cast.ts";
import { addSecondSource, playEnd, playSession, playStory } from "./story/play.ts";

const README = readFileSync(path.resolve(import.meta.dirname, "../README.md"), "utf8");
const examples = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, text]) => text ?? "");

const TABLES = tableNames(schema);

describe("a session of everything, indexed with PGlite", () => {
  let chain: Awaited<ReturnType<typeof serve>>;
  let indexer: Indexer;
  const sql = (statement: string) => indexer.sql(statement);

  before(async () => {
    const connection = await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } }); // budgets follow the calendar
    const stage = await setStage(connection);
    await addSecondSource(stage);
    await playStory(stage);
    await playSession(stage);
    await playEnd(stage);
    chain = await serve(connection.provider);
    indexer = await startIndexer(await deploymentOf(stage.fx), chain.url);
    await indexer.until(await connection.ethers.provider.getBlockNumber());
  });
  after(async () => {
    await indexer?.stop();
    await chain?.stop();
  });

  it("equals the contracts in every figure", async () => {
    const { figures, differences } = await indexer.compare();
    assert.deepEqual(differences, []);
    assert.ok(figures > 400, `${figures} figures`);
  });

  it("says so by the command, with code 0", async () => {
    const { code, output } = await runScript("indexer/check/index.ts", [], indexer.env);
    assert.match(output, /^block \d+: \d+ figures, 0 differences\n$/);
    assert.equal(code, 0);
  });

  it("has rows in every table", async () => {
    assert.ok(TABLES.length > 50, `${TABLES.length} tables`);
    const empty: string[] = [];
    for (const table of TABLES) {
      const [counted] = await sql(`select count(*) as n from "${table}"`);
      if (Number(counted?.n) === 0) empty.push(table);
    }
    assert.deepEqual(empty, ["side_epoch"]); // postgres.test.ts has some
  });

  it("has seen every kind of what a column tells apart", async () => {
    const kinds = async (table: string, column: string) =>
      (await sql(`select ${column} as kind from ${table} group by ${column} order by ${column}`)).flatMap(
        ({ kind }) => kind ?? [],
      );
    assert.deepEqual(
      await kinds("fill", "kind"),
      "auction band close curve liquidation liquidity orders takeover".split(" "),
    );
    assert.deepEqual(await kinds("exit_event", "kind"), ["cancelled", "claimed", "lapsed", "requested"]);
    assert.deepEqual(await kinds("draw", "reason"), [0, 1, 2, 3]);
    assert.deepEqual(await kinds("claim_change", "kind"), ["collected", "paid", "withheld"]);
    assert.deepEqual(await kinds("repayment", "kind"), ["paid", "repaid", "treasury"]);
    assert.deepEqual(await kinds("engine_deficit", "kind"), ["covered", "repaid"]);
    assert.deepEqual(await kinds("curve_epoch", "epoch"), [0, 1]);
    assert.deepEqual(await kinds("oracle_event", "kind"), ["feed", "held", "second", "secondSource", "settlement"]);
    assert.deepEqual(await kinds("wind_down", "is_challenged"), [false, true]);
    assert.deepEqual(await kinds("signal", "outcome"), ["fell", "unscored"]);
  });

  it("has every layer of a shortfall, and they sum to the unit", async () => {
    const layers = ["by_bucket", "by_junior", "by_senior", "by_share", "to_deficit"];
    const [sums] = await sql(`select ${layers.map((layer) => `max(${layer}) as ${layer}`).join(", ")} from shortfall`);
    for (const layer of layers) assert.ok(BigInt(String(sums?.[layer])) > 0n, `${layer} has paid`);
    assert.deepEqual(await sql(`select id from shortfall where ${layers.join(" + ")} <> amount`), []);
  });

  it("gives each liquidation and takeover of one transaction its own fills", async () => {
    const wrong =
      await sql(`select l.id, l.lots, sum(f.lots) as filled from liquidation l left join fill f on f.liquidation = l.id
      and f.market = l.market and (f.buyer = l.account or f.seller = l.account) group by l.id, l.lots having sum(f.lots) is distinct from l.lots`);
    assert.deepEqual(wrong, []);
    const strays = `select f.id from fill f join takeover t on t.id = f.takeover where f.buyer <> t.account and f.seller <> t.account`;
    assert.deepEqual(await sql(strays), []);
    for (const table of ["liquidation", "takeover"]) {
      const batched = `select transaction_hash, count(*) as n from ${table} group by transaction_hash having count(*) > 1`;
      assert.ok((await sql(batched)).length > 0, `several of ${table} in one transaction`);
    }
    const unclaimed = `select id from fill where (kind = 'takeover' and takeover is null) or (kind = 'liquidation' and liquidation is null)`;
    assert.deepEqual(await sql(unclaimed), []);
  });

  it("has a history for each account that ends with what it holds", async () => {
    const sums =
      await sql(`select a.id, a.cash, sum(e.cash_change) as changed from account a join entry e on e.account = a.id
      group by a.id, a.cash having sum(e.cash_change) <> a.cash`);
    assert.deepEqual(sums, []);
  });

  it("answers the examples of the README", async () => {
    const queries = examples("graphql");
    const statements = examples("sql");
    assert.ok(queries.length >= 3 && statements.length >= 3);
    for (const text of queries) {
      const body = JSON.stringify({ query: text });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${indexer.apiUrl}/graphql`, { method: "POST", headers, body });
      const { data, errors } = (await answer.json()) as {
        data?: Record<string, { items: unknown[] }>;
        errors?: unknown;
      };
      assert.equal(errors, undefined, text);
      assert.ok(data !== undefined, text);
      for (const [name, { items }] of Object.entries(data)) assert.ok(items.length > 0, name);
    }
    for (const text of statements) assert.ok((await sql(text)).length > 0, text);
  });
});
