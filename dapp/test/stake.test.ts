/** Staking in a real browser, against the contracts of a real deployment on a node. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { abi, TOKEN_UNIT } from "../../lab/src/site.ts";
import { accountOf } from "../../lab/src/world.ts";
import { usd } from "../../sdk/src/units.ts";
import { connect, createStage, outcome, type Stage, seriousFindings } from "./helpers/stage.ts";
import { rejectNext } from "./helpers/wallet.ts";
import { POCKET, PRICE, SEATS } from "./helpers/world.ts";

const DAY = 86_400; // {s}
const LIMIT = 250_000; // {bytes} gzipped, of script
const [ANNA, BEN, CARA] = SEATS.visitors;
const FALLEN = (PRICE * 76n) / 100n; // {1e-8 USD}
const PAUSE = {
  pause: abi.pool.encodeFunctionData("pause"),
  unpause: abi.pool.encodeFunctionData("unpause"),
} as const;
const tokens = (amount: number) => usd(amount) / TOKEN_UNIT;

describe("stake page", { timeout: 300_000 }, () => {
  let stage: Stage;
  const windows = new Map<number, Page>();

  before(async () => {
    stage = await createStage();
    await stage.world.pass(60);
  });

  after(() => stage?.end());

  const balanceOf = async (seat: number, of: "token" | "junior" | "senior" = "token"): Promise<bigint> => {
    const { site, deployment, seat: account } = stage.world;
    const data = abi.token.encodeFunctionData("balanceOf", [account(seat)]);
    return BigInt(await site.chain.call(deployment.contracts[of], data));
  };
  const guardian = (to: "junior" | "senior", name: "pause" | "unpause", more: object = {}) =>
    stage.world.request("eth_sendTransaction", {
      ...{ from: stage.world.seat(SEATS.guardian), to: stage.world.deployment.contracts[to], gas: "0xf4240" },
      ...{ data: PAUSE[name], ...more },
    });
  const choose = (page: Page, pool: "Junior" | "Senior") =>
    page.getByRole("radio", { name: new RegExp(`^${pool} pool`) }).check();
  const stake = (page: Page) => page.getByRole("button", { name: "Stake", exact: true });
  const requests = (page: Page) => page.getByRole("table", { name: "Your open exit requests" });
  /** The window of one visitor, opened once; what its last transaction said is closed. */
  const visit = async (seat: number): Promise<Page> => {
    const known = windows.get(seat);
    if (known !== undefined) {
      const close = known.locator(".flow").getByRole("button", { name: "Close" });
      if (await close.isVisible()) await close.click();
      return known;
    }
    const page = await stage.open("/stake", { seat });
    await connect(page);
    windows.set(seat, page);
    return page;
  };

  it("can be looked at without a wallet, and loads less than 250 kB of script for it", async () => {
    const page = await stage.open("/");
    const scripts = new Set<string>();
    page.on("response", (response) => {
      if (response.request().resourceType() === "script") scripts.add(new URL(response.url()).pathname);
    });
    await page.reload();
    await page.getByRole("heading", { name: "What you can lose" }).waitFor();
    await page.waitForTimeout(1_000); // for what is loaded behind it
    assert.equal(new URL(page.url()).pathname, "/stake");
    const bytes = [...scripts].map((file) => gzipSync(readFileSync(path.join(stage.site.folder, file))).length);
    const total = bytes.reduce((sum, size) => sum + size, 0);
    console.log(`first load of the stake page: ${scripts.size} scripts, ${total} bytes gzipped`);
    console.log([...scripts].map((file, i) => `${file} ${bytes[i]}`).join(" "));
    assert.ok(total > 50_000, `${total} bytes cannot be all of it`);
    assert.ok(total < LIMIT, `${total} bytes are more than ${LIMIT}`);

    await page.getByRole("button", { name: "Connect wallet" }).click();
    await page.getByText("There is no wallet in this browser.").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    assert.equal(await stake(page).isDisabled(), true);
    await page.getByText("Connect a wallet first.").waitFor();
    await stage.shot(page, "stake-no-wallet");
    await page.context().close();
  });

  it("has no serious finding of axe in light and dark, and fits 360 px", async () => {
    for (const scheme of ["light", "dark"] as const) {
      const page = await stage.open("/stake", { seat: ANNA, scheme, width: 360 });
      await connect(page);
      await page.getByRole("heading", { name: "Your stake" }).waitFor();
      await page.getByLabel("Amount").fill("1000");
      await page.getByText("Worth at once").waitFor();
      assert.deepEqual(await seriousFindings(page), []);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      assert.ok(Number(width) <= 360, `the page is ${width} px wide`);
      await stage.shot(page, `stake-360-${scheme}`);
      await page.context().close();
    }
  });

  it("can be used by keyboard: skip link, pool, amount, stake", async () => {
    const page = await visit(ANNA);
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
    const page = await visit(ANNA);
    await choose(page, "Senior");
    await page.getByLabel("Amount").fill("20,000");
    await page.getByText("Worth at once").waitFor();
    await stake(page).click();
    assert.equal(await outcome(page, "done"), "You staked 20,000.00 USD in the senior pool.");
    assert.deepEqual(await page.locator(".flow li > span:first-child").allTextContents(), [
      "Sign the permit",
      "Deposit",
    ]);
    assert.equal(await balanceOf(ANNA), POCKET - tokens(20_000));
    const shares = await balanceOf(ANNA, "senior");
    const shown = await page
      .getByRole("row", { name: /^Senior / })
      .getByRole("cell")
      .first()
      .textContent();
    assert.equal(shown?.replaceAll(",", ""), (Number(shares / 10n ** 8n) / 1e4).toFixed(4));
    await stage.shot(page, "stake-deposited");
  });

  it("stakes with an approval, of exactly the amount", async () => {
    const page = await visit(BEN);
    await choose(page, "Junior");
    await page.getByLabel("Amount").fill("5000");
    await page.getByLabel(/^Approve by a transaction/).check();
    await stake(page).click();
    assert.equal(await outcome(page, "done"), "You staked 5,000.00 USD in the junior pool.");
    const labels = await page.locator(".flow li > span:first-child").allTextContents();
    assert.deepEqual(labels, ["Approve 5,000.00 USD", "Deposit"]);
    const { site, deployment, seat } = stage.world;
    const left = abi.token.encodeFunctionData("allowance", [seat(BEN), deployment.contracts.junior]);
    assert.equal(BigInt(await site.chain.call(deployment.contracts.token, left)), 0n);
  });

  it("says what is wrong with an amount before anything is signed", async () => {
    const page = await visit(ANNA);
    await page.getByLabel("Amount").fill("9000000");
    await page.getByText("That is more than you hold.").waitFor();
    assert.equal(await stake(page).isDisabled(), true);
    await page.getByLabel("Amount").fill("abc");
    await page.getByText("This is no number.").waitFor();
  });

  it("says that the person declined, and nothing happened", async () => {
    const page = await visit(ANNA);
    const balance = await balanceOf(ANNA);
    await page.getByLabel("Amount").fill("100");
    await rejectNext(page);
    await stake(page).click();
    assert.equal(await outcome(page, "failed"), "You declined in the wallet. Nothing was sent.");
    assert.equal(await balanceOf(ANNA), balance);
    await stage.shot(page, "stake-rejected");
  });

  it("says in a sentence what the contract would refuse, before the wallet is asked to send it", async () => {
    const page = await stage.open("/stake", { seat: ANNA });
    await connect(page);
    await choose(page, "Junior");
    await page.getByLabel("Amount").fill("100");
    await page.getByText("Worth at once").waitFor();
    await page.clock.install(); // the page stops looking at the chain
    await guardian("junior", "pause");
    await stake(page).click();
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

    const other = await visit(ANNA);
    await other.getByText(/^The junior pool is paused until/).waitFor();
    await choose(other, "Junior");
    assert.equal(await stake(other).isDisabled(), true);
    await stage.shot(other, "stake-paused");
    await guardian("junior", "unpause");
    await other.getByText(/^The junior pool is paused until/).waitFor({ state: "detached" });
  });

  it("says why a mined transaction reverted", async () => {
    const page = await visit(CARA);
    await choose(page, "Senior");
    await page.getByLabel("Amount").fill("100");
    await stage.world.request("evm_setAutomine", false);
    try {
      await stake(page).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      await guardian("senior", "pause", { maxFeePerGas: "0x2540be400", maxPriorityFeePerGas: "0x2540be400" }); // goes first
      await stage.world.request("evm_mine");
    } finally {
      await stage.world.request("evm_setAutomine", true);
    }
    assert.match(await outcome(page, "failed"), /^The pool takes no stake before /);
    assert.equal(await balanceOf(CARA), POCKET);
    await stage.shot(page, "stake-reverted");
    await guardian("senior", "unpause");
  });

  it("notices that a transaction was cancelled in the wallet", async () => {
    const page = await visit(CARA);
    const from = stage.world.seat(CARA);
    await page.getByLabel("Amount").fill("100");
    await stage.world.request("evm_setAutomine", false);
    try {
      await stake(page).click();
      await page.getByText("sent, waiting to be mined").waitFor();
      const nonce = await stage.world.request("eth_getTransactionCount", from, "latest");
      const fees = { maxFeePerGas: "0x4a817c800", maxPriorityFeePerGas: "0x4a817c800" };
      await stage.world.request("eth_sendTransaction", { from, to: from, value: "0x0", nonce, gas: "0x5208", ...fees });
      await stage.world.request("evm_mine");
    } finally {
      await stage.world.request("evm_setAutomine", true);
    }
    assert.equal(await outcome(page, "failed"), "You cancelled the transaction in the wallet.");
  });

  it("switches a wallet that is on another chain", async () => {
    const page = await stage.open("/stake", { seat: ANNA, chainId: 1 });
    await connect(page);
    await page.getByText("Your wallet is on chain 1.").waitFor();
    await page.getByLabel("Amount").fill("100");
    assert.equal(await stake(page).isDisabled(), true);
    await stage.shot(page, "stake-wrong-chain");
    await page.getByRole("button", { name: /^Switch to/ }).click();
    await page.getByText("Your wallet is on chain 1.").waitFor({ state: "detached" });
    await stake(page).click();
    assert.equal(await outcome(page, "done"), "You staked 100.00 USD in the senior pool.");
    await page.context().close();
  });

  it("requests an exit, counts down by the chain's time, and claims", async () => {
    const page = await visit(ANNA);
    await choose(page, "Senior");
    await page.getByLabel("Shares of the senior pool to take out").fill("5000");
    await page.getByRole("button", { name: "Request exit" }).click();
    assert.match(await outcome(page, "done"), /^Request 1 waits in the senior pool\./);
    await page.getByText(/^claimable in (7 d|6 d 23 h)$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Claim" }).count(), 0);
    await stage.shot(page, "stake-requested");

    await stage.world.pass(6 * DAY);
    await page.getByText(/^claimable in (1 d|23 h 59 min)$/).waitFor();
    await stage.world.pass(DAY);
    await page.getByText(/^claim within (3 d|2 d 23 h)$/).waitFor();
    const balance = await balanceOf(ANNA);
    const row = requests(page).getByRole("row", { name: /^Senior 1/ });
    const promised = await row.getByRole("cell").nth(2).textContent();
    await stage.shot(page, "stake-claimable");
    await row.getByRole("button", { name: "Claim" }).click();
    assert.equal(await outcome(page, "done"), `${promised} are in your wallet.`);
    const paid = (await balanceOf(ANNA)) - balance;
    assert.equal(`${(Number(paid / 10_000n) / 100).toFixed(2)} USD`, promised?.replaceAll(",", ""));
    assert.equal(await row.count(), 0);
  });

  it("cancels a request, and takes back one that has lapsed", async () => {
    const page = await visit(ANNA);
    await choose(page, "Senior");
    const shares = await balanceOf(ANNA, "senior");
    for (const [id, wait, name] of [
      [2, 0, "Cancel"],
      [3, 11 * DAY, "Take back"],
    ] as const) {
      await page.getByLabel("Shares of the senior pool to take out").fill("1000");
      await page.getByRole("button", { name: "Request exit" }).click();
      assert.match(await outcome(page, "done"), new RegExp(`^Request ${id} waits`));
      if (wait > 0) {
        await stage.world.pass(wait);
        await page.getByText(/^lapsed (1 d|23 h)/).waitFor();
      }
      await page.getByRole("button", { name, exact: true }).click();
      await page.getByText(`The shares of request ${id} are yours again`).waitFor();
    }
    const left = await balanceOf(ANNA, "senior");
    assert.ok(left <= shares && left > (shares * 999n) / 1_000n, `${left} of ${shares} shares came back`);
  });

  it("shows what a loss takes from a request that waits, and pays that", async () => {
    const page = await visit(BEN);
    await choose(page, "Junior");
    await page.getByRole("button", { name: "Use all" }).last().click();
    await page.getByRole("button", { name: "Request exit" }).click();
    assert.match(await outcome(page, "done"), /^Request 1 waits in the junior pool/);
    const row = requests(page).getByRole("row", { name: /^Junior 1/ });
    assert.equal(await row.getByRole("cell").nth(1).textContent(), await row.getByRole("cell").nth(2).textContent());

    await crash();
    await stage.world.pass(21 * DAY, FALLEN);
    await page.getByText(/^claim within/).waitFor();
    const [most, now] = await Promise.all([1, 2].map((cell) => row.getByRole("cell").nth(cell).textContent()));
    assert.notEqual(most, now);
    await stage.shot(page, "stake-loss-while-queued");
    const balance = await balanceOf(BEN);
    await row.getByRole("button", { name: "Claim" }).click();
    assert.equal(await outcome(page, "done"), `${now} are in your wallet.`);
    const paid = (await balanceOf(BEN)) - balance;
    assert.ok(paid < tokens(5_000), `${paid} was paid although there was a loss`);
  });

  /** The price falls by a quarter, nobody liquidates on the way, and who is below zero is taken over. */
  async function crash(): Promise<void> {
    const { site, deployment, seat } = stage.world;
    const { chain } = site;
    for (const price of [(PRICE * 87n) / 100n, FALLEN]) await stage.world.pass(60, price);
    let taken = 0;
    for (const { account } of stage.world.traders) {
      const call = abi.engine.encodeFunctionData("takeover", [account, accountOf(seat(SEATS.provider))]);
      if (await chain.trySend(site.operator, deployment.contracts.engine, call)) taken += 1;
    }
    assert.ok(taken > 0, "nobody was taken over");
  }

  it("says so when the node goes away, and keeps what it knew", async () => {
    const page = await visit(ANNA);
    await page.getByRole("heading", { name: "Your stake" }).waitFor();
    await stage.world.stopNode();
    await page.getByText("The node of the chain does not answer.").waitFor();
    await page.getByText(/^What is shown is of block \d+/).waitFor();
    await stage.shot(page, "stake-node-away");
  });
});
