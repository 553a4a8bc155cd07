/** A crash from the first trade to the last withdrawal, with a pool that pays and with one that is empty. */
import { expect } from "chai";
import { network } from "hardhat";
import { BTC, ETH } from "../../deploy/markets.ts";
import { min } from "../../sdk/src/math.ts";
import { type Actor, accountOf } from "../helpers/actors.ts";
import { expectConserved, step } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, setPrice, stake, trade } from "../helpers/fixture.ts";
import { DAY, HOUR } from "../helpers/time.ts";

const connection = await network.create();
const { loadFixture, time } = connection.networkHelpers;

const LIQUIDATION = 0n; // DrawReason
const SIDE = 500_000n; // {lot} 50 ETH, $100,000 at the start
const ALL = 2n ** 56n - 1n; // {lot}
const MARK = 0n; // Valuation

/** The engine's view of a waterfall: what ShortfallCovered says in the block of a transaction. */
async function coveredIn({ engine }: Fixture, { blockNumber }: { blockNumber: number | null }) {
  if (blockNumber === null) throw new Error("The transaction is not mined");
  const events = await engine.queryFilter(engine.filters.ShortfallCovered(), blockNumber, blockNumber);
  return events.map(({ args }) => args);
}

const cashOf = async ({ engine }: Fixture, account: bigint) => (await engine.accounts(account)).cash;
const equityOf = async ({ engine }: Fixture, account: bigint) => (await engine.health(account, MARK)).equity;

/** A price that the market has got used to: the averages have followed, and both sides are open again. */
async function settleAt(fx: Fixture, answer: bigint): Promise<void> {
  await time.increase(8 * HOUR);
  await setPrice(fx, answer);
}

describe("a crash that the pool pays for", () => {
  /** $1,000,000 staked by two; alice is long at nearly 17x, dave at 2x, the maker is short. */
  async function trading() {
    const fx = await deployBackstop(connection);
    await stake(fx, fx.staker, 600_000n);
    await stake(fx, fx.staker2, 400_000n);
    const alice = await deposit(fx, fx.alice, 6_000n);
    const dave = await deposit(fx, fx.dave, 50_000n);
    const maker = await deposit(fx, fx.maker, 60_000n);
    const keeper = await deposit(fx, fx.keeper, 40_000n);
    await fx.engine.sync(0);
    await step(fx, trade(fx, { long: fx.alice, short: fx.maker, lots: SIDE }));
    await step(fx, trade(fx, { long: fx.dave, short: fx.maker, lots: SIDE, maker: "long" }));
    return { ...fx, accounts: { alice, dave, maker, keeper } };
  }

  /** -3.2 %: alice is below maintenance margin and the keeper has closed a part of her position. */
  async function liquidated() {
    const fx = await trading();
    await setPrice(fx, dollars(1_936n));
    await expectConserved(fx);
    const { alice, keeper } = fx.accounts;
    await step(fx, fx.engine.connect(fx.keeper).liquidate(alice, 0, keeper, ALL, 0));
    return fx;
  }

  /** -15 %: alice is far below zero. */
  async function insolvent() {
    const fx = await liquidated();
    await setPrice(fx, dollars(1_700n));
    await expectConserved(fx);
    return fx;
  }

  async function takenOver() {
    const fx = await insolvent();
    const transaction = await step(fx, fx.engine.connect(fx.keeper).takeover(fx.accounts.alice, fx.accounts.keeper));
    return { ...fx, transaction };
  }

  it("liquidates just enough into the keeper's account, for a penalty", async () => {
    const fx = await loadFixture(trading);
    const { alice, keeper } = fx.accounts;
    await setPrice(fx, dollars(1_936n));
    const before = await fx.engine.health(alice, MARK);
    const { bucket } = await fx.engine.markets(0);
    const keeperBefore = await equityOf(fx, keeper);

    const call = [alice, 0, keeper, ALL, 0] as const;
    const [lots, penalty] = await fx.engine.connect(fx.keeper).liquidate.staticCall(...call);
    await expect(step(fx, fx.engine.connect(fx.keeper).liquidate(...call)))
      .to.emit(fx.engine, "Liquidated")
      .withArgs(alice, 0, keeper, lots, penalty);

    expect(lots).to.be.greaterThan(0n).and.lessThan(SIDE);
    expect((await fx.engine.positions(alice, 0)).lots).to.equal(SIDE - lots);
    expect((await fx.engine.positions(keeper, 0)).lots).to.equal(lots);
    const after = await fx.engine.health(alice, MARK);
    expect(after.equity).to.equal(before.equity - penalty);
    expect(after.equity).to.be.at.least((after.maintenance * 12n) / 10n);
    const share = penalty / 2n; // 5,000 bps, down
    expect(await equityOf(fx, keeper)).to.equal(keeperBefore + share);
    expect((await fx.engine.markets(0)).bucket).to.equal(bucket + penalty - share);
  });

  it("refuses the liquidation of an account that is healthy, or below zero", async () => {
    const fx = await loadFixture(insolvent);
    const { alice, dave, keeper } = fx.accounts;
    const engine = fx.engine.connect(fx.keeper);

    const health = await fx.engine.health(dave, 2n); // at the favourable edge
    await expect(engine.liquidate(dave, 0, keeper, ALL, 0))
      .to.be.revertedWithCustomError(fx.engine, "Healthy")
      .withArgs(dave, health.equity, health.maintenance);
    await expect(engine.takeover(dave, keeper))
      .to.be.revertedWithCustomError(fx.engine, "NotTakeoverable")
      .withArgs(dave, health.equity, health.maintenance);
    await expect(engine.liquidate(alice, 0, keeper, ALL, 0))
      .to.be.revertedWithCustomError(fx.engine, "Insolvent")
      .withArgs(alice, await equityOf(fx, alice));
  });

  it("pays the shortfall from the bucket, then the pool, to the unit", async () => {
    const fx = await loadFixture(insolvent);
    const { alice, keeper } = fx.accounts;
    const equity = await equityOf(fx, alice);
    const { lots } = await fx.engine.positions(alice, 0);
    const { bucket: full } = await fx.engine.markets(0);
    const bucket = full - ETH.params.takeoverReward; // the reward comes first
    const tokenUnit = await fx.engine.tokenUnit();
    const keeperCash = await cashOf(fx, keeper);
    expect(equity).to.be.lessThan(0n);

    const transaction = await step(fx, fx.engine.connect(fx.keeper).takeover(alice, keeper));

    const [covered, ...others] = await coveredIn(fx, transaction);
    expect(others).to.deep.equal([]);
    if (covered === undefined) throw new Error("No shortfall was covered");
    const rest = -equity - bucket;
    const paid = (rest + tokenUnit - 1n) / tokenUnit; // {token} up
    expect([covered.market, covered.account, covered.reason]).to.deep.equal([0n, alice, LIQUIDATION]);
    expect(covered.shortfall).to.equal(-equity);
    expect(covered.byBucket).to.equal(bucket);
    expect(covered.byPool).to.equal(rest);
    expect(covered.toDeficit).to.equal(0n);
    expect(covered.excess).to.equal(paid * tokenUnit - rest);
    await expect(transaction).to.emit(fx.stack, "LossAbsorbed").withArgs(0, LIQUIDATION, paid, 0, paid);
    await expect(transaction).to.emit(fx.pool, "LossTaken").withArgs(paid);

    const reward = ETH.params.takeoverReward;
    await expect(transaction).to.emit(fx.engine, "TakenOver").withArgs(alice, keeper, equity, reward);
    expect(await cashOf(fx, keeper)).to.equal(keeperCash + reward);
    expect(await fx.engine.accounts(alice)).to.deep.equal([0n, 0n, 0n]);
    expect(await fx.engine.positions(alice, 0)).to.deep.equal([0n, 0n]);
    expect((await fx.engine.positions(0, 0)).lots).to.equal(lots);
    expect(await equityOf(fx, 0n)).to.equal(0n); // the inventory took the lots at the mark
  });

  it("asks the junior pool first, and the senior one for the rest", async () => {
    const fx = await loadFixture(liquidated);
    await stake(fx, fx.staker, 5_000n, fx.junior);
    await setPrice(fx, dollars(1_700n));
    const [below, above] = [await fx.junior.totalAssets(), await fx.pool.totalAssets()];

    const takeover = fx.engine.connect(fx.keeper).takeover(fx.accounts.alice, fx.accounts.keeper);
    const transaction = await step(fx, takeover);

    const [covered] = await coveredIn(fx, transaction);
    if (covered === undefined) throw new Error("No shortfall was covered");
    const paid = (covered.byPool + covered.excess) / (await fx.engine.tokenUnit());
    const first = 4_999n * fx.unit; // a whole token stays
    expect(paid).to.be.greaterThan(first);
    await expect(transaction)
      .to.emit(fx.stack, "LossAbsorbed")
      .withArgs(0, LIQUIDATION, paid, first, paid - first);
    expect(await fx.junior.totalAssets()).to.equal(below - first);
    expect(await fx.pool.totalAssets()).to.equal(above - (paid - first));
    expect(await fx.stack.inventoryLosses(), "those of the inventory alone are repaid").to.deep.equal([0n, 0n]);
  });

  it("takes the loss from every share alike, and nothing else", async () => {
    const fx = await loadFixture(insolvent);
    const assets = await fx.pool.totalAssets();
    const supply = await fx.pool.totalSupply();
    const shares = await Promise.all([fx.pool.balanceOf(fx.staker), fx.pool.balanceOf(fx.staker2)]);
    const held = await fx.token.balanceOf(fx.pool);

    const takeover = fx.engine.connect(fx.keeper).takeover(fx.accounts.alice, fx.accounts.keeper);
    const [covered] = await coveredIn(fx, await step(fx, takeover));
    if (covered === undefined) throw new Error("No shortfall was covered");
    const loss = (covered.byPool + covered.excess) / (await fx.engine.tokenUnit());

    expect(loss).to.be.greaterThan(0n);
    expect(await fx.pool.totalAssets()).to.equal(assets - loss);
    expect(await fx.token.balanceOf(fx.pool)).to.equal(held - loss);
    expect(await fx.pool.totalSupply()).to.equal(supply);
    for (const owned of shares) {
      const worth = (owned * (assets - loss + 1n)) / (supply + 10n ** 6n); // virtual shares and asset
      expect(await fx.pool.convertToAssets(owned)).to.equal(worth);
    }
  });

  it("lets the winner close and withdraw everything", async () => {
    const fx = await loadFixture(takenOver);
    const { maker } = fx.accounts;
    const bob = await deposit(fx, fx.bob, 100_000n);
    await settleAt(fx, dollars(1_700n));

    const { lots } = await fx.engine.positions(maker, 0);
    expect(lots).to.equal(-2n * SIDE);
    await step(fx, trade(fx, { long: fx.maker, short: fx.bob, lots: -lots, maker: "long" }));
    expect((await fx.engine.positions(bob, 0)).lots).to.equal(lots);

    const cash = await cashOf(fx, maker);
    const amount = cash / (await fx.engine.tokenUnit());
    expect(amount).to.be.greaterThan(80_000n * fx.unit); // 60,000 and more than two thirds of 30,000 won
    await expect(step(fx, fx.engine.connect(fx.maker).withdraw(maker, amount, amount, fx.maker)))
      .to.emit(fx.engine, "Withdrawn")
      .withArgs(maker, fx.maker, amount, 0);
    expect(await fx.token.balanceOf(fx.maker)).to.equal(amount);
  });

  it("covers what the inventory loses when the price falls on", async () => {
    const fx = await loadFixture(takenOver);
    await setPrice(fx, dollars(1_600n));
    const lost = -(await equityOf(fx, 0n));
    const assets = await fx.pool.totalAssets();

    const transaction = await step(fx, fx.engine.coverInventory(0));

    const [covered] = await coveredIn(fx, transaction);
    if (covered === undefined) throw new Error("No shortfall was covered");
    expect([covered.market, covered.account, covered.reason]).to.deep.equal([0n, 0n, 1n]);
    expect(covered.byBucket + covered.byPool + covered.byShare + covered.toDeficit).to.equal(covered.shortfall);
    expect(covered.shortfall).to.be.at.least(lost);
    expect(assets - (await fx.pool.totalAssets())).to.equal(
      (covered.byPool + covered.excess) / (await fx.engine.tokenUnit()),
    );
    expect(await equityOf(fx, 0n)).to.equal(0n);
    await expect(fx.engine.coverInventory(0)).not.to.emit(fx.engine, "ShortfallCovered"); // nothing is left
  });
});

describe("the same crash with an empty pool", () => {
  const markets = [
    { config: { ...ETH, volatility: null, feed: { ...ETH.feed, maxAge: 2 * DAY } }, answer: dollars(2_000n) },
    { config: { ...BTC, volatility: null, feed: { ...BTC.feed, maxAge: 2 * DAY } }, answer: dollars(50_000n) },
  ];

  /** The staker has left after the trades; then -15 %, and alice and bob are below zero. */
  async function fallen() {
    const fx = await deployBackstop(connection, { markets });
    const shares = await stake(fx);
    const alice = await deposit(fx, fx.alice, 6_000n);
    const bob = await deposit(fx, fx.bob, 6_000n);
    const maker = await deposit(fx, fx.maker, 50_000n);
    const carol = await deposit(fx, fx.carol, 50_000n);
    const keeper = await deposit(fx, fx.keeper, 1_000n);
    await fx.engine.sync(0);
    await step(fx, trade(fx, { long: fx.alice, short: fx.maker, lots: SIDE }));
    await step(fx, trade(fx, { long: fx.bob, short: fx.carol, lots: SIDE }));

    await fx.pool.connect(fx.staker).requestRedeem(shares, fx.staker, fx.staker);
    await time.increase(7 * DAY);
    await step(fx, fx.pool.connect(fx.staker).claimExit(fx.staker, 1, shares, fx.staker));
    expect(await fx.pool.totalSupply()).to.equal(0n);

    await setPrice(fx, dollars(1_700n));
    await setPrice(fx, dollars(50_000n), 1);
    return { ...fx, accounts: { alice, bob, maker, carol, keeper } };
  }

  /** Nobody has acted for hours, and the average has followed the price: winners owe nothing any more. */
  async function insolvent() {
    const fx = await fallen();
    await settleAt(fx, dollars(1_700n));
    await setPrice(fx, dollars(50_000n), 1);
    return fx;
  }

  async function inDeficit() {
    const fx = await insolvent();
    const { alice, bob, keeper } = fx.accounts;
    await step(fx, fx.engine.connect(fx.keeper).takeover(alice, keeper));
    await step(fx, fx.engine.connect(fx.keeper).takeover(bob, keeper));
    return fx;
  }

  /** New stake has come: the market has room again, but for the deficit. */
  async function restaked() {
    const fx = await inDeficit();
    await stake(fx, fx.staker2);
    await deposit(fx, fx.dave, 50_000n);
    for (const market of markets.keys()) await fx.engine.sync(market);
    return fx;
  }

  it("lets winners pay at once what bucket and pool cannot, every lot the same", async () => {
    const fx = await loadFixture(fallen);
    const { alice, bob, maker, carol, keeper } = fx.accounts;
    const before = await Promise.all([maker, carol].map((winner) => equityOf(fx, winner)));
    let paid = 0n; // {u} by all winners
    for (const account of [alice, bob]) {
      const equity = await equityOf(fx, account);
      const transaction = await step(fx, fx.engine.connect(fx.keeper).takeover(account, keeper));
      const [covered] = await coveredIn(fx, transaction);
      if (covered === undefined) throw new Error("No shortfall was covered");
      expect(covered.byBucket + covered.byShare).to.equal(-equity);
      expect([covered.byPool, covered.toDeficit]).to.deep.equal([0n, 0n]);
      const perLot = (covered.byShare + 2n * SIDE - 1n) / (2n * SIDE); // up
      expect(covered.excess).to.equal(perLot * 2n * SIDE - covered.byShare);
      await expect(transaction)
        .to.emit(fx.engine, "LossShared")
        .withArgs(0, false, perLot, perLot * 2n * SIDE);
      paid += perLot * 2n * SIDE;
    }
    const after = await Promise.all([maker, carol].map((winner) => equityOf(fx, winner)));
    expect(before.map((equity, i) => equity - (after[i] ?? 0n))).to.deep.equal([paid / 2n, paid / 2n]);
    expect(await fx.engine.totalDeficit()).to.equal(0n);
  });

  it("never refuses a takeover: what nobody pays becomes the market's deficit", async () => {
    const fx = await loadFixture(insolvent);
    let owed = 0n;
    for (const account of [fx.accounts.alice, fx.accounts.bob]) {
      const equity = await equityOf(fx, account);
      const { bucket } = await fx.engine.markets(0);
      const transaction = await step(fx, fx.engine.connect(fx.keeper).takeover(account, fx.accounts.keeper));
      const reward = min(bucket, ETH.params.takeoverReward); // comes first
      const byBucket = min(bucket - reward, -equity);
      owed += -equity - byBucket;
      await expect(transaction)
        .to.emit(fx.engine, "ShortfallCovered")
        .withArgs(0, account, LIQUIDATION, -equity, byBucket, 0, 0, -equity - byBucket, 0);
      await expect(transaction).to.emit(fx.engine, "TakenOver").withArgs(account, fx.accounts.keeper, equity, reward);
      expect(await fx.engine.deficit(0)).to.equal(owed);
    }
    expect(owed).to.be.greaterThan(0n);
    expect(await fx.engine.totalDeficit()).to.equal(owed);
  });

  /** {token} h of `amount` now, down. */
  async function haircut(fx: Fixture, amount: bigint): Promise<bigint> {
    const balance = (await fx.engine.internalBalance()) * (await fx.engine.tokenUnit());
    return (amount * balance) / (balance + (await fx.engine.totalDeficit()));
  }

  async function withdrawAll(fx: Fixture, actor: Actor, amount: bigint): Promise<bigint> {
    const paid = await haircut(fx, amount);
    const tokenUnit = await fx.engine.tokenUnit();
    const deficit = await fx.engine.totalDeficit();
    const withheld = (amount - paid) * tokenUnit;
    const account = accountOf(actor);
    const transaction = await step(fx, fx.engine.connect(actor).withdraw(account, amount, paid, actor));
    await expect(transaction).to.emit(fx.engine, "Withdrawn").withArgs(account, actor, paid, withheld);
    await expect(transaction)
      .to.emit(fx.engine, "DeficitReduced")
      .withArgs(0, withheld, deficit - withheld);
    expect(await fx.engine.claims(account)).to.equal(withheld);
    expect(await fx.engine.totalDeficit()).to.equal(deficit - withheld);
    return paid;
  }

  it("cuts every withdrawal by the same h, whoever comes first", async () => {
    const amount = 40_000n;
    const paid: Record<string, bigint> = {};
    for (const order of ["maker", "carol"] as const) {
      const fx = await loadFixture(inDeficit);
      const other = order === "maker" ? "carol" : "maker";
      const first = await withdrawAll(fx, fx[order], amount * fx.unit);
      const second = await withdrawAll(fx, fx[other], amount * fx.unit);
      expect(first).to.be.lessThan(amount * fx.unit);
      expect(second - first, "the second loses nothing by waiting").to.be.within(0n, 1n);
      paid[`${order} first`] = first;
      paid[`${order} second`] = second;
    }
    expect(paid["maker first"]).to.equal(paid["carol first"]);
    expect(paid["maker second"]).to.equal(paid["carol second"]);
  });

  it("refuses to pay less than the withdrawer accepts", async () => {
    const fx = await loadFixture(inDeficit);
    const amount = 1_000n * fx.unit;
    const paid = await haircut(fx, amount);
    await expect(fx.engine.connect(fx.maker).withdraw(fx.accounts.maker, amount, amount, fx.maker))
      .to.be.revertedWithCustomError(fx.engine, "PaidTooLittle")
      .withArgs(paid, amount);
  });

  it("takes no new risk, in its market for any deficit, elsewhere above 0.1 % of the balance", async () => {
    const fx = await loadFixture(restaked);
    const deficit = await fx.engine.deficit(0);
    const settle = (market: number) => trade(fx, { long: fx.dave, short: fx.maker, lots: 1_000n, market });

    await expect(settle(0)).to.be.revertedWithCustomError(fx.engine, "DeficitOutstanding").withArgs(0, deficit);
    await expect(settle(1))
      .to.be.revertedWithCustomError(fx.engine, "OpeningStopped")
      .withArgs(deficit, (await fx.engine.internalBalance()) * (await fx.engine.tokenUnit()));
    await expectConserved(fx);
  });

  it("repays the deficit from premiums before the pool earns, and then opens again", async () => {
    const fx = await loadFixture(restaked);
    const stakeBefore = await fx.pool.totalAssets();
    const tokenUnit = await fx.engine.tokenUnit();
    await step(fx, fx.engine.setMarket(0, ETH.params, { ...ETH.rules, premiumRate: 10_000_000 })); // 1 % per 8 h

    await time.increase(DAY);
    await setPrice(fx, dollars(1_700n));
    const deficit = await fx.engine.deficit(0);
    const fees = await cashOf(fx, 64n);
    const { bucket } = await fx.engine.markets(0);
    expect(bucket + fees, "one day repays a part").to.be.lessThan(deficit);
    const first = step(fx, fx.engine.collectIncome(0));
    await expect(first)
      .to.emit(fx.engine, "IncomeCollected")
      .withArgs(0, 0, bucket, 0, bucket + fees, 0);
    await expect(first)
      .to.emit(fx.engine, "DeficitReduced")
      .withArgs(0, bucket + fees, deficit - bucket - fees);
    expect(await cashOf(fx, 64n)).to.equal(0n);

    await time.increase(2 * DAY - HOUR);
    await setPrice(fx, dollars(1_700n));
    const left = deficit - bucket - fees;
    const collected = await cashOf(fx, 64n);
    const paid = (collected - left) / tokenUnit;
    expect(paid, "the rest and something for the pool").to.be.greaterThan(0n);
    const second = step(fx, fx.engine.collectIncome(0));
    await expect(second).to.emit(fx.engine, "DeficitReduced").withArgs(0, left, 0);
    await expect(second).to.emit(fx.engine, "IncomeCollected").withArgs(0, 0, 0, 0, left, paid);
    await expect(second).to.emit(fx.pool, "IncomeReceived");
    expect(await fx.engine.totalDeficit()).to.equal(0n);
    expect(await fx.pool.totalAssets(), "new stake pays nothing for the old deficit").to.equal(stakeBefore);

    await setPrice(fx, dollars(50_000n), 1);
    for (const market of markets.keys()) {
      await step(fx, trade(fx, { long: fx.dave, short: fx.maker, lots: 1_000n, market }));
      expect((await fx.engine.positions(accountOf(fx.dave), market)).lots).to.equal(1_000n);
    }
  });
});
