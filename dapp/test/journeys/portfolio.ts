/** Trading: margin in, a trade, its position and liquidation price, what is refused, margin out. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { abi } from "../../../lab/src/site.ts";
import { accountOf } from "../../../lab/src/world.ts";
import { usd } from "../../../sdk/src/units.ts";
import { outcome, seriousFindings } from "../helpers/stage.ts";
import { PRICE } from "../helpers/world.ts";
import { CARA, type Journeys, tokens } from "./context.ts";

const FAVOURABLE = 2;

export function portfolioJourneys(on: Journeys): void {
  const size = (page: Page) => page.getByRole("textbox", { name: "Size" });
  const figure = (page: Page, label: string) =>
    page.locator("dl.figures > div", { has: page.getByText(label, { exact: true }) }).locator("dd");
  const isLiquidatable = async (seat: number): Promise<boolean> => {
    const { site, seat: address } = on.stage.world;
    const call = abi.engine.encodeFunctionData("health", [accountOf(address(seat)), FAVOURABLE]);
    const [health] = abi.engine.decodeFunctionResult("health", await site.chain.call(on.contract("engine"), call));
    return health.equity < health.maintenance;
  };

  it("pays margin in with a permit", async () => {
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("textbox", { name: "Pay in" }).fill("400");
    await page.getByRole("button", { name: "Pay in" }).click();
    assert.equal(await outcome(page, "done"), "400.00 USD are in your account. Its cash is $400.00.");
    assert.equal(await on.cashOf(CARA), usd(400));
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("says what the depth and the margin rules refuse", async () => {
    const page = await on.visit(CARA, "/portfolio");
    await size(page).fill("300");
    await page.getByText("That is too far from the mark: trades lie within 5.0 % of it.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Buy ETH" }).isDisabled(), true);
    await page.getByRole("textbox", { name: "Take out" }).fill("500");
    await page.getByText(/^The account holds less cash|^The account.s cash would fall/).waitFor();
    await page.getByRole("textbox", { name: "Take out" }).fill("");
    await size(page).fill("9"); // 400 USD do not carry 18,000
    await page.getByText(/^Not enough margin: \$[\d,.]+ are needed/).waitFor();
    await page.getByText("You pay in all").waitFor();
    assert.equal(await page.getByText("Your margin afterwards").count(), 0);
    assert.equal(await page.getByRole("button", { name: "Buy ETH" }).isDisabled(), true);
    await on.stage.shot(page, "portfolio-refused");
  });

  it("buys from the AMM, and shows the position with a liquidation price that the engine agrees with", async () => {
    const page = await on.visit(CARA, "/portfolio");
    await size(page).fill("2");
    const promised = (await figure(page, "Your margin afterwards").textContent()) ?? "";
    assert.match(promised, /of equity, \$[\d,.]+ of maintenance margin/);
    assert.match(
      (await figure(page, "Your position afterwards").textContent()) ?? "",
      /^2\.0000 ETHLiquidated at \$1,8/,
    );
    await on.stage.shot(page, "portfolio-preview");
    await page.getByRole("button", { name: "Buy ETH" }).click();
    assert.equal(await outcome(page, "done"), "Bought 2.0000 ETH. Your position is 2.0000.");
    const { limit, used } = await on.stage.world.gas();
    assert.ok(
      limit >= used + 400_000n && limit < 2n * used + 400_000n,
      `${limit} for ${used}: a new minute costs more`,
    );
    const [equity] = /\$[\d,]+/.exec(promised) ?? [];
    assert.ok((await figure(page, "Equity at the mark").textContent())?.startsWith(`${equity}.`), `not ${equity}`);
    const row = page
      .getByRole("table", { name: /^Positions at their effective size/ })
      .getByRole("row")
      .nth(1);
    const cell = (await row.getByRole("cell").nth(6).textContent()) ?? "";
    const shown = Number(/\$([\d,.]+)/.exec(cell)?.[1]?.replaceAll(",", ""));
    assert.ok(shown > 1_700 && shown < 2_000, `liquidation at ${cell}`);
    await on.stage.shot(page, "portfolio-position");

    const at = BigInt(Math.round(shown * 100)) * 10n ** 6n; // {1e-8 USD}
    await on.stage.world.pass(60, at + 10n ** 8n);
    assert.equal(await isLiquidatable(CARA), false, "a dollar above it the account is healthy");
    await on.stage.world.pass(60, at - 10n ** 8n);
    assert.equal(await isLiquidatable(CARA), true, "a dollar below it is not");
    await page.getByText("Anybody may liquidate this account now.").waitFor();
    await on.stage.world.pass(60, PRICE);
    await page.getByText("Anybody may liquidate this account now.").waitFor({ state: "detached" });
  });

  it("closes the position and takes the margin out", async () => {
    await on.stage.world.pass(300); // what the jump of the price added to the curve's fee is over
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("radio", { name: "Sell" }).check();
    await page.getByLabel("Reduce only").check();
    await size(page).fill("2");
    await page.getByText("You get in all").waitFor();
    await page.getByRole("button", { name: "Sell ETH" }).click();
    assert.equal(await outcome(page, "done"), "Sold 2.0000 ETH. Your position is 0.0000.");
    const balance = await on.balanceOf(CARA);
    await page.getByRole("textbox", { name: "Take out" }).fill("200");
    assert.match((await figure(page, "Paid to your wallet").textContent()) ?? "", /^3\d\d\.\d\d USD/);
    assert.match(
      (await figure(page, "Withheld by the haircut").textContent()) ?? "",
      /^\$0\.00Nothing: there is no deficit\./,
    );
    await page.getByRole("button", { name: "Take out" }).click();
    await page.getByText("200.00 USD are in your wallet.").waitFor();
    assert.equal((await on.balanceOf(CARA)) - balance, tokens(200));
  });

  it("joins a curve with margin, and leaves it in kind and in cash", async () => {
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("textbox", { name: "Pay in" }).fill("5000");
    await page.getByRole("button", { name: "Pay in" }).click();
    assert.match(await outcome(page, "done"), /^5,000\.00 USD are in your account/);
    const bring = page.getByRole("textbox", { name: "Bring" });
    await bring.fill("900000");
    await page.getByText(/^The account.s cash would fall below zero/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Join the curve" }).isDisabled(), true);
    await bring.fill("4000");
    await page.getByText(/^You get [\d,.]+ shares, \d\.\d\d % of the curve; never fewer than/).waitFor();
    const before = await on.cashOf(CARA);
    await page.getByRole("button", { name: "Join the curve" }).click();
    assert.match(await outcome(page, "done"), /^You brought \$4,000\.00 and got [\d,.]+ shares of the ETH curve\.$/);
    assert.equal(before - (await on.cashOf(CARA)), usd(4_000));
    await on.stage.shot(page, "portfolio-liquidity");

    const held = (await figure(page, "Your shares").locator(".value").textContent())?.replaceAll(",", "") ?? "";
    await page.getByRole("textbox", { name: "Give back" }).fill((Number(held) / 2).toFixed(4));
    await page.getByLabel(/^In kind/).check();
    await page.getByText(/^Your account gets \$[\d,.]+.*; never less than/).waitFor();
    await page.getByRole("button", { name: "Leave the curve" }).click();
    assert.match(
      await outcome(page, "done"),
      /^\$1,9\d\d\.\d\d.* are in your account\.$|^\$2,0\d\d\.\d\d.* are in your account\.$/,
    );
    await page.locator(".flow").getByRole("button", { name: "Close" }).click();

    await page.getByLabel(/^In kind/).uncheck();
    await page.getByRole("button", { name: "Use all" }).last().click();
    const cash = await on.cashOf(CARA);
    await page.getByText(/^Your account gets \$[\d,.]+; never less than/).waitFor();
    await page.getByRole("button", { name: "Leave the curve" }).click();
    const said = await outcome(page, "done");
    const paid = Number(/^\$([\d,.]+) are in your account\.$/.exec(said)?.[1]?.replaceAll(",", ""));
    assert.ok(Math.abs(Number((await on.cashOf(CARA)) - cash) / 1e12 - paid) < 0.01, said);
    assert.match((await figure(page, "Your shares").textContent()) ?? "", /^0\.0000/);
  });
}
