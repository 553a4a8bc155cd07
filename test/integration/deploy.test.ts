/** The modules of deploy/ give every role what it needs and nobody more. */
import { expect } from "chai";
import { network } from "hardhat";
import { BTC, ETH } from "../../deploy/markets.ts";
import Backstop from "../../deploy/modules/Backstop.ts";
import HandOver from "../../deploy/modules/HandOver.ts";
import { GOVERNANCE, GUARDIAN } from "../../deploy/wiring.ts";
import { MarginEngine__factory } from "../../typechain-types/index.js";
import { DEFAULT_MARKETS, deployBackstop, dollars, setPrice, stake } from "../helpers/fixture.ts";

const connection = await network.create();
const { ethers, ignition, networkHelpers } = connection;

const ADMIN = 0n;
const ACTIVE = 1n;
const REDUCE_ONLY = 2n;
const MARKETS = [...DEFAULT_MARKETS, { config: BTC, answer: dollars(30_000n) }];

async function deployed() {
  return deployBackstop(connection, { markets: MARKETS });
}

/** A token and a feed that exist, as a live deployment finds them. */
async function liveParameters() {
  const [, , governor, guardian] = await ethers.getSigners();
  if (governor === undefined || guardian === undefined) throw new Error("The chain has too few unlocked accounts");
  const token = await (await ethers.deployContract("MockToken", ["USD", 6])).getAddress();
  const ethUsdFeed = await (await ethers.deployContract("MockAggregator", [8, dollars(2_000n)])).getAddress();
  const parameters = {
    Backstop: { token, ethUsdFeed, guardian: guardian.address },
    HandOver: { governor: governor.address },
  };
  return { governor, guardian, parameters };
}

describe("deploy", () => {
  it("connects the contracts to each other", async () => {
    const { engine, pool, exchange, oracle, token } = await networkHelpers.loadFixture(deployed);

    expect(await engine.pool()).to.equal(await pool.getAddress());
    expect(await engine.exchange()).to.equal(await exchange.getAddress());
    expect(await engine.oracle()).to.equal(await oracle.getAddress());
    expect(await exchange.engine()).to.equal(await engine.getAddress());
    expect(await pool.engine()).to.equal(await engine.getAddress());
    expect(await pool.asset()).to.equal(await token.getAddress());
  });

  it("lists the markets with the parameters of deploy/markets.ts", async () => {
    const { engine, oracle, feeds } = await networkHelpers.loadFixture(deployed);

    for (const [market, { config }] of MARKETS.entries()) {
      expect((await engine.markets(market)).status).to.equal(ACTIVE);
      const { maintenanceBps, initialBps, minLots } = await engine.marketParams(market);
      expect([maintenanceBps, initialBps, minLots]).to.deep.equal(
        [config.params.maintenanceBps, config.params.initialBps, config.params.minLots].map(BigInt),
      );
      expect((await engine.marketRules(market)).shockBps).to.equal(config.rules.shockBps);
      expect((await oracle.feed(market)).aggregator).to.equal(await feeds[market]?.getAddress());
    }
    expect((await engine.markets(MARKETS.length)).status).to.equal(0n);
  });

  it("makes room for open interest once there is stake and a price", async () => {
    const fx = await networkHelpers.loadFixture(deployed);
    await stake(fx);
    await setPrice(fx, dollars(2_000n));

    expect((await fx.engine.markets(0)).openInterestCap > 0n).to.equal(true);
  });

  it("lets only governance change parameters", async () => {
    const { engine, oracle, pool, exchange, alice, guardian, keeper } = await networkHelpers.loadFixture(deployed);
    const params = { ...ETH.params };
    const rules = { ...ETH.rules };
    const feed = await oracle.feed(0);
    const config = { aggregator: feed.aggregator, ...ETH.feed };

    for (const caller of [alice, guardian, keeper]) {
      const refused = [
        [engine, () => engine.connect(caller).setMarket(0, params, rules)],
        [engine, () => engine.connect(caller).setStatus(0, REDUCE_ONLY)],
        [engine, () => engine.connect(caller).getFunction("connect")(pool, exchange)],
        [oracle, () => oracle.connect(caller).configure(0, config)],
        [pool, () => pool.connect(caller).setBudgets(5_000, 8_000)],
        [pool, () => pool.connect(caller).setExitClocks(604_800, 259_200)],
      ] as const;
      for (const [target, call] of refused)
        await expect(call()).to.be.revertedWithCustomError(target, "AccessManagedUnauthorized").withArgs(caller);
    }
    await expect(engine.setMarket(0, params, rules)).to.emit(engine, "MarketSet");
    await expect(oracle.configure(0, config)).to.emit(oracle, "FeedConfigured");
    await expect(pool.setBudgets(5_000, 8_000)).to.emit(pool, "BudgetsSet").withArgs(5_000, 8_000);
  });

  it("lets only the guardian pause, and only governance lift it", async () => {
    const { engine, alice, governor, guardian } = await networkHelpers.loadFixture(deployed);

    for (const caller of [alice, governor])
      await expect(engine.connect(caller).pauseMarket(0))
        .to.be.revertedWithCustomError(engine, "AccessManagedUnauthorized")
        .withArgs(caller);
    await expect(engine.connect(guardian).pauseMarket(0)).to.emit(engine, "StatusSet").withArgs(0, REDUCE_ONLY);
    await expect(engine.connect(guardian).setStatus(0, ACTIVE))
      .to.be.revertedWithCustomError(engine, "AccessManagedUnauthorized")
      .withArgs(guardian);
    await expect(engine.connect(governor).setStatus(0, ACTIVE)).to.emit(engine, "StatusSet").withArgs(0, ACTIVE);
  });

  it("cannot be connected a second time", async () => {
    const { engine, pool, exchange } = await networkHelpers.loadFixture(deployed);

    await expect(engine.getFunction("connect")(pool, exchange))
      .to.be.revertedWithCustomError(engine, "AlreadyConnected")
      .withArgs(pool);
  });

  it("refuses a settlement token of 18 decimals", async () => {
    const outcome = await deployBackstop(connection, { decimals: 18 }).catch((error: unknown) => String(error));

    expect(outcome).to.be.a("string").that.contains("DecimalsUnsupported(18, 12)");
  });

  for (const decimals of [6, 8, 12]) {
    it(`takes a settlement token of ${decimals} decimals`, async () => {
      const { engine } = await deployBackstop(connection, { decimals });

      expect(await engine.tokenUnit()).to.equal(10n ** BigInt(12 - decimals));
    });
  }

  it("is governed by the deployer of a live deployment", async () => {
    const { guardian, parameters } = await liveParameters();
    const { engine, manager } = await ignition.deploy(Backstop, { parameters });
    const [deployer] = await ethers.getSigners();

    await expect(engine.getFunction("setStatus")(0, REDUCE_ONLY)).to.emit(engine, "StatusSet").withArgs(0, REDUCE_ONLY);
    for (const [role, holder] of [
      [ADMIN, deployer],
      [GOVERNANCE, deployer],
      [GUARDIAN, guardian],
    ] as const)
      expect(await manager.getFunction("hasRole")(role, holder)).to.deep.equal([true, 0n]);
  });

  it("is governed by the governor alone once handed over", async () => {
    const { governor, guardian, parameters } = await liveParameters();
    const { engine, manager } = await ignition.deploy(HandOver, { parameters });
    const [deployer] = await ethers.getSigners();
    if (deployer === undefined) throw new Error("The chain has no unlocked account");
    const contract = MarginEngine__factory.connect(await engine.getAddress(), governor);

    await expect(contract.connect(deployer).setStatus(0, REDUCE_ONLY))
      .to.be.revertedWithCustomError(contract, "AccessManagedUnauthorized")
      .withArgs(deployer);
    await expect(manager.getFunction("grantRole")(GOVERNANCE, deployer, 0))
      .to.be.revertedWithCustomError(manager, "AccessManagerUnauthorizedAccount")
      .withArgs(deployer, ADMIN);
    await expect(contract.setStatus(0, REDUCE_ONLY)).to.emit(contract, "StatusSet").withArgs(0, REDUCE_ONLY);
    await expect(contract.connect(guardian).pauseMarket(0)).to.emit(contract, "StatusSet").withArgs(0, REDUCE_ONLY);
    for (const role of [ADMIN, GOVERNANCE])
      expect(await manager.getFunction("hasRole")(role, governor)).to.deep.equal([true, 0n]);
  });
});
