/** The modules of deploy/ give every role what it needs and nobody more. */
import { expect } from "chai";
import { network } from "hardhat";
import { BTC } from "../../deploy/markets.ts";
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

  it("cannot be connected a second time", async () => {
    const { engine, pool, exchange } = await networkHelpers.loadFixture(deployed);

    await expect(engine.wire(pool, exchange)).to.be.revertedWithCustomError(engine, "AlreadyConnected").withArgs(pool);
  });

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
