/** A crash: the gate closes, a keeper acts, the stakers pay, the dashboard tells; then the node goes away. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { outcome, seriousFindings } from "../helpers/stage.ts";
import { PRICE } from "../helpers/world.ts";
import { ANNA, BEN, CARA, DAY, FALLEN, type Journeys, tokens } from "./context.ts";

export function crashJourneys(on: Journeys): void {
  const pointsOf = async (page: Page, title: string): Promise<number> => {
    const figure = page.locator("figure", { hasText: title }).first();
    return Number(await figure.locator("[data-points]").getAttribute("data-points"));
  };

  it("shows a calm market on the dashboard, from the chain when there is no indexer", async () => {
    const page = await on.visit(CARA, "/risk");
    await page.getByText("No indexer is configured. The history is read from the chain itself.").waitFor();
    await page.getByText("There has been none.").waitFor();
    await page.locator("figure canvas").first().waitFor();
    assert.ok((await pointsOf(page, "Price")) > 3);
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "risk-calm");
  });

  it("closes the gate while the price falls, and stops the clock of a request", async () => {
    const page = await on.visit(BEN);
    await on.choose(page, "Junior");
    await page.getByRole("button", { name: "Use all" }).last().click();
    await page.getByRole("button", { name: "Request exit" }).click();
    assert.match(await outcome(page, "done"), /^Request 1 waits in the junior pool/);
    const row = on.requests(page).getByRole("row", { name: /^Junior 1/ });
    assert.equal(await row.getByRole("cell").nth(1).textContent(), await row.getByRole("cell").nth(2).textContent());

    const dashboard = await on.visit(CARA, "/risk");
    const before = await pointsOf(dashboard, "Price");
    for (const price of [(PRICE * 87n) / 100n, FALLEN]) await on.stage.world.pass(60, price);
    await page.getByText("The gate is closed.", { exact: true }).waitFor();
    await page.getByText(/stands still, at the latest until/).waitFor();
    await on.stage.shot(page, "stake-gate-closed");
    await dashboard.getByRole("heading", { name: /^Why ETH is at level [1-4]$/ }).waitFor();
    assert.ok((await pointsOf(dashboard, "Price")) > before, "the chart did not move");
  });

  it("lets a keeper act from the page until nobody is below maintenance margin", async () => {
    const page = await on.visit(CARA, "/keeper");
    await page.getByRole("heading", { name: "Accounts nearest to liquidation" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "keeper-crash");
    const act = page.getByRole("table").getByRole("button");
    await act.first().waitFor();
    const cash = await on.cashOf(CARA);
    let acted = 0;
    for (; acted < 12 && (await act.count()) > 0; acted += 1) {
      await act.first().click();
      const said = await outcome(page, "done");
      assert.match(said, /^(The pool took the account over with|The account paid a penalty of)/);
      await page.locator(".flow").getByRole("button", { name: "Close" }).click();
    }
    assert.ok(acted > 2, `${acted} accounts were acted on`);
    assert.ok((await on.cashOf(CARA)) > cash, "the keeper was not paid");
    await on.stage.shot(page, "keeper-after");
  });

  it("shows who paid: every shortfall adds up to the unit", async () => {
    await on.stage.world.pass(7_200, FALLEN); // the average has come down, nobody is beyond his margin: the gate opens
    const page = await on.visit(CARA, "/risk");
    await page.getByText("There has been none.").waitFor({ state: "detached" });
    const table = page.getByRole("table", { name: /^Who paid each shortfall/ });
    const count = (await table.getByRole("row").count()) - 1;
    assert.ok(count > 0);
    assert.equal(await table.getByText("to the unit").count(), count);
    assert.equal(await table.getByText("does not add up").count(), 0);
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "risk-after-crash");
  });

  it("shows what the loss took from the request that waited, and pays that", async () => {
    const page = await on.visit(BEN);
    await page.getByText("The gate is closed.", { exact: true }).waitFor({ state: "detached" });
    await on.stage.world.pass(21 * DAY, FALLEN);
    await page.getByText(/^claim within/).waitFor();
    const row = on.requests(page).getByRole("row", { name: /^Junior 1/ });
    const [most, now] = await Promise.all([1, 2].map((cell) => row.getByRole("cell").nth(cell).textContent()));
    assert.notEqual(most, now);
    await on.stage.shot(page, "stake-loss-while-queued");
    const balance = await on.balanceOf(BEN);
    await row.getByRole("button", { name: "Claim" }).click();
    assert.equal(await outcome(page, "done"), `${now} are in your wallet.`);
    const paid = (await on.balanceOf(BEN)) - balance;
    assert.ok(paid < tokens(5_000), `${paid} was paid although there was a loss`);
  });

  it("says so when the node goes away, and keeps what it knew", async () => {
    const page = await on.visit(ANNA);
    await page.getByRole("heading", { name: "Your stake" }).waitFor();
    await on.stage.world.stopNode();
    await page.getByText("The node of the chain does not answer.").waitFor();
    await page.getByText(/^What is shown is of block \d+/).waitFor();
    await on.stage.shot(page, "stake-node-away");
  });
}
