/** What people meet besides yes and no: a transaction that another one replaces or that waits, a wallet on another account, an old price. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { abi, MARKET } from "../../../lab/src/site.ts";
import { MarketStatus } from "../../../sdk/src/types.ts";
import { usd } from "../../../sdk/src/units.ts";
import { outcome } from "../helpers/stage.ts";
import { useAccount } from "../helpers/wallet.ts";
import { BEN, CARA, type Journeys, tokens } from "./context.ts";

const TOTAL_SUPPLY = "0x18160ddd"; // of the token: something else, that succeeds
const STALE = 2 * 86_400; // {s} more than any feed's maxAge

export function stateJourneys(on: Journeys): void {
  /** The transaction that the page has sent and nobody has mined, for twice its fee. */
  async function raised(): Promise<Record<string, unknown>> {
    const pending = await on.stage.world.request("eth_pendingTransactions");
    const sent: unknown = Array.isArray(pending) ? pending[0] : undefined;
    if (typeof sent !== "object" || sent === null) throw new Error("The page has sent no transaction");
    const { from, to, input, gas, nonce, maxFeePerGas } = Object.fromEntries(Object.entries(sent));
    const fee = `0x${(2n * BigInt(String(maxFeePerGas))).toString(16)}`; // a node takes no replacement for the same fee
    return { from, to, data: input, gas, nonce, maxFeePerGas: fee, maxPriorityFeePerGas: fee };
  }

  /** Lets the page take 10 out, and nothing is mined before `meanwhile` is over. */
  async function takeOut(meanwhile: (page: Page) => Promise<unknown>): Promise<Page> {
    const { request, pass } = on.stage.world;
    await pass(60);
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("textbox", { name: "Take out" }).fill("10");
    await request("evm_setAutomine", false);
    try {
      await page.getByRole("button", { name: "Take out" }).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await meanwhile(page);
      await request("evm_mine");
    } finally {
      await request("evm_setAutomine", true);
    }
    return page;
  }

  /** Takes the place of what the page has sent, once it has seen that. */
  const replace = (change: (sent: Record<string, unknown>) => Record<string, unknown>) => async (page: Page) => {
    await page.waitForTimeout(1_000);
    await on.stage.world.request("eth_sendTransaction", change(await raised()));
  };

  it("takes a transaction that the wallet sent again for a higher fee for the same one", async () => {
    await on.stage.world.pass(60);
    await on.fund(CARA, usd(100));
    const cash = await on.cashOf(CARA);
    const page = await takeOut(replace((sent) => sent));
    assert.equal(await outcome(page, "done"), "10.00 USD are in your wallet.");
    assert.equal(cash - (await on.cashOf(CARA)), usd(10));
  });

  it("says that another transaction of the wallet took its place", async () => {
    const cash = await on.cashOf(CARA);
    const page = await takeOut(replace((sent) => ({ ...sent, to: on.contract("token"), data: TOTAL_SUPPLY })));
    assert.equal(
      await outcome(page, "failed"),
      "Another transaction of the wallet took its place. Nothing of this one happened.",
    );
    assert.equal(await on.cashOf(CARA), cash);
  });

  it("stays with what was sent while the node fails to answer and the person is on another page", async () => {
    const cash = await on.cashOf(CARA);
    const node = (target: URL) => target.origin === new URL(on.stage.world.url).origin;
    let failed = 0;
    const page = await takeOut(async (open) => {
      await open.context().route(node, (route) => {
        const isAsked = route.request().postData()?.includes("eth_getTransactionReceipt") === true && failed < 6;
        failed += isAsked ? 1 : 0; // more often than the page asks again by itself
        return isAsked ? route.abort() : route.fallback();
      });
      await open.locator('nav a[href="/risk"]').click();
    });
    await page.locator('nav a[href="/portfolio"]').click();
    await page.locator('[data-flow="running"]').waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Take out" }).isDisabled(), true);
    assert.equal(await outcome(page, "done"), "10.00 USD are in your wallet.");
    await page.context().unroute(node);
    assert.equal(failed, 6);
    assert.equal(cash - (await on.cashOf(CARA)), usd(10));
  });

  it("says after a reload that a transaction is still on its way", async () => {
    const waits = "A transaction of yours is not mined yet.";
    const page = await takeOut(async (open) => {
      await open.reload();
      await open.getByText(waits).waitFor();
      await on.stage.shot(open, "portfolio-unmined");
    });
    await page.getByText(waits).waitFor({ state: "detached" });
  });

  it("does not go on with a wallet that is on another account by then", async () => {
    const { request, seat, pass } = on.stage.world;
    await pass(60);
    const page = await on.visit(CARA);
    await on.choose(page, "Senior");
    await page.getByLabel("Amount").fill("100");
    await page.getByLabel(/^Approve by a transaction/).check();
    const balance = await on.balanceOf(BEN);
    await on.send(BEN, "token", abi.token.encodeFunctionData("approve", [on.contract("senior"), tokens(100)]));
    await request("evm_setAutomine", false);
    try {
      await on.stake(page).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await useAccount(page, seat(BEN));
      await request("evm_mine");
    } finally {
      await request("evm_setAutomine", true);
    }
    assert.match(await outcome(page, "failed"), /^The wallet is on another account than the one this was begun with\./);
    assert.equal(await on.balanceOf(BEN), balance);
    await pass(60);
    await on.send(BEN, "token", abi.token.encodeFunctionData("approve", [on.contract("senior"), 0n]));
    await useAccount(page, seat(CARA));
    await page.getByLabel(/^Approve by a transaction/).uncheck();
  });

  it("says that a market takes no new risk", async () => {
    const { pass, site } = on.stage.world;
    const setStatus = (status: number) =>
      site.chain.send(
        site.operator,
        on.contract("engine"),
        abi.engine.encodeFunctionData("setStatus", [MARKET, status]),
      );
    await pass(60);
    await setStatus(MarketStatus.REDUCE_ONLY);
    const page = await on.visit(CARA, "/portfolio");
    const notice = page.getByText("ETH is reduce-only.", { exact: true });
    await notice.waitFor();
    await page.getByRole("textbox", { name: "Size" }).fill("0.1");
    await page.getByText("ETH takes no new risk: it is reduce-only.").waitFor();
    await page.getByRole("textbox", { name: "Size" }).fill("99999999999999999999");
    await page.getByText("The amount is larger than the contract can hold.").waitFor();
    await page.getByRole("textbox", { name: "Size" }).fill("");
    await setStatus(MarketStatus.ACTIVE);
    await notice.waitFor({ state: "detached" });
  });

  it("says that a price is too old, and what that stops", async () => {
    const { request, pass } = on.stage.world;
    await request("evm_increaseTime", STALE);
    await request("evm_mine");
    const page = await on.visit(CARA, "/portfolio");
    await page.getByText("The price of ETH is too old.").waitFor();
    await page.getByRole("radio", { name: "Buy" }).check();
    await page.getByLabel("Reduce only").uncheck();
    await page.getByRole("textbox", { name: "Size" }).fill("0.1");
    // the band is a fifth of itself now: a curve that stands further off is refused for that
    await page.getByText(/^The price of ETH cannot be relied on now|^The trade would be done too far away/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Buy ETH" }).isDisabled(), true);
    await on.stage.shot(page, "portfolio-stale");
    await (await on.visit(CARA)).getByText("The price of ETH is too old.").waitFor();
    await pass(60);
    await page.getByText("The price of ETH is too old.").waitFor({ state: "detached" });
  });
}
