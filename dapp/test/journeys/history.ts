/** History: the logs are read once, whoever tells it says the same, and the page says who that is. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { readIndexedEarnings, readIndexedHistory } from "../../src/data/history/indexer.ts";
import type { History } from "../../src/data/history/types.ts";
import { readerOf } from "../helpers/reader.ts";
import { PRICE } from "../helpers/world.ts";
import { CARA, type Journeys } from "./context.ts";

/** Logs of the chain, as they are read for a page. */
export function logJourneys(on: Journeys): void {
  it("reads the logs of the chain once, then what is new, and all of them after a reorganisation", async () => {
    const { world } = on.stage;
    const { reader, logs, asked } = readerOf(world);
    const first = await logs();
    assert.deepEqual(asked(), [BigInt(reader.deployment.startBlock)]);
    assert.equal(await logs(first), first, "nothing is new");
    assert.deepEqual(asked(), []);

    const snapshot = await world.request("evm_snapshot");
    await world.pass(60, PRICE + 1n);
    const second = await logs(first);
    assert.deepEqual(asked(), [first.to + 1n]);
    assert.ok(second.logs.length > first.logs.length);
    assert.deepEqual(second, await logs(), "piece by piece is the same as at once");

    await world.request("evm_revert", snapshot);
    await world.pass(60, PRICE);
    await world.pass(60, PRICE);
    asked();
    const third = await logs(second);
    assert.deepEqual(asked(), [first.from]);
    assert.deepEqual(third, await logs());
    assert.notDeepEqual(third.logs.slice(0, second.logs.length), second.logs);
  });
}

/** The tables say what is in effect, the logs what the ledger holds. */
const withoutInterest = ({ points, ...rest }: History) => ({
  ...rest,
  points: [...points].map(([market, all]) => [market, all.map(({ openInterest, ...point }) => point)]),
});

/** With the indexer: alike, late, gone. */
export function indexerJourneys(on: Journeys): void {
  const newest = async () => Number(await on.stage.world.request("eth_blockNumber"));
  const alike = async () => {
    const { indexer, world } = on.stage;
    const { logs, history, earnings } = readerOf(world);
    await indexer.until(await newest());
    const { contracts, markets } = world.deployment;
    const read = await logs();
    const indexes = markets.map(({ index }) => index);
    const told = { history: history(read), earnings: await earnings(read) };
    const indexed = await readIndexedHistory(indexer.apiUrl, indexes);
    for (const [market, points] of indexed.points)
      for (const [i, { openInterest }] of points.entries()) {
        const logged = told.history.points.get(market)?.[i];
        assert.ok(logged !== undefined && logged.openInterest >= openInterest, `${openInterest} lots at ${i}`);
      }
    assert.deepEqual(withoutInterest(indexed), withoutInterest(told.history));
    assert.deepEqual(await readIndexedEarnings(indexer.apiUrl, contracts), told.earnings);
    return told;
  };

  it("tells the same from the tables of the indexer as from the logs of the chain, figure by figure", async () => {
    const { history, earnings } = await alike();
    assert.ok(history.shortfalls.length > 0 && earnings.incomes.length > 0);
    for (const cause of ["deposit", "withdrawal", "loss", "income"])
      assert.ok(Object.values(earnings.books).some((changes) => changes.some((change) => change.cause === cause)));
  });

  it("says that the indexer is behind, reads from the chain meanwhile, and comes back", async () => {
    const { world, relay } = on.stage;
    const page = await on.visit(CARA, "/risk");
    const before = await on.pointsOf(page);
    await relay.hold();
    for (let i = 0; i < 3; i += 1) await world.pass(60);
    await page
      .getByText(/^The indexer is \d+ blocks behind \(\d+ min.*\)\. The history is read from the chain itself\.$/)
      .waitFor();
    await on.untilPoints(page, before + 3);
    await on.stage.shot(page, "risk-indexer-behind");
    relay.release();
    await page.getByText("The history is read from the chain itself.").waitFor({ state: "detached" });
    await on.untilPoints(page, before + 3);
  });

  it("says that the indexer does not answer, and still shows what happened", async () => {
    const page = await on.visit(CARA, "/risk");
    const rows = page.getByRole("table", { name: /^Who paid each shortfall/ }).getByRole("row");
    const before = await rows.allTextContents();
    const points = await on.pointsOf(page);
    await on.stage.indexer.stop();
    await page.getByText("The indexer does not answer. The history is read from the chain itself.").waitFor();
    assert.deepEqual(await rows.allTextContents(), before);
    assert.equal(await on.pointsOf(page), points);
    await on.stage.shot(page, "risk-indexer-gone");
  });
}
