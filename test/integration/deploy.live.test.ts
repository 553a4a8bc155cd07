/** The modules of a live deployment: second source, sequencer, a third market, the timelock; its parameters and its price. */
import { expect } from "chai";
import { MaxUint256, ZeroAddress } from "ethers";
import { network } from "hardhat";
import { ALT, BTC, ETH, PRICE_IDS } from "../../deploy/markets.ts";
import Alt from "../../deploy/modules/Alt.ts";
import Backstop from "../../deploy/modules/Backstop.ts";
import Timelock, { timelockModule } from "../../deploy/modules/Timelock.ts";
import { DEPLOYMENT_GAS, NETWORKS } from "../../deploy/networks.ts";
import { readSettings, settingsOf } from "../../deploy/parameters.ts";
import { rehearse } from "../../deploy/rehearse.ts";
import { STACK } from "../../deploy/stack.ts";
import { GOVERNANCE, GUARDIAN } from "../../deploy/wiring.ts";
import { withMargin } from "../../scripts/gas-margin.plugin.ts";
import { parseDeployment } from "../../sdk/src/deployment.ts";
import {
  AccessManager__factory,
  CapitalStack__factory,
  MarginEngine__factory,
  Oracle__factory,
  RiskEngine__factory,
  TimelockController__factory,
} from "../../typechain-types/index.js";
import { dollars } from "../helpers/fixture.ts";

const { ethers, ignition, networkHelpers } = await network.create();

const OK = 0n;
const BAD = 5n;
const REDUCE_ONLY = 2n;
const HOUR = 3_600; // {s}
const DELAY = 60; // {s}

/** Token and feeds that exist, on a rollup whose sequencer has been up for an hour. */
async function scene() {
  const [deployer, guardian, treasury, proposer, executor] = await ethers.getSigners();
  if (!deployer || !guardian || !treasury || !proposer || !executor) throw new Error("The chain has too few accounts");
  const sequencer = await ethers.deployContract("MockAggregator", [0, 0]);
  await networkHelpers.time.increase(HOUR);
  const at = async (name: string, args: unknown[]) => (await ethers.deployContract(name, args)).getAddress();
  const pyth = await at("MockPyth", [60, 0]);
  const sources = {
    token: await at("MockToken", ["USD", 6]),
    ethUsdFeed: await at("MockAggregator", [8, dollars(2_000n)]),
    btcUsdFeed: await at("MockAggregator", [8, dollars(60_000n)]),
    pyth,
    sequencer: await sequencer.getAddress(),
    feedMaxAge: 4_500,
  };
  const feed = await at("MockAggregator", [8, dollars(2n)]);
  const parameters = {
    Backstop: { ...sources, guardian: guardian.address, treasury: treasury.address },
    Alt: { feed, pyth, priceId: ethers.id("ALT/USD"), sequencer: sources.sequencer },
    Timelock: { delay: DELAY, proposers: [proposer.address], executors: [executor.address] },
  };
  return { deployer, guardian, proposer, executor, sequencer, parameters };
}

type Contracts = Readonly<Record<string, { getAddress(): Promise<string> }>>;

async function addressIn(contracts: Contracts, name: string): Promise<string> {
  const found = contracts[name];
  if (found === undefined) throw new Error(`The module returned no ${name}`);
  return found.getAddress();
}

describe("a live deployment", () => {
  it("gives ETH and BTC the second source, the age of the parameters and limits of volatility", async () => {
    const { parameters } = await networkHelpers.loadFixture(scene);
    const contracts: Contracts = await ignition.deploy(Backstop, { parameters });
    const oracle = Oracle__factory.connect(await addressIn(contracts, "oracle"), ethers.provider);
    const risk = RiskEngine__factory.connect(await addressIn(contracts, "risk"), ethers.provider);

    for (const [index, config] of [ETH, BTC].entries()) {
      const name = config.name as keyof typeof PRICE_IDS;
      expect(await oracle.second(index)).to.deep.equal([parameters.Backstop.pyth, PRICE_IDS[name]]);
      expect((await oracle.feed(index)).maxAge).to.equal(4_500n);
      expect((await risk.volatilityLimits(index)).level1).to.equal(BigInt(config.volatility?.level1 ?? 0));
    }
  });

  it("starts the stack with the terms of deploy/stack.ts, which are those of its constructor", async () => {
    const { parameters, guardian } = await networkHelpers.loadFixture(scene);
    const contracts: Contracts = await ignition.deploy(Backstop, { parameters });
    const stack = CapitalStack__factory.connect(await addressIn(contracts, "stack"), guardian);
    const alone = await ethers.deployContract("CapitalStack", [
      parameters.Backstop.token,
      await addressIn(contracts, "engine"),
      guardian,
      await addressIn(contracts, "manager"),
      "Share",
      "S",
    ]);
    for (const each of [stack, CapitalStack__factory.connect(await alone.getAddress(), guardian)]) {
      expect(await each.budgets()).to.deep.equal([STACK.marketDayBps, STACK.windowBps].map(BigInt));
      const { attachmentBps, juniorWeightBps, treasuryBps } = STACK;
      expect(await each.tranches()).to.deep.equal([attachmentBps, juniorWeightBps, treasuryBps].map(BigInt));
    }
  });

  it("asks the sequencer of a rollup, and has no price while it is down", async () => {
    const { parameters, sequencer } = await networkHelpers.loadFixture(scene);
    const contracts: Contracts = await ignition.deploy(Backstop, { parameters });
    const oracle = Oracle__factory.connect(await addressIn(contracts, "oracle"), ethers.provider);

    expect((await oracle.quote(0)).state).to.equal(OK);
    await sequencer.getFunction("setAnswer")(1);
    expect((await oracle.quote(0)).state).to.equal(BAD);
  });

  it("does not begin when the sequencer was not thought of", async () => {
    const { parameters } = await networkHelpers.loadFixture(scene);
    const { sequencer: _, ...others } = parameters.Backstop;
    const failed = await ignition.deploy(Backstop, { parameters: { Backstop: others } }).then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(failed).to.contain("sequencer");
  });

  it("caps the inventory of a thin market at 500 bps and leaves the others to the engine's default", async () => {
    const { parameters } = await networkHelpers.loadFixture(scene);
    const contracts: Contracts = await ignition.deploy(Alt, { parameters });
    const engine = MarginEngine__factory.connect(await addressIn(contracts, "engine"), ethers.provider);

    const caps = await engine.queryFilter(engine.filters.InventoryCapSet());
    expect(caps.map(({ args }) => [args.market, args.cap.lots, args.cap.bps])).to.deep.equal([
      [2n, 2n ** 56n - 1n, BigInt(ALT.inventoryCapBps ?? 0)],
    ]);
    expect((await engine.marketParams(2)).initialBps).to.equal(BigInt(ALT.params.initialBps));
  });

  it("obeys the timelock alone once handed over: proposed, waited for, executed", async () => {
    const { parameters, deployer, guardian, proposer, executor } = await networkHelpers.loadFixture(scene);
    const contracts: Contracts = await ignition.deploy(timelockModule(Alt), { parameters });
    const manager = AccessManager__factory.connect(await addressIn(contracts, "manager"), ethers.provider);
    const engine = MarginEngine__factory.connect(await addressIn(contracts, "engine"), deployer);
    const timelock = TimelockController__factory.connect(await addressIn(contracts, "timelock"), proposer);

    for (const role of [0n, GOVERNANCE]) {
      expect(await manager.hasRole(role, timelock)).to.deep.equal([true, 0n]);
      expect(await manager.hasRole(role, deployer)).to.deep.equal([false, 0n]);
    }
    await expect(engine.setStatus(2, REDUCE_ONLY))
      .to.be.revertedWithCustomError(engine, "AccessManagedUnauthorized")
      .withArgs(deployer);

    const data = engine.interface.encodeFunctionData("setStatus", [2, REDUCE_ONLY]);
    const proposal = [await engine.getAddress(), 0, data, ethers.ZeroHash, ethers.ZeroHash] as const;
    await expect(timelock.connect(deployer).schedule(...proposal, DELAY))
      .to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount")
      .withArgs(deployer, await timelock.PROPOSER_ROLE());
    await timelock.schedule(...proposal, DELAY);
    await expect(timelock.connect(executor).execute(...proposal)).to.be.revertedWithCustomError(
      timelock,
      "TimelockUnexpectedOperationState",
    );
    await networkHelpers.time.increase(DELAY);
    await expect(timelock.connect(executor).execute(...proposal))
      .to.emit(engine, "StatusSet")
      .withArgs(2, REDUCE_ONLY);
    await expect(engine.connect(guardian).pauseMarket(0)).to.emit(engine, "StatusSet").withArgs(0, REDUCE_ONLY);
  });

  it("leaves the deployer no role even if it was its own guardian", async () => {
    const { parameters, deployer } = await networkHelpers.loadFixture(scene);
    const own = { ...parameters, Backstop: { ...parameters.Backstop, guardian: deployer.address } };
    const contracts: Contracts = await ignition.deploy(Timelock, { parameters: own });
    const manager = AccessManager__factory.connect(await addressIn(contracts, "manager"), ethers.provider);
    expect(await manager.hasRole(GUARDIAN, deployer)).to.deep.equal([false, 0n]);
  });
});

describe("parameters", () => {
  for (const name of ["sepolia", "base-sepolia", "arbitrum-sepolia"])
    it(`of ${name} lack only what each deployer must choose`, async () => {
      const failed = await readSettings(name).then(
        () => "",
        (error: Error) => error.message,
      );
      expect(failed).to.equal(
        `deploy/parameters/${name}.json5:\n  Backstop.guardian is missing: an address.\n  Backstop.treasury is missing: an address.`,
      );
      expect(NETWORKS[name]?.rollup).to.equal(name !== "sepolia");
    });

  it("of local chains are complete", async () => {
    for (const name of ["localhost", "anvil"]) expect((await readSettings(name)).governor?.kind).to.equal("timelock");
  });

  it("name everything that is wrong at once", () => {
    const problems: string[] = [];
    const good = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    settingsOf(
      "sepolia",
      false,
      {
        Backstop: {
          token: "0x70997970c51812dc3A010C7d01b50e0d17dc79C8",
          ethUsdFeed: "ETH",
          btcUsdFeed: good,
          pyth: ZeroAddress,
          guardian: good,
          treasury: good,
          sequencer: ZeroAddress,
          feedMaxAge: 30,
          fee: 1,
        },
        Timelock: { delay: "two days", proposers: [], executors: [ZeroAddress] },
        Else: {},
      },
      problems,
    );
    expect(problems).to.deep.equal([
      "Else is no part of a deployment.",
      "Backstop.fee is no parameter; there are token, ethUsdFeed, btcUsdFeed, pyth, guardian, treasury, sequencer, feedMaxAge.",
      "Backstop.token is 0x70997970c51812dc3A010C7d01b50e0d17dc79C8, whose checksum is wrong: a letter was mistyped.",
      'Backstop.ethUsdFeed is "ETH", which is no address.',
      "Backstop.pyth is the zero address.",
      "Backstop.feedMaxAge is 30; it must be 60 to 172800 seconds.",
      "Timelock.delay is two days; it must be 1 to 2592000 seconds.",
      "Timelock.proposers must be a list of at least one address.",
    ]);
  });
});

describe("the dry run", () => {
  it("spends what DEPLOYMENT_GAS says, at most, and at least 95 % of it", async () => {
    const { gas, transactions } = await rehearse(await readSettings("localhost"));
    expect(gas <= DEPLOYMENT_GAS && gas * 100n >= DEPLOYMENT_GAS * 95n, `${gas} gas`).to.equal(true);
    const named = transactions.map(({ what }) => what);
    expect(named).to.include.members(["deploy engine", "deploy timelock", "engine.wire", "manager.renounceRole"]);
    expect(named.some((what) => what.includes("a contract") || what.includes("0x"))).to.equal(false);
    for (const { what, gas: spent } of transactions) expect(spent < 2n ** 24n, what).to.equal(true); // EIP-7825
  });
});

describe("the margin of gas", () => {
  it("adds a fifth, but not beyond what a transaction may have", () => {
    expect([10n, 13_301_035n, 15_000_000n, 20_000_000n].map(withMargin)).to.deep.equal([
      12n,
      15_961_242n,
      2n ** 24n,
      20_000_000n,
    ]);
  });
});

describe("the record", () => {
  it("names the field that is wrong", () => {
    expect(() => parseDeployment({ network: "x", contracts: {}, libraries: {}, markets: [], chainId: -1 })).to.throw(
      "chainId of the deployment is no whole number",
    );
    expect(() => parseDeployment(MaxUint256)).to.throw("deployment of the deployment is no object");
  });
});
