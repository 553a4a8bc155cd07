/** Staking: look, join, leave; what is refused, declined, cancelled, on another chain. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { gzipSync } from "node:zlib";
import { POCKET } from "../../../lab/src/live/people.ts";
import { abi } from "../../../lab/src/site.ts";
import { percent } from "../../src/lib/format.ts";
import { realised } from "../../src/lib/realised.ts";
import { readerOf } from "../helpers/reader.ts";
import { connect, outcome, seriousFindings } from "../helpers/stage.ts";
import { rejectNext } from "../helpers/wallet.ts";
import { ANNA, BEN, CARA, DAY, type Journeys, tokens } from "./context.ts";

const LIMIT = 250_000; // {bytes} gzipped, of script

export function stakeJourneys(on: Journeys): void {
  it("can be looked at without a wallet, and loads less than 250 kB of script for it", async () => {
    const page = await on.stage.open("/");
    const scripts = new Set<string>();
    page.on("response", (response) => {
      if (response.request().resourceType() === "script") scripts.add(new URL(response.url()).pathname);
    });
    await page.reload();
    await page.getByRole("heading", { name: "What you can lose" }).waitFor();
    await page.waitForTimeout(1_000); // for what is loaded behind it
    assert.equal(new URL(page.url()).pathname, "/stake");
    const bytes = [...scripts].map((file) => gzipSync(readFileSync(path.join(on.stage.site.folder, file))).length);
    const total = bytes.reduce((sum, size) => sum + size, 0);
    console.log(`first load of the stake page: ${scripts.size} scripts, ${total} bytes gzipped`);
    assert.ok(total > 50_000, `${total} bytes cannot be all of it`);
    assert.ok(total < LIMIT, `${total} bytes are more than ${LIMIT}`);

    await page.getByRole("button", { name: "Connect wallet" }).click();
    await page.getByText("There is no wallet in this browser.").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    assert.equal(await on.stake(page).isDisabled(), true);
    await page.getByText("Connect a wallet first.").waitFor();
    await on.stage.shot(page, "stake-no-wallet");
    await page.context().close();
  });

  it("has no serious finding of axe in light and dark, and fits 360 px", async () => {
    for (const scheme of ["light", "dark"] as const) {
      const page = await on.stage.open("/stake", { seat: ANNA, scheme, width: 360 });
      await connect(page);
      await page.getByRole("heading", { name: "Your stake" }).waitFor();
      await page.getByLabel("Amount").fill("1000");
      await page.getByText("Worth at once").waitFor();
      assert.deepEqual(await seriousFindings(page), []);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assert.ok(Number(width) <= 360, `the page is ${width} px wide`);
      await on.stage.shot(page, `stake-360-${scheme}`);
      await page.context().close();
    }
  });

  it("can be used by keyboard: skip link, pool, amount, stake", async () => {
    const page = await on.visit(ANNA);
    await page.reload();
    await page.getByRole("heading", { name: "Your stake" }).waitFor(); // the wallet is connected again by itself
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowUp");
    assert.equal(await page.getByRole("radio", { name: /^Junior pool/ }).isChecked(), true);
  });

  it("stakes with a permit: one signature, one transaction, and the page agrees with the chain", async () => {
    const page = await on.visit(ANNA);
    await on.choose(page, "Senior");
    await page.getByLabel("Amount").fill("20,000");
    await page.getByText("Worth at once").waitFor();
    await on.stake(page).press("Enter");
    assert.equal(await outcome(page, "done"), "You staked 20,000.00 USD in the senior pool.");
    assert.equal(await page.evaluate("document.activeElement.dataset.flow"), "done"); // who has no mouse goes on from there
    assert.deepEqual(await page.locator(".flow li > span:first-child").allTextContents(), [
      "Sign the permit",
      "Deposit",
    ]);
    assert.equal(await on.balanceOf(ANNA), POCKET - tokens(20_000));
    const shares = await on.balanceOf(ANNA, "senior");
    const shown = await page
      .getByRole("row", { name: /^Senior / })
      .getByRole("cell")
      .first()
      .textContent();
    assert.equal(shown?.replaceAll(",", ""), (Number(shares / 10n ** 8n) / 1e4).toFixed(4));
    await on.stage.shot(page, "stake-deposited");
    await page.locator(".flow").getByRole("button", { name: "Close" }).press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "main");
  });

  it("stakes with an approval, of exactly the amount", async () => {
    const page = await on.visit(BEN);
    await on.choose(page, "Junior");
    await page.getByLabel("Amount").fill("5000");
    await page.getByLabel(/^Approve by a transaction/).check();
    await on.stake(page).click();
    assert.equal(await outcome(page, "done"), "You staked 5,000.00 USD in the junior pool.");
    const labels = await page.locator(".flow li > span:first-child").allTextContents();
    assert.deepEqual(labels, ["Approve 5,000.00 USD", "Deposit"]);
    const { site, deployment, seat } = on.stage.world;
    const left = abi.token.encodeFunctionData("allowance", [seat(BEN), deployment.contracts.junior]);
    assert.equal(BigInt(await site.chain.call(deployment.contracts.token, left)), 0n);
  });

  it("says what is wrong with an amount before anything is signed", async () => {
    const page = await on.visit(ANNA);
    await page.getByLabel("Amount").fill("9000000");
    await page.getByText("That is more than you hold.").waitFor();
    assert.equal(await on.stake(page).isDisabled(), true);
    await page.getByLabel("Amount").fill("abc");
    await page.getByText("This is no number.").waitFor();
  });

  it("says that the person declined, and nothing happened", async () => {
    const page = await on.visit(ANNA);
    const balance = await on.balanceOf(ANNA);
    await page.getByLabel("Amount").fill("100");
    await rejectNext(page);
    await on.stake(page).click();
    assert.equal(await outcome(page, "failed"), "You declined in the wallet. Nothing was sent.");
    assert.equal(await on.balanceOf(ANNA), balance);
    await on.stage.shot(page, "stake-rejected");
  });

  it("says in a sentence what the contract would refuse, before the wallet is asked to send it", async () => {
    const page = await on.stage.open("/stake", { seat: ANNA });
    await connect(page);
    await on.choose(page, "Junior");
    await page.getByLabel("Amount").fill("100");
    await page.getByText("Worth at once").waitFor();
    await page.clock.install(); // the page stops looking at the chain
    await on.guardian("junior", "pause");
    await on.stake(page).click();
    for (let i = 0; i < 100; i += 1) {
      await page.clock.runFor(1);
      if (await page.locator('[data-flow="failed"]').isVisible()) break;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    assert.match(
      await outcome(page, "failed"),
      /^The pool takes no stake before .*: it is paused, or the gate is closed/,
    );
    await page.context().close();

    const other = await on.visit(ANNA);
    await other.getByText(/^The junior pool is paused until/).waitFor();
    await on.choose(other, "Junior");
    assert.equal(await on.stake(other).isDisabled(), true);
    await on.stage.shot(other, "stake-paused");
    await on.guardian("junior", "unpause");
    await other.getByText(/^The junior pool is paused until/).waitFor({ state: "detached" });
  });

  it("says why a mined transaction reverted", async () => {
    const page = await on.visit(CARA);
    await on.choose(page, "Senior");
    await page.getByLabel("Amount").fill("100");
    await on.stage.world.request("evm_setAutomine", false);
    try {
      await on.stake(page).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await on.guardian("senior", "pause", { maxFeePerGas: "0x2540be400", maxPriorityFeePerGas: "0x2540be400" }); // goes first
      await on.stage.world.request("evm_mine");
    } finally {
      await on.stage.world.request("evm_setAutomine", true);
    }
    assert.match(await outcome(page, "failed"), /^The pool takes no stake before /);
    assert.equal(await on.balanceOf(CARA), POCKET);
    await on.stage.shot(page, "stake-reverted");
    await on.guardian("senior", "unpause");
  });

  it("notices that a transaction was cancelled in the wallet", async () => {
    const page = await on.visit(CARA);
    const from = on.stage.world.seat(CARA);
    await page.getByLabel("Amount").fill("100");
    await on.stage.world.request("evm_setAutomine", false);
    try {
      await on.stake(page).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await page.waitForTimeout(1_000); // the page has to have seen it
      const nonce = await on.stage.world.request("eth_getTransactionCount", from, "latest");
      const fees = { maxFeePerGas: "0x4a817c800", maxPriorityFeePerGas: "0x4a817c800" };
      await on.stage.world.request("eth_sendTransaction", {
        from,
        to: from,
        value: "0x0",
        nonce,
        gas: "0x5208",
        ...fees,
      });
      await on.stage.world.request("evm_mine");
    } finally {
      await on.stage.world.request("evm_setAutomine", true);
    }
    assert.equal(await outcome(page, "failed"), "You cancelled the transaction in the wallet.");
  });

  it("switches a wallet that is on another chain", async () => {
    const page = await on.stage.open("/stake", { seat: ANNA, chainId: 1 });
    await connect(page);
    await page.getByText("Your wallet is on chain 1.").waitFor();
    await page.getByLabel("Amount").fill("100");
    assert.equal(await on.stake(page).isDisabled(), true);
    await on.stage.shot(page, "stake-wrong-chain");
    await page.getByRole("button", { name: /^Switch to/ }).click();
    await page.getByText("Your wallet is on chain 1.").waitFor({ state: "detached" });
    await on.stake(page).click();
    assert.equal(await outcome(page, "done"), "You staked 100.00 USD in the senior pool.");
    await page.context().close();
  });

  it("requests an exit, counts down by the chain's time, and claims", async () => {
    const page = await on.visit(ANNA);
    await on.choose(page, "Senior");
    await page.getByLabel("Shares of the senior pool to take out").fill("5000");
    await page.getByRole("button", { name: "Request exit" }).click();
    assert.match(await outcome(page, "done"), /^Request 1 waits in the senior pool\./);
    await page.getByText(/^claimable in (7 d|6 d 23 h)$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Claim" }).count(), 0);
    await on.stage.shot(page, "stake-requested");

    await on.stage.world.pass(6 * DAY);
    await page.getByText(/^claimable in (1 d|23 h 59 min)$/).waitFor();
    await on.stage.world.pass(DAY);
    await page.getByText(/^claim within (3 d|2 d 23 h)$/).waitFor();
    const balance = await on.balanceOf(ANNA);
    const row = on.requests(page).getByRole("row", { name: /^Senior 1/ });
    const promised = await row.getByRole("cell").nth(2).textContent();
    await on.stage.shot(page, "stake-claimable");
    await row.getByRole("button", { name: "Claim" }).click();
    assert.equal(await outcome(page, "done"), `${promised} are in your wallet.`);
    const paid = (await on.balanceOf(ANNA)) - balance;
    assert.equal(`${(Number(paid / 10_000n) / 100).toFixed(2)} USD`, promised?.replaceAll(",", ""));
    assert.equal(await row.count(), 0);
  });

  it("cancels a request, and takes back one that has lapsed", async () => {
    const page = await on.visit(ANNA);
    await on.choose(page, "Senior");
    const shares = await on.balanceOf(ANNA, "senior");
    for (const [id, wait, name] of [
      [2, 0, "Cancel"],
      [3, 11 * DAY, "Take back"],
    ] as const) {
      await page.getByLabel("Shares of the senior pool to take out").fill("1000");
      await page.getByRole("button", { name: "Request exit" }).click();
      assert.match(await outcome(page, "done"), new RegExp(`^Request ${id} waits`));
      if (wait > 0) {
        await on.stage.world.pass(wait);
        await page.getByText(/^lapsed (1 d|23 h)/).waitFor();
      }
      await page.getByRole("button", { name, exact: true }).click();
      const said = new RegExp(
        `^(1,000\\.0000|9\\d\\d\\.\\d{4}) shares of request ${id} are yours again, and earn from now on`,
      );
      await page.getByText(said).waitFor();
    }
    const left = await on.balanceOf(ANNA, "senior");
    assert.ok(left <= shares && left > (shares * 999n) / 1_000n, `${left} of ${shares} shares came back`);
  });

  it("shows what was earned by source, beside what may be expected", async () => {
    const { world, indexer } = on.stage;
    const page = await on.visit(ANNA);
    await on.choose(page, "Senior");
    const table = page.getByRole("table", { name: /^Income of the senior pool/ });
    const cells = (source: string) => table.getByRole("row", { name: new RegExp(`^${source}`) }).getByRole("cell");
    assert.match((await cells("Premiums").nth(1).textContent()) ?? "", /^0\.00 %/);
    for (let i = 0; i < 12; i += 1) await world.pass(3_300); // premiums accrue only while the price is fresh
    await on.collect();
    await indexer.until(Number(await world.request("eth_blockNumber")));
    const { reader, logs, earnings } = readerOf(world);
    const { timestamp } = await reader.client.getBlock();
    const past = realised(await earnings(await logs()), "senior", timestamp, 30n * BigInt(DAY));
    assert.ok(past !== undefined && past.premiums > 0n && past.seconds < 30n * BigInt(DAY));
    await cells("Premiums").nth(2).getByText(percent(past.premiums, 10_000n)).waitFor();
    await cells("Together").nth(2).getByText(percent(past.premiums, 10_000n)).waitFor();
    assert.match((await cells("Premiums").nth(2).textContent()) ?? "", /of (18|19|20) d/);
    await page.getByText("It is read from the chain itself").waitFor({ state: "detached" });
    await page.getByText(/^No shortfall has reached this pool since/).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await on.stage.shot(page, "stake-earned");
  });
}
