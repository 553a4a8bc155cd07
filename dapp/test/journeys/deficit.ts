/** A crash after the stakers have left: what nobody can pay becomes a deficit, withdrawals are cut, claims are repaid by income. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { parseUnits } from "viem";
import { abi, MARKET } from "../../../lab/src/site.ts";
import { usd } from "../../../sdk/src/units.ts";
import { outcome, seriousFindings } from "../helpers/stage.ts";
import { PRICE, SEATS } from "../helpers/world.ts";
import { ANNA, CARA, DAY, type Journeys, tokens } from "./context.ts";

const HOUR = 3_600; // {s}
const CRASHED = (PRICE * 70n) / 100n; // {1e-8 USD}

export function deficitJourneys(on: Journeys): void {
  const figure = (page: Page, label: string) =>
    page.locator("dl.figures > div", { has: page.getByText(label, { exact: true }) }).locator("dd");
  const totalDeficit = async (): Promise<bigint> =>
    BigInt(await on.stage.world.site.chain.call(on.contract("engine"), abi.engine.encodeFunctionData("totalDeficit")));
  /** {token} the first amount in a text, cut to cents as it is shown */
  const amountOf = (text: string): bigint => parseUnits(/\d[\d,.]*\d/.exec(text)?.[0].replaceAll(",", "") ?? "", 6);

  /** All stake but one token of each pool asks to leave, and leaves. */
  async function stakersLeave(): Promise<void> {
    const { pass, seat, site } = on.stage.world;
    const both = [
      ["junior", SEATS.junior],
      ["senior", SEATS.senior],
    ] as const;
    for (const [pool, staker] of both) {
      const shares = ((await on.balanceOf(staker, pool)) * 9_999n) / 10_000n;
      await on.send(staker, pool, abi.pool.encodeFunctionData("requestRedeem", [shares, seat(staker), seat(staker)]));
    }
    // each within its own window
    for (const [pool, staker, days] of [["senior", SEATS.senior, 8] as const, ["junior", SEATS.junior, 14] as const]) {
      await pass(days * DAY);
      const most = await site.chain.call(on.contract(pool), abi.pool.encodeFunctionData("maxRedeem", [seat(staker)]));
      const claim = abi.pool.encodeFunctionData("claimExit", [seat(staker), 1n, BigInt(most), seat(staker)]);
      await on.send(staker, pool, claim);
    }
  }

  it("says what a deficit means, and what of a withdrawal it withholds", async () => {
    const { pass, site, traders } = on.stage.world;
    await pass(60);
    await on.fund(CARA, usd(2_000));
    await stakersLeave();
    for (const part of [90n, 80n, 70n]) await pass(60, (PRICE * part) / 100n);
    await pass(12 * HOUR, CRASHED); // the slow average has followed: winners share nothing of it any more
    const into = on.account(ANNA);
    for (const account of traders)
      await site.chain.trySend(
        site.operator,
        on.contract("engine"),
        abi.engine.encodeFunctionData("takeover", [account, into]),
      );
    await site.chain.send(
      site.operator,
      on.contract("engine"),
      abi.engine.encodeFunctionData("coverInventory", [MARKET]),
    );
    const deficit = await totalDeficit();
    assert.ok(deficit > usd(100), `the crash left a deficit of ${deficit}`);

    const page = await on.visit(CARA, "/portfolio");
    const cents = (Number(deficit / 10n ** 10n) / 100).toLocaleString("en", { minimumFractionDigits: 2 });
    await page.getByText(`A deficit of $${cents} stands.`).waitFor();
    await page.getByText(/ETH \(\$[\d,.]+\) takes no new risk until it is repaid\./).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    const whole = (await figure(page, "Paid to your wallet").locator(".value").textContent()) ?? "";
    assert.ok(amountOf(whole) < tokens(2_000) && amountOf(whole) > tokens(1_000), whole);

    await page.getByRole("radio", { name: "Sell" }).check();
    await page.getByRole("textbox", { name: "Size" }).fill("0.1");
    await page
      .getByText(/it takes no new risk until it is\.$|^ETH is at intervention level 4: no new risk is taken\./)
      .waitFor();
    assert.equal(await page.getByRole("button", { name: "Sell ETH" }).isDisabled(), true);
    await on.stage.shot(page, "portfolio-deficit");
    for (const path of ["/keeper", "/risk", "/stake"])
      await (await on.visit(CARA, path)).getByText(`A deficit of $${cents} stands.`).waitFor();
  });

  it("withdraws at the haircut, and keeps the rest as a claim", async () => {
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("textbox", { name: "Take out" }).fill("1000");
    const promise = (await page.getByText(/^Pays [\d,.]+ USD now; the rest becomes a claim\.$/).textContent()) ?? "";
    const balance = await on.balanceOf(CARA);
    await page.getByRole("button", { name: "Take out" }).click();
    const said = await outcome(page, "done");
    const paid = (await on.balanceOf(CARA)) - balance;
    assert.ok(
      paid < tokens(1_000) && paid - amountOf(promise) < 10_000n && paid >= amountOf(promise),
      `${paid}: ${promise}`,
    );
    assert.equal(amountOf(said), amountOf(promise));
    const claim = tokens(1_000) - paid;
    const owed = amountOf((await figure(page, "Still owed to you").locator(".value").textContent()) ?? "");
    assert.ok(claim - owed < 10_000n && claim >= owed, `${owed} of ${claim}`);
    assert.equal(await page.getByRole("button", { name: "Collect $0.00" }).isDisabled(), true);
    await on.stage.shot(page, "portfolio-claim");
  });

  it("collects what income has paid on the claim", async () => {
    const { pass, site } = on.stage.world;
    for (let hours = 0; hours < 48; hours += 1) await pass(HOUR - 1, CRASHED); // a premium accrues while the price is fresh
    await site.chain.send(
      site.operator,
      on.contract("engine"),
      abi.engine.encodeFunctionData("collectIncome", [MARKET]),
    );
    const page = await on.visit(CARA, "/portfolio");
    const collect = page.getByRole("button", { name: /^Collect \$(?!0\.00)/ });
    await collect.waitFor();
    const offered = amountOf((await collect.textContent()) ?? "");
    const cash = await on.cashOf(CARA);
    await collect.click();
    assert.match(await outcome(page, "done"), /^\$[\d,.]+ are in your account\. \$[\d,.]+ are still owed to you\.$/);
    const got = ((await on.cashOf(CARA)) - cash) / 10n ** 6n;
    assert.ok(got >= offered && got - offered < 10_000n, `${got} for ${offered}`);
    await page.getByRole("button", { name: "Collect $0.00" }).waitFor();
  });
}
