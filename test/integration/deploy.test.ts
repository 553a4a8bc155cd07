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
  const [, , governor, guardian, treasury] = await ethers.getSigners();
  if (governor === undefined || guardian === undefined || treasury === undefined)
    throw new Error("The chain has too few unlocked accounts");
  const token = await (await ethers.deployContract("MockToken", ["USD", 6])).getAddress();
  const ethUsdFeed = await (await ethers.deployContract("MockAggregator", [8, dollars(2_000n)])).getAddress();
  const btcUsdFeed = await (await ethers.deployContract("MockAggregator", [8, dollars(30_000n)])).getAddress();
  const pyth = await (await ethers.deployContract("MockPyth", [60, 0])).getAddress();
  const sources = { token, ethUsdFeed, btcUsdFeed, pyth, sequencer: ethers.ZeroAddress };
  const parameters = {
    Backstop: { ...sources, guardian: guardian.address, treasury: treasury.address },
    HandOver: { governor: governor.address },
  };
  return { governor, guardian, treasury, parameters };
}

describe("deploy", () => {
  it("gives transactions a fifth more gas than they are estimated to need, in process too", async () => {
    const [signer] = await ethers.getSigners();
    if (signer === undefined) throw new Error("The chain has no unlocked account");
    const estimate = await signer.estimateGas({ to: signer.address });
    expect(estimate).to.be.at.least((21_000n * 120n) / 100n);
  });

  it("connects the contracts to each other", async () => {
    const { engine, stack, exchange, oracle, token } = await networkHelpers.loadFixture(deployed);

    expect(await engine.stack()).to.equal(await stack.getAddress());
    expect(await engine.exchange()).to.equal(await exchange.getAddress());
    expect(await engine.oracle()).to.equal(await oracle.getAddress());
    expect(await exchange.engine()).to.equal(await engine.getAddress());
    expect(await stack.engine()).to.equal(await engine.getAddress());
    expect(await stack.asset()).to.equal(await token.getAddress());
  });

  it("puts a junior and a senior pool under one stack", async () => {
    const { engine, stack, junior, pool: senior, manager, token } = await networkHelpers.loadFixture(deployed);

    expect(await stack.junior()).to.equal(await junior.getAddress());
    expect(await stack.senior()).to.equal(await senior.getAddress());
    expect([await junior.isJunior(), await senior.isJunior()]).to.deep.equal([true, false]);
    expect([await junior.symbol(), await senior.symbol()]).to.deep.equal(["jBACK", "BACK"]);
    for (const tranche of [junior, senior]) {
      expect(await tranche.stack()).to.equal(await stack.getAddress());
      expect(await tranche.engine()).to.equal(await engine.getAddress());
      expect(await tranche.asset()).to.equal(await token.getAddress());
      expect(await tranche.authority()).to.equal(await manager.getAddress());
    }
    expect(await stack.authority()).to.equal(await manager.getAddress());
  });

  it("lets nobody into the senior pool above four times the junior one, unless governance says otherwise", async () => {
    const fx = await deployBackstop(await network.create(), { attachmentFloor: true });
    expect(await fx.stack.tranches()).to.deep.equal([2_000n, 20_000n, 0n]);
    const most = () => fx.pool.maxDeposit(fx.staker);

    expect(await most()).to.equal(0n);
    await stake(fx, fx.staker2, 1_000n, fx.junior);
    expect(await most()).to.equal(4_000n * fx.unit);
    await stake(fx, fx.staker, 4_000n);
    await expect(stake(fx, fx.staker, 1n))
      .to.be.revertedWithCustomError(fx.pool, "AssetsAboveMax")
      .withArgs(fx.unit, 0);
    await fx.stack.setTranches(0, 20_000, 0);
    expect(await stake(fx, fx.staker, 1n)).to.equal(fx.unit * 10n ** 6n);
  });

  it("names the treasury of its parameters, and asks for one", async () => {
    const { treasury, parameters } = await liveParameters();
    const { stack } = await ignition.deploy(Backstop, { parameters });
    expect(await stack.getFunction("treasury")()).to.equal(treasury.address);

    const { treasury: _, ...others } = parameters.Backstop;
    const failed = await ignition.deploy(Backstop, { parameters: { Backstop: others } }).then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(failed).to.contain("treasury");
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
    const { engine, stack, exchange, risk, amm } = await networkHelpers.loadFixture(deployed);

    await expect(engine.wire(stack, exchange, risk, amm))
      .to.be.revertedWithCustomError(engine, "AlreadyConnected")
      .withArgs(stack);
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
