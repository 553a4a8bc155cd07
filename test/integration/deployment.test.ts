/** What the modules of deploy/ leave behind: who may do what, what fits, what is refused. */

import { expect } from "chai";
import type { Interface } from "ethers";
import { network } from "hardhat";
import { ALT, BTC, ETH } from "../../deploy/markets.ts";
import { GOVERNANCE, GUARDIAN } from "../../deploy/wiring.ts";
import { MarginEngine__factory, MockToken__factory } from "../../typechain-types/index.js";
import { type Actor, type ActorName, accountOf } from "../helpers/actors.ts";
import { expectConserved } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, stake, trade } from "../helpers/fixture.ts";

const connection = await network.create();
const { ethers } = connection;
const { loadFixture } = connection.networkHelpers;

/** EIP-170 {byte} */
const CODE_LIMIT = 24_576;

async function deployed() {
  return deployBackstop(connection, {
    markets: [
      { config: ETH, answer: dollars(2_000n) },
      { config: BTC, answer: dollars(50_000n) },
      { config: ALT, answer: dollars(30n) },
    ],
  });
}

interface Restricted {
  readonly name: string;
  readonly role: "governor" | "guardian";
  /** Sends the call. */
  send(fx: Fixture, caller: Actor): Promise<unknown>;
  /** Why the right role is refused all the same, if it is. */
  readonly refusedBy?: string;
}

/** Every function under `restricted`. */
const RESTRICTED: readonly Restricted[] = [
  {
    name: "oracle.configure",
    role: "governor",
    send: async ({ oracle }, caller) => {
      const { aggregator, maxAge, edgeBps, jumpBps, lotDecimals, minAnswer, maxAnswer, sequencer } =
        await oracle.feed(0);
      const config = { aggregator, maxAge, edgeBps, jumpBps, lotDecimals, minAnswer, maxAnswer, sequencer };
      return oracle.connect(caller).configure(0, config);
    },
  },
  {
    name: "oracle.configureSecond",
    role: "governor",
    send: async ({ oracle, token }, caller) =>
      oracle.connect(caller).configureSecond(0, { pyth: token, priceId: ethers.id("ETH/USD") }),
  },
  {
    name: "engine.wire",
    role: "governor",
    send: async ({ engine, stack, exchange, risk, amm }, caller) =>
      engine.connect(caller).wire(stack, exchange, risk, amm),
    refusedBy: "AlreadyConnected",
  },
  {
    name: "risk.setVolatilityLimits",
    role: "governor",
    send: async ({ risk }, caller) =>
      risk.connect(caller).setVolatilityLimits(0, { level1: 1, level2: 2, level3: 3, level4: 4, initial: 1 }),
  },
  {
    name: "risk.setReporters",
    role: "governor",
    send: async ({ risk }, caller) => risk.connect(caller).setReporters([caller], 1),
  },
  {
    name: "risk.setModel",
    role: "governor",
    send: async ({ risk }, caller) => risk.connect(caller).setModel(0, ethers.id("a model"), 500, 260, 2_000),
  },
  {
    name: "risk.setThreshold",
    role: "governor",
    send: async (fx, caller) => {
      const { modelHash } = await fx.risk.signalState(0);
      if (BigInt(modelHash) === 0n)
        await fx.risk.connect(fx.governor).setModel(0, ethers.id("a model"), 500, 260, 2_000);
      return fx.risk.connect(caller).setThreshold(0, 1_000);
    },
  },
  {
    name: "engine.setMarket",
    role: "governor",
    send: async ({ engine }, caller) => engine.connect(caller).setMarket(0, ETH.params, ETH.rules),
  },
  {
    name: "engine.setStatus",
    role: "governor",
    send: async ({ engine }, caller) => engine.connect(caller).setStatus(0, 1),
  },
  {
    name: "engine.setInventoryCap",
    role: "governor",
    send: async ({ engine }, caller) => engine.connect(caller).setInventoryCap(0, { lots: 1, bps: 500 }),
  },
  {
    name: "engine.windDown",
    role: "governor",
    send: async ({ engine }, caller) => engine.connect(caller).windDown(0),
  },
  {
    name: "engine.pauseMarket",
    role: "guardian",
    send: async ({ engine }, caller) => engine.connect(caller).pauseMarket(0),
  },
  {
    name: "amm.setFee",
    role: "governor",
    send: async ({ amm }, caller) => amm.connect(caller).setFee(0, 500),
  },
  {
    name: "stack.setBudgets",
    role: "governor",
    send: async ({ stack }, caller) => stack.connect(caller).setBudgets(500, 500),
  },
  {
    name: "stack.setTranches",
    role: "governor",
    send: async ({ stack }, caller) => stack.connect(caller).setTranches(5_000, 50_000, 2_000),
  },
  ...(["junior", "pool"] as const).flatMap((tranche): Restricted[] => [
    {
      name: `${tranche}.setExitClocks`,
      role: "governor",
      send: async (fx, caller) => fx[tranche].connect(caller).setExitClocks(86_400, 86_400),
    },
    {
      name: `${tranche}.pause`,
      role: "guardian",
      send: async (fx, caller) => fx[tranche].connect(caller).pause(),
    },
    {
      name: `${tranche}.unpause`,
      role: "guardian",
      send: async (fx, caller) => {
        if ((await fx[tranche].pausedUntil()) === 0n) await fx[tranche].connect(fx.guardian).pause();
        return fx[tranche].connect(caller).unpause();
      },
    },
  ]),
];

describe("roles", () => {
  for (const { name, role, send, refusedBy } of RESTRICTED) {
    const others = (["governor", "guardian", "staker", "keeper", "alice"] as ActorName[]).filter((who) => who !== role);

    it(`${name} is refused to ${others.join(", ")}`, async () => {
      const fx = await loadFixture(deployed);
      for (const who of others) {
        await expect(send(fx, fx[who]), who)
          .to.be.revertedWithCustomError(fx.engine, "AccessManagedUnauthorized")
          .withArgs(fx[who]);
      }
    });

    it(`${name} answers to the ${role}`, async () => {
      const fx = await loadFixture(deployed);
      if (refusedBy === undefined) await expect(send(fx, fx[role])).not.to.revert(ethers);
      else await expect(send(fx, fx[role])).to.be.revertedWithCustomError(fx.engine, refusedBy).withArgs(fx.stack);
    });
  }

  it("gives a role for these functions and no others", async () => {
    const fx = await loadFixture(deployed);
    const named: string[] = [];
    const { oracle, engine, stack, junior, pool, risk, amm } = fx;
    for (const [prefix, contract] of Object.entries({ oracle, engine, stack, junior, pool, risk, amm })) {
      const abi: Interface = contract.interface;
      const functions: { name: string; selector: string }[] = [];
      abi.forEachFunction(({ name, selector }) => functions.push({ name, selector }));
      for (const { name, selector } of functions) {
        const role = await fx.manager.getTargetFunctionRole(contract, selector);
        if (role === GOVERNANCE) named.push(`${prefix}.${name} governor`);
        if (role === GUARDIAN) named.push(`${prefix}.${name} guardian`);
      }
    }
    expect(named).to.have.members(RESTRICTED.map(({ name, role }) => `${name} ${role}`));
  });

  it("gives each role to one, without delay", async () => {
    const fx = await loadFixture(deployed);
    for (const [id, holder] of [
      [GOVERNANCE, fx.governor],
      [GUARDIAN, fx.guardian],
    ] as const) {
      const granted = await fx.manager.queryFilter(fx.manager.filters.RoleGranted(id));
      expect(granted.map(({ args }) => args.account)).to.deep.equal([holder.address]);
      expect(await fx.manager.hasRole(id, holder)).to.deep.equal([true, 0n]);
    }
  });

  it("lets only the engine draw on the stack and report to it", async () => {
    const fx = await loadFixture(deployed);
    for (const who of [fx.governor, fx.guardian, fx.staker, fx.keeper]) {
      const stack = fx.stack.connect(who);
      for (const send of [
        () => stack.absorb(0, 1, 0),
        () => stack.countLoss(0, 1),
        () => stack.receiveIncome(1, 0),
        () => stack.report(0, 1, 1, 1),
      ])
        await expect(send()).to.be.revertedWithCustomError(fx.stack, "NotEngine").withArgs(who);
    }
  });

  it("lets only the stack take a loss out of a pool and say what is pending, not even the engine", async () => {
    const fx = await loadFixture(deployed);
    const at = await fx.engine.getAddress();
    await connection.networkHelpers.impersonateAccount(at);
    await connection.networkHelpers.setBalance(at, 10n ** 18n);
    const engine = await ethers.getSigner(at);
    for (const tranche of [fx.junior, fx.pool]) {
      for (const who of [fx.governor, fx.guardian, fx.staker, fx.keeper, engine]) {
        const pool = tranche.connect(who);
        for (const send of [
          () => pool.take(1, false),
          () => pool.receiveIncome(1),
          () => pool.setPending(1, 1, 1, true),
          () => pool.setLimit(1),
        ])
          await expect(send()).to.be.revertedWithCustomError(tranche, "NotStack").withArgs(who);
      }
    }
    await connection.networkHelpers.stopImpersonatingAccount(at);
  });

  it("lets only the exchange fill", async () => {
    const fx = await loadFixture(deployed);
    for (const who of [fx.governor, fx.guardian, fx.staker, fx.keeper]) {
      const fill = {
        market: 0,
        buyer: accountOf(fx.alice),
        seller: accountOf(fx.bob),
        lots: 1_000,
        price: dollars(2_000n),
        buyerIsTaker: true,
        buyerReduceOnly: false,
        sellerReduceOnly: false,
      };
      await expect(fx.engine.connect(who).fill(fill))
        .to.be.revertedWithCustomError(fx.engine, "NotExchange")
        .withArgs(who);
    }
  });
});

describe("sizes", () => {
  it("keeps every deployed contract and library under 24 KiB", async () => {
    const { junior, pool } = await loadFixture(deployed);
    const sizes: number[] = [];
    for (const tranche of [junior, pool]) sizes.push((await ethers.provider.getCode(tranche)).length / 2 - 1);
    for (let number = await ethers.provider.getBlockNumber(); number > 0; --number) {
      const block = await ethers.provider.getBlock(number);
      for (const hash of block?.transactions ?? []) {
        const receipt = await ethers.provider.getTransactionReceipt(hash);
        if (receipt?.contractAddress == null) continue;
        sizes.push((await ethers.provider.getCode(receipt.contractAddress)).length / 2 - 1);
      }
    }
    // token, manager, oracle, 8 libraries, engine, stack, exchange, risk engine, AMM, 3 feeds; the stack creates its pools itself
    expect(sizes).to.have.lengthOf(21);
    for (const size of sizes) expect(size).to.be.within(1, CODE_LIMIT - 1);
  });
});

describe("settlement tokens", () => {
  for (const decimals of [6, 8, 12]) {
    it(`works with ${decimals} decimals`, async () => {
      const fx = await deployBackstop(await network.create(), { decimals });
      expect(await fx.engine.tokenUnit()).to.equal(10n ** BigInt(12 - decimals));
      await stake(fx);
      await deposit(fx, fx.alice);
      const bob = await deposit(fx, fx.bob);
      await fx.engine.sync(0); // the cap follows the stake
      await trade(fx, { long: fx.alice, short: fx.bob });
      expect((await fx.engine.positions(bob, 0)).lots).to.equal(-10_000n);
      await fx.engine.connect(fx.bob).withdraw(bob, 1_234n * fx.unit, 0, fx.carol);
      expect(await fx.token.balanceOf(fx.carol)).to.equal(1_234n * fx.unit);
      await expectConserved(fx);
    });
  }

  it("refuses a token of 18 decimals at deployment", async () => {
    const fx = await loadFixture(deployed);
    const token = await new MockToken__factory(fx.governor).deploy("USD", 18);
    const anything = await fx.token.getAddress();
    const libraries = {
      "project/contracts/libraries/AmmLib.sol:AmmLib": anything,
      "project/contracts/libraries/CashLib.sol:CashLib": anything,
      "project/contracts/libraries/DeleverageLib.sol:DeleverageLib": anything,
      "project/contracts/libraries/IncomeLib.sol:IncomeLib": anything,
      "project/contracts/libraries/LiquidationLib.sol:LiquidationLib": anything,
      "project/contracts/libraries/MarketLib.sol:MarketLib": anything,
      "project/contracts/libraries/TakeoverLib.sol:TakeoverLib": anything,
      "project/contracts/libraries/WindDownLib.sol:WindDownLib": anything,
    };
    await expect(new MarginEngine__factory(libraries, fx.governor).deploy(token, fx.oracle, fx.manager))
      .to.be.revertedWithCustomError(fx.engine, "DecimalsUnsupported")
      .withArgs(18, 12);
  });

  it("stops the whole deployment at such a token", async () => {
    const { engine } = await loadFixture(deployed);
    const failed: { message?: string } = await deployBackstop(await network.create(), { decimals: 18 }).then(
      () => ({}),
      (error: { message?: string }) => error,
    );
    expect(failed.message).to.contain("DecimalsUnsupported");
    expect(engine.interface.getError("DecimalsUnsupported")?.inputs).to.have.lengthOf(2);
  });
});
