/** What people meet besides yes and no: a transaction that another one replaces, a price that is too old. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { usd } from "../../../sdk/src/units.ts";
import { outcome } from "../helpers/stage.ts";
import { CARA, type Journeys } from "./context.ts";

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

  /** Lets the page take 10 out, and `change` decide what is mined in its place. */
  async function takeOut(change: (sent: Record<string, unknown>) => Record<string, unknown>): Promise<Page> {
    const { request, pass } = on.stage.world;
    await pass(60);
    const page = await on.visit(CARA, "/portfolio");
    await page.getByRole("textbox", { name: "Take out" }).fill("10");
    await request("evm_setAutomine", false);
    try {
      await page.getByRole("button", { name: "Take out" }).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await page.waitForTimeout(1_000); // the page has to have seen it
      await request("eth_sendTransaction", change(await raised()));
      await request("evm_mine");
    } finally {
      await request("evm_setAutomine", true);
    }
    return page;
  }

  it("takes a transaction that the wallet sent again for a higher fee for the same one", async () => {
    await on.stage.world.pass(60);
    await on.fund(CARA, usd(100));
    const cash = await on.cashOf(CARA);
    const page = await takeOut((sent) => sent);
    assert.equal(await outcome(page, "done"), "10.00 USD are in your wallet.");
    assert.equal(cash - (await on.cashOf(CARA)), usd(10));
  });

  it("says that another transaction of the wallet took its place", async () => {
    const cash = await on.cashOf(CARA);
    const page = await takeOut((sent) => ({ ...sent, to: on.contract("token"), data: TOTAL_SUPPLY }));
    assert.equal(
      await outcome(page, "failed"),
      "Another transaction of the wallet took its place. Nothing of this one happened.",
    );
    assert.equal(await on.cashOf(CARA), cash);
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
