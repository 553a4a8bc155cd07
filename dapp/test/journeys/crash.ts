/** A crash: the charts follow it, the gate closes, a keeper acts, the stakers pay, the dashboard tells; then the node goes away. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { fixed } from "../../src/lib/format.ts";
import { largestLoss } from "../../src/lib/realised.ts";
import { readerOf } from "../helpers/reader.ts";
import { EXPLORER, outcome, seriousFindings } from "../helpers/stage.ts";
import { ANNA, BEN, CARA, CRASH, DAY, type Journeys, tokens } from "./context.ts";

const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });

export function crashJourneys(on: Journeys): void {
  const shortfalls = (page: Page) => page.getByRole("table", { name: /^Who paid each shortfall/ });
  /** What a chart says in figures, a row a point, the newest first, without its time. */
  const figures = async (page: Page, title: string): Promise<string[]> => {
    const summary = page.getByText(`${title} in figures`);
    const table = page.getByRole("table", { name: new RegExp(`^${title}, the newest`) });
    if (!(await table.isVisible())) await summary.click();
    await table.waitFor();
    return (await table.locator("tbody td").allTextContents()).map((text) => text.trim());
  };

  it("shows a calm market on the dashboard, as the indexer tells it", async () => {
    await on.calm();
    const page = await on.visit(CARA, "/risk");
    await page.getByText("There has been none.").waitFor();
    await page.locator("figure canvas").first().waitFor();
    assert.ok((await on.pointsOf(page)) > 3);
    assert.equal((await figures(page, "Price"))[0], "$2,000.00");
    await page.getByText("The history is read from the chain itself.").waitFor({ state: "detached" });
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "risk-calm");
  });

  it("replays the worst hours of March 2020: every print is a point of the charts, the gate closes, clocks stand still", async () => {
    const page = await on.visit(BEN);
    await on.choose(page, "Junior");
    await page.getByRole("button", { name: "Use all" }).last().click();
    await page.getByRole("button", { name: "Request exit" }).click();
    assert.match(await outcome(page, "done"), /^Request 1 waits in the junior pool/);
    const row = on.requests(page).getByRole("row", { name: /^Junior 1/ });
    assert.equal(await row.getByRole("cell").nth(1).textContent(), await row.getByRole("cell").nth(2).textContent());

    const dashboard = await on.visit(CARA, "/risk");
    const before = await on.pointsOf(dashboard);
    const { prices, seconds } = CRASH;
    for (const [i, price] of prices.entries()) {
      await on.stage.world.pass(seconds, price);
      if (i === 3) await on.stage.shot(dashboard, "risk-crash-begins");
    }
    await on.untilPoints(dashboard, before + prices.length);
    const shown = await figures(dashboard, "Price");
    const played = prices.map((price) => dollars.format(Number(price) / 1e8)).reverse();
    assert.deepEqual(shown.slice(0, played.length), played);
    const levels = await figures(dashboard, "Intervention level");
    assert.ok(Number(levels[0]) >= 1, `the level is ${levels[0]} at the end`);
    assert.ok(Number(levels[played.length]) < Number(levels[0]), `it was ${levels[played.length]} before`);
    await dashboard.getByRole("heading", { name: new RegExp(`^Why ETH is at level ${levels[0]}$`) }).waitFor();
    await on.stage.shot(dashboard, "risk-crash");

    await page.getByText("The gate is closed.", { exact: true }).waitFor();
    await page.getByText(/stands still, at the latest until/).waitFor();
    await on.stage.shot(page, "stake-gate-closed");
  });

  it("lets a keeper act from the page until nobody is below maintenance margin, and the dashboard of another shows it", async () => {
    const dashboard = await on.visit(BEN, "/risk");
    await dashboard.getByText("There has been none.").waitFor();
    const page = await on.visit(CARA, "/keeper");
    await page.getByRole("heading", { name: "Accounts nearest to liquidation" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "keeper-crash");
    const act = page.getByRole("table").getByRole("button");
    await act.first().waitFor();
    const cash = await on.cashOf(CARA);
    const hashes: string[] = [];
    while (hashes.length < 12 && (await act.count()) > 0) {
      await act.first().click();
      const said = await outcome(page, "done");
      assert.match(said, /^(The pool took the account over with|The account paid a penalty of)/);
      const link = (await page.locator(".flow li a").getAttribute("href")) ?? "";
      assert.ok(link.startsWith(`${EXPLORER}/tx/0x`), `the transaction is at ${link}`);
      hashes.push(link.slice(`${EXPLORER}/tx/`.length));
      await page.locator(".flow").getByRole("button", { name: "Close" }).click();
    }
    assert.ok(hashes.length > 2, `${hashes.length} accounts were acted on`);
    assert.ok((await on.cashOf(CARA)) > cash, "the keeper was not paid");
    await on.stage.shot(page, "keeper-after");

    await dashboard.getByText("There has been none.").waitFor({ state: "detached" });
    await dashboard.getByText(/^\d+ for \$/).waitFor();
    const links = shortfalls(dashboard).getByRole("link");
    const seen = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
    assert.ok(seen.length > 0);
    for (const link of seen)
      assert.ok(hashes.includes(link.slice(`${EXPLORER}/tx/`.length)), `${link} was not sent here`);
  });

  it("shows who paid: every shortfall adds up to the unit", async () => {
    await on.stage.world.pass(7_200); // the average has come down, nobody is beyond his margin: the gate opens
    await on.collect();
    const page = await on.visit(CARA, "/risk");
    await page.getByText("There has been none.").waitFor({ state: "detached" });
    const count = (await shortfalls(page).getByRole("row").count()) - 1;
    assert.ok(count > 0);
    assert.equal(await shortfalls(page).getByText("to the unit").count(), count);
    assert.equal(await shortfalls(page).getByText("does not add up").count(), 0);
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "risk-after-crash");
  });
}

/** After it: what those who wanted to leave get. */
export function afterJourneys(on: Journeys): void {
  it("shows what the loss took from the request that waited, and pays what is left", async () => {
    const page = await on.visit(BEN);
    await page.getByText("The gate is closed.", { exact: true }).waitFor({ state: "detached" });
    await on.stage.world.pass(21 * DAY);
    await page.getByText(/^claim within/).waitFor();
    const row = on.requests(page).getByRole("row", { name: /^Junior 1/ });
    const [most, now] = await Promise.all([1, 2].map((cell) => row.getByRole("cell").nth(cell).textContent()));
    assert.notEqual(most, now);
    await page
      .getByText(/^Losses that the pool has paid since took [\d,.]+ USD of what your requests pay at most\.$/)
      .waitFor();
    await page.getByText(/The indexer does not answer\. It is read from the chain itself/).waitFor();
    await on.choose(page, "Junior");
    const { logs, earnings } = readerOf(on.stage.world);
    const worst = largestLoss((await earnings(await logs())).books.junior);
    assert.ok(worst !== undefined && worst.assets > 0n);
    await page.getByText(`of every share: ${fixed(worst.assets, 6, 0)} USD for one shortfall`).waitFor();
    await on.stage.shot(page, "stake-loss-while-queued");
    const balance = await on.balanceOf(BEN);
    await row.getByRole("button", { name: "Claim" }).click();
    const said = await outcome(page, "done");
    const [, lost] = /^.* are in your wallet, ([\d,.]+) USD less than when you asked/.exec(said) ?? [];
    const paid = (await on.balanceOf(BEN)) - balance;
    assert.equal(said.split(" are ")[0], `${fixed(paid, 6)} USD`);
    assert.equal(now, `${fixed(paid, 6)} USD`);
    assert.ok(paid < tokens(5_000), `${paid} was paid although there was a loss`);
    const cents = (text = "") => Math.round(Number(text.replace(/[^\d.]/g, "")) * 100);
    assert.ok(Math.abs(cents(lost) + cents(now ?? "") - cents(most ?? "")) <= 1, `${most} is not ${now} and ${lost}`);
  });
}

/** A chain that does not answer, ever again. */
export function nodeJourneys(on: Journeys): void {
  it("says so when the node goes away, and keeps what it knew", async () => {
    const page = await on.visit(ANNA);
    await page.getByRole("heading", { name: "Your stake" }).waitFor();
    await on.stage.world.stopNode();
    await page.getByText("The node of the chain does not answer.").waitFor();
    await page.getByText(/^What is shown is of block \d+/).waitFor();
    await on.stage.shot(page, "stake-node-away");
  });
}
