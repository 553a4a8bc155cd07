/** A staker's way through the pool: income that vests, exits that wait, and a loss that reaches those who wait. */
import { expect } from "chai";
import { network } from "hardhat";
import { ETH } from "../../deploy/markets.ts";
import { premiumRate, utilisation } from "../../sdk/src/premium.ts";
import { FEES } from "../helpers/actors.ts";
import { step } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, feedOf, setPrice, stake, trade } from "../helpers/fixture.ts";
import { DAY, HOUR, now } from "../helpers/time.ts";

const connection = await network.create();
const { loadFixture, time } = connection.networkHelpers;

const SIDE = 500_000n; // {lot} 50 ETH
const COOLDOWN = 7 * DAY;
const CLAIM_WINDOW = 3 * DAY;
const VESTING = 3 * DAY;
const markets = [{ config: { ...ETH, feed: { ...ETH.feed, maxAge: 2 * DAY } }, answer: dollars(2_000n) }];

/** Two stakers, and traders who owe premiums; alice is long at nearly 17x. */
async function trading() {
  const fx = await deployBackstop(connection, { markets });
  const shares = await stake(fx, fx.staker, 300_000n);
  const shares2 = await stake(fx, fx.staker2, 100_000n);
  const alice = await deposit(fx, fx.alice, 6_000n);
  const keeper = await deposit(fx, fx.keeper, 1_000n);
  await deposit(fx, fx.maker, 60_000n);
  await fx.engine.sync(0);
  await step(fx, trade(fx, { long: fx.alice, short: fx.maker, lots: SIDE }));
  return { ...fx, shares, shares2, accounts: { alice, keeper } };
}

/** A day later the premiums of that day have been collected. */
async function earning() {
  const fx = await trading();
  await time.increase(DAY);
  await fx.engine.sync(0);
  const paid = (await fx.engine.accounts(FEES)).cash / (await fx.engine.tokenUnit());
  const assets = await fx.pool.totalAssets();
  const transaction = await step(fx, fx.engine.collectIncome(0));
  return { ...fx, paid, assets, transaction };
}

/** The staker asked to leave with a third of the shares. */
async function leaving() {
  const fx = await earning();
  const queued = fx.shares / 3n;
  const transaction = await step(fx, fx.pool.connect(fx.staker).requestRedeem(queued, fx.staker, fx.staker));
  return { ...fx, queued, transaction, requestedAt: await now(connection.ethers) };
}

/** Alice's account falls below zero and the pool pays. Returns what it paid, in tokens. */
async function lose(fx: Fixture & { accounts: { alice: bigint; keeper: bigint } }): Promise<bigint> {
  const booked = await fx.pool.bookedAssets();
  await setPrice(fx, dollars(1_700n));
  await step(fx, fx.engine.connect(fx.keeper).takeover(fx.accounts.alice, fx.accounts.keeper));
  const paid = booked - (await fx.pool.bookedAssets());
  expect(paid).to.be.greaterThan(8_000n * fx.unit);
  return paid;
}

/** The average follows the price until nobody is at risk. Returns how long the pool's time has stood still. {s} */
async function calm(fx: Fixture): Promise<number> {
  await time.increase(8 * HOUR);
  await feedOf(fx, 0).setAnswer(dollars(1_700n));
  await expect(fx.engine.sync(0)).to.emit(fx.stack, "GateMoved").withArgs(false, 0);
  return (await now(connection.ethers)) - Number(await fx.pool.poolTime());
}

describe("earning premiums", () => {
  it("collects what both sides owe, to the token unit", async () => {
    const fx = await loadFixture(earning);
    const { price, openInterest, openInterestCap, level } = await fx.engine.markets(0); // the cap is what it was
    const used = utilisation(openInterest, openInterestCap);
    expect(used).to.be.within(60_000n, 70_000n); // $100,000 where $1.5 million may be
    const rate = premiumRate(BigInt(ETH.rules.premiumRate), used, level);
    const aDay = (2n * openInterest * price * rate * BigInt(DAY)) / (10n ** 9n * 28_800n * 10n ** 6n);
    expect(fx.paid).to.be.within(aDay, (aDay * 1_001n) / 1_000n);
    await expect(fx.transaction).to.emit(fx.engine, "IncomeCollected").withArgs(0, 0, 0, 0, 0, fx.paid);
    await expect(fx.transaction)
      .to.emit(fx.pool, "IncomeReceived")
      .withArgs(fx.paid, fx.paid, (await now(connection.ethers)) + VESTING);
    await expect(fx.transaction).to.changeTokenBalances(
      connection.ethers,
      fx.token,
      [fx.engine, fx.pool],
      [-fx.paid, fx.paid],
    );
  });

  it("gives nothing to whoever comes for the payment, all of it to those who stay", async () => {
    const fx = await loadFixture(earning);
    expect(await fx.pool.totalAssets()).to.equal(fx.assets);
    const received = await now(connection.ethers);
    await time.increaseTo(received + VESTING / 3);
    expect(await fx.pool.totalAssets()).to.equal(fx.assets + fx.paid - (fx.paid * 2n + 2n) / 3n); // unvested rounds up
    await time.increaseTo(received + VESTING);
    expect(await fx.pool.totalAssets()).to.equal(fx.assets + fx.paid);
    const worth = await fx.pool.convertToAssets(fx.shares);
    expect(worth - 300_000n * fx.unit).to.be.within((fx.paid * 3n) / 4n - 1n, (fx.paid * 3n) / 4n);
  });
});

describe("leaving", () => {
  it("fixes value and clocks at the request, and is coverage no longer", async () => {
    const fx = await loadFixture(leaving);
    const { queued, requestedAt, transaction } = fx;
    const valueCap = await fx.pool.convertToAssets(queued);
    await expect(transaction)
      .to.emit(fx.pool, "RedeemRequest")
      .withArgs(fx.staker, fx.staker, 1, fx.staker, queued)
      .and.to.emit(fx.pool, "ExitRequested")
      .withArgs(fx.staker, 1, valueCap, requestedAt + COOLDOWN, requestedAt + COOLDOWN + CLAIM_WINDOW);
    const others = (await fx.pool.totalSupply()) - queued;
    expect(await fx.pool.freeStake()).to.equal((await fx.pool.convertToAssets(others)) - fx.unit);

    const { openInterestCap } = await fx.engine.markets(0);
    await fx.connection.networkHelpers.time.increase(60);
    await fx.engine.sync(0);
    const { openInterestCap: capNow } = await fx.engine.markets(0);
    expect(capNow).to.be.within((openInterestCap * 74n) / 100n, (openInterestCap * 76n) / 100n); // 100,000 of 400,000 left
  });

  it("pays nobody before the cooldown is over", async () => {
    const fx = await loadFixture(leaving);
    const claim = () => fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker);
    const claimableAt = fx.requestedAt + COOLDOWN;
    await time.setNextBlockTimestamp(claimableAt - 1);
    await expect(claim())
      .to.be.revertedWithCustomError(fx.pool, "NotClaimableYet")
      .withArgs(claimableAt - 1, claimableAt);
    await time.setNextBlockTimestamp(claimableAt); // the refused claim was never mined
    await expect(claim()).to.emit(fx.pool, "ExitClaimed");
  });

  it("pays the lower value now when a loss came while the request waited", async () => {
    const fx = await loadFixture(leaving);
    const { valueCap } = await fx.pool.exitRequest(fx.staker, 1);
    await time.increase(DAY);
    const assets = (await fx.pool.totalAssets()) + (await fx.pool.unvestedIncome());
    const loss = await lose(fx);
    await expect(fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker))
      .to.be.revertedWithCustomError(fx.pool, "GateClosed")
      .withArgs(await fx.pool.gateEnd());
    const stoodStill = await calm(fx);
    expect(stoodStill).to.be.at.least(8 * HOUR);

    await time.increaseTo(fx.requestedAt + COOLDOWN + stoodStill);
    const supply = await fx.pool.totalSupply();
    const { loss: pending } = await fx.pool.pending(); // what the inventory would lose at the edge stays behind
    expect(pending).to.be.greaterThan(0n);
    const worth = (fx.queued * (assets - loss - pending + 1n)) / (supply + 10n ** 6n); // all income has vested by now
    expect(worth).to.be.lessThan(valueCap);
    const claim = step(fx, fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker));
    await expect(claim).to.emit(fx.pool, "ExitClaimed").withArgs(fx.staker, 1, fx.queued, worth);
    await expect(claim).to.emit(fx.pool, "Withdraw").withArgs(fx.staker, fx.staker, fx.staker, worth, fx.queued);
    expect(await fx.token.balanceOf(fx.staker)).to.equal(worth);
    expect(await fx.pool.totalAssets()).to.equal(assets - loss - worth);
  });

  it("pays the value at the request when income came afterwards, and leaves the difference to the others", async () => {
    const fx = await loadFixture(leaving);
    const { valueCap } = await fx.pool.exitRequest(fx.staker, 1);
    await time.increaseTo(fx.requestedAt + COOLDOWN);
    expect(await fx.pool.convertToAssets(fx.queued)).to.be.greaterThan(valueCap);
    const before = await fx.pool.convertToAssets(fx.shares2);

    await expect(step(fx, fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker)))
      .to.emit(fx.pool, "ExitClaimed")
      .withArgs(fx.staker, 1, fx.queued, valueCap);
    expect(await fx.token.balanceOf(fx.staker)).to.equal(valueCap);
    expect(await fx.pool.convertToAssets(fx.shares2)).to.be.greaterThan(before);
  });

  it("can be cancelled: the shares come back having borne the loss", async () => {
    const fx = await loadFixture(leaving);
    await lose(fx);
    const stranger = fx.pool.connect(fx.bob).cancelExit(fx.staker, 1);
    await expect(stranger).to.be.revertedWithCustomError(fx.pool, "RequestNotLapsed");

    await expect(step(fx, fx.pool.connect(fx.staker).cancelExit(fx.staker, 1)))
      .to.emit(fx.pool, "ExitCancelled")
      .withArgs(fx.staker, 1, fx.staker, fx.queued);
    expect(await fx.pool.balanceOf(fx.staker)).to.equal(fx.shares);
    expect(await fx.pool.queuedShares()).to.equal(0n);
    await calm(fx);
    await expect(fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker))
      .to.be.revertedWithCustomError(fx.pool, "UnknownRequest")
      .withArgs(fx.staker, 1);
  });

  it("lapses after the claim window, when anyone may give the shares back", async () => {
    const fx = await loadFixture(leaving);
    const lapsesAt = fx.requestedAt + COOLDOWN + CLAIM_WINDOW;
    await time.setNextBlockTimestamp(lapsesAt + 1);
    await expect(fx.pool.connect(fx.staker).claimExit(fx.staker, 1, fx.queued, fx.staker))
      .to.be.revertedWithCustomError(fx.pool, "RequestLapsed")
      .withArgs(lapsesAt + 1, lapsesAt);

    await time.increaseTo(lapsesAt + 1); // the refused claim was never mined
    const { valueCap } = await fx.pool.exitRequest(fx.staker, 1);
    const [supply, assets] = [await fx.pool.totalSupply(), await fx.pool.totalAssets()];
    // down: worth the value at request once what they earned meanwhile has vested for all
    const kept = (valueCap * (supply + 10n ** 6n - fx.queued)) / (assets + 1n - valueCap);
    expect(kept).to.be.lessThan(fx.queued);
    await expect(step(fx, fx.pool.connect(fx.bob).cancelExit(fx.staker, 1)))
      .to.emit(fx.pool, "ExitCancelled")
      .withArgs(fx.staker, 1, fx.bob, kept);
    expect(await fx.pool.balanceOf(fx.staker)).to.equal(fx.shares - fx.queued + kept);
  });

  it("leaves no account liquidatable: margins of those who are in rise for opening only", async () => {
    const fx = await loadFixture(trading);
    const { alice } = fx.accounts;
    const before = await fx.engine.health(alice, 2n);
    for (const who of [fx.staker, fx.staker2]) {
      const all = await fx.pool.balanceOf(who);
      await step(fx, fx.pool.connect(who).requestRedeem(all, who, who));
    }
    await time.increase(HOUR);
    await fx.engine.sync(0);

    expect((await fx.engine.markets(0)).openInterestCap).to.equal(0n);
    const after = await fx.engine.health(alice, 2n);
    expect(after.initial).to.equal(after.notional);
    expect(after.maintenance).to.equal(before.maintenance);
    await expect(fx.engine.flag(alice))
      .to.be.revertedWithCustomError(fx.engine, "Healthy")
      .withArgs(alice, after.equity, after.maintenance);
  });
});
