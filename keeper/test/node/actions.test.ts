/** Each action, really: a node, the deployment, an account that needs it, and the keeper alone with the chain. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { accountOf } from "../../../test/helpers/actors.ts";
import { deposit, dollars, setPrice } from "../../../test/helpers/fixture.ts";
import { act, metric } from "../helpers/act.ts";
import { sameAsChain } from "../helpers/same.ts";
import { createWorld, KEYS, USD, type World } from "../helpers/world.ts";

const LOTS = 600_000n; // 60 ETH, $120,000

describe("the keeper on a hardhat node", () => {
  let world: World;
  let snapshot: unknown;
  before(async () => {
    world = await createWorld("hardhat");
    await deposit(world.fx, world.fx.maker, 400_000n);
  });
  after(() => world.close());
  beforeEach(async () => {
    snapshot = await world.request("evm_snapshot");
  });
  afterEach(() => world.request("evm_revert", snapshot));

  it("liquidates through the AMM, is paid, and its mirror is the chain", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_890n));
    const before = await fx.engine.health(alice, 2);
    assert.ok(before.equity < before.maintenance);

    const mine = await world.fund(KEYS[0], 0n);
    const { events } = await act(world);
    assert.ok(events.includes("Liquidated"), events.join());
    assert.ok((await fx.engine.accounts(mine)).cash > 0n);
    const { equity, maintenance } = await fx.engine.health(alice, 2);
    assert.ok(equity * 10n >= maintenance * 11n, "brought near 1.2 of maintenance");

    const keeper = await world.keeper();
    try {
      assert.ok((await sameAsChain(world, keeper)) >= 5);
    } finally {
      await keeper.stop();
    }
  });

  it("liquidates into its own account when that pays more, and sells what it got", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_890n));
    const mine = await world.fund(KEYS[0], 100_000n);
    const taken = await act(world, { KEEPER_CARRY_BPS: "0", KEEPER_UNWIND: "no" });
    assert.ok(taken.events.includes("Liquidated"), taken.events.join());
    assert.ok((await fx.engine.positions(mine, 0)).lots > 0n);
    assert.ok((await fx.engine.health(alice, 2)).equity > 0n);

    const early = await act(world, { KEEPER_CARRY_BPS: "100" });
    assert.ok(!early.events.includes("Filled"), "after a jump the curve asks for more than the keeper gives");
    await world.wait(1_800);
    await setPrice(fx, dollars(1_890n));
    const sold = await act(world, { KEEPER_CARRY_BPS: "100" });
    assert.ok(sold.events.includes("Filled"), sold.events.join());
    assert.equal((await fx.engine.positions(mine, 0)).lots, 0n);
    assert.ok((await fx.engine.accounts(mine)).cash > 100_000n * USD - 1_000n * USD);
  });

  it("takes over an account below zero, at a loss when it must", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await fx.feeds[0]?.setAnswer(dollars(1_760n)); // nobody syncs: the keeper sees it at the oracle
    const cheap = await act(world, { KEEPER_SOLVENCY_LOSS: "0", KEEPER_NATIVE_USD: "100000000" });
    assert.ok(!cheap.events.includes("TakenOver"), "not at a loss");

    const { events } = await act(world);
    assert.deepEqual(
      events.filter((name) => name === "TakenOver" || name === "ShortfallCovered" || name === "LossAbsorbed"),
      ["LossAbsorbed", "ShortfallCovered", "TakenOver"],
    );
    assert.equal((await fx.engine.accounts(alice)).markets, 0n);
  });

  it("starts the clock where nobody is paid to close, and the pool takes over when it has run", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_890n));
    const unpaid = { KEEPER_MIN_PROFIT: "1000000" };
    const first = await act(world, unpaid);
    assert.ok(first.events.includes("ClockSet"), first.events.join());
    assert.ok(!first.events.includes("TakenOver"));
    assert.notEqual((await fx.engine.accounts(alice)).unhealthySince, 0n);
    await world.wait(95);
    const second = await act(world, unpaid);
    assert.ok(second.events.includes("TakenOver"), second.events.join());
  });

  it("stops the clock of an account that is healthy again", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_890n));
    await fx.engine.flag(alice);
    await setPrice(fx, dollars(2_000n));
    const { events } = await act(world);
    assert.ok(events.includes("ClockSet"), events.join());
    assert.equal((await fx.engine.accounts(alice)).unhealthySince, 0n);
  });

  it("deleverages what the inventory holds above its cap, and settles everybody", async () => {
    const { fx } = world;
    await fx.engine.setInventoryCap(0, { lots: 100_000n, bps: 5_000n });
    await world.open(fx.alice, 10_000n, LOTS);
    await fx.feeds[0]?.setAnswer(dollars(1_790n));
    const { events } = await act(world);
    assert.ok(events.includes("Deleveraged"), events.join());
    assert.ok(events.includes("PositionSettled"), events.join());
    assert.equal((await fx.engine.inventory(0)).lots, 100_000n);
    assert.ok((await fx.engine.sides(0, false)).pending <= 1n, "a part of a lot stays owed");
    const keeper = await world.keeper();
    try {
      await sameAsChain(world, keeper);
    } finally {
      await keeper.stop();
    }
  });

  it("covers an inventory that is worth less than nothing", async () => {
    const { fx } = world;
    await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_790n));
    await act(world);
    await fx.feeds[0]?.setAnswer(dollars(1_600n));
    const { events } = await act(world, { KEEPER_UPKEEP: "86400" });
    assert.ok(events.includes("Synced"), events.join());
    assert.ok(events.includes("LossAbsorbed"), events.join());
    assert.ok((await fx.engine.inventory(0)).equity >= 0n);
  });

  it("syncs a price that moved and a market that was left alone, and only those", async () => {
    const { fx } = world;
    await act(world);
    assert.equal((await act(world)).sent, 0, "nothing to do");
    await fx.feeds[1]?.setAnswer(dollars(60_600n));
    assert.deepEqual(
      (await act(world)).events.filter((name) => name === "Synced"),
      ["Synced"],
    );
    assert.equal((await fx.engine.markets(1)).price, 60_600n * 10n ** 8n);
    await world.wait(601);
    assert.equal((await act(world)).events.filter((name) => name === "Synced").length, 3, "funding, volatility, level");
  });

  it("collects income, and pays the treasury", async () => {
    const { fx } = world;
    await fx.stack.setTranches(0, 20_000, 2_000);
    await world.open(fx.alice, 50_000n, LOTS);
    for (let i = 0; i < 10; i++) {
      await world.wait(3_500);
      await setPrice(fx, dollars(2_000n));
    }
    const { events } = await act(world, { KEEPER_MIN_INCOME: "1" });
    assert.ok(events.includes("IncomeCollected"), events.join());
    assert.ok(events.includes("IncomeSplit"), events.join());
    const paid = await act(world, { KEEPER_MIN_INCOME: "1" });
    assert.ok([...events, ...paid.events].includes("TreasuryPaid"), paid.events.join());
  });

  it("gives the shares of a lapsed exit back", async () => {
    const { fx } = world;
    const { pool, staker } = fx;
    await pool.connect(staker).requestRedeem(10n ** 14n, staker, staker);
    const { lapsesAt } = await pool.exitRequest(staker, 1n);
    assert.equal((await act(world)).events.includes("ExitCancelled"), false);
    const wait = Number(lapsesAt - (await pool.poolTime())) + 10;
    await world.wait(wait);
    await setPrice(fx, dollars(2_000n));
    const { events } = await act(world);
    assert.ok(events.includes("ExitCancelled"), events.join());
    assert.equal(await pool.queuedShares(), 0n);
  });

  it("recognises that the engine holds less than its ledger says", async () => {
    const { fx } = world;
    const engine = await fx.engine.getAddress();
    await world.request("hardhat_impersonateAccount", engine);
    await world.request("hardhat_setBalance", engine, "0xde0b6b3a7640000");
    const thief = await fx.connection.ethers.getSigner(engine);
    await fx.token.connect(thief).transfer(fx.governor, 1_000n * 10n ** 6n);
    const { events } = await act(world);
    assert.ok(events.includes("EngineDeficitCovered"), events.join());
  });

  it("collects what income has paid on a claim", async () => {
    const { fx } = world;
    const engine = await fx.engine.getAddress();
    await world.request("hardhat_impersonateAccount", engine);
    await world.request("hardhat_setBalance", engine, "0xde0b6b3a7640000");
    const thief = await fx.connection.ethers.getSigner(engine);
    await fx.token.connect(thief).transfer(fx.governor, 600_000n * fx.unit); // more than the pool pays for this reason
    assert.ok((await act(world)).events.includes("EngineDeficitCovered"));
    const alice = await deposit(fx, fx.alice, 10_000n);
    await fx.engine.connect(fx.alice).withdraw(alice, 5_000n * fx.unit, 0n, fx.alice);
    const before = await fx.engine.claims(alice);
    assert.ok(before > 0n);
    await fx.token.mint(engine, 100_000n * fx.unit); // comes back: repays deficits and claims alike
    const { events } = await act(world, { KEEPER_MIN_INCOME: "0.01", KEEPER_UPKEEP: "1" });
    for (const name of ["EngineDeficitRepaid", "ClaimsPaid", "ClaimCollected"])
      assert.ok(events.includes(name), events.join());
    assert.ok((await fx.engine.claims(alice)) < before);
  });

  it("sends nothing in a dry run, and nothing that its data makes too dear", async () => {
    const { fx } = world;
    await world.open(fx.alice, 10_000n, LOTS);
    await setPrice(fx, dollars(1_890n));
    const dry = await act(world, {}, { dryRun: true });
    assert.deepEqual([dry.sent, dry.events], [0, []]);
    assert.ok(metric(dry.metrics, "verdicts_total", 'verdict="dry"') > 0);

    const oracle = "0x420000000000000000000000000000000000000F"; // of OP chains: answers one coin whatever it is asked
    await world.request("hardhat_setCode", oracle, "0x670de0b6b3a764000060005260206000f3");
    const dear = await act(world, { KEEPER_L1_FEE_ORACLE: oracle });
    assert.equal(dear.sent, 0);
    assert.ok(metric(dear.metrics, "verdicts_total", 'verdict="unprofitable"') > 0);
  });

  it("works beside another keeper: whoever comes second has lost a race and nothing else", async () => {
    const { fx } = world;
    const accounts = await Promise.all([world.open(fx.alice, 10_000n, LOTS)]);
    accounts.push(await world.open(fx.bob, 5_000n, LOTS / 2n));
    await fx.feeds[0]?.setAnswer(dollars(1_780n));
    const keepers = await Promise.all(KEYS.map((key) => world.keeper({ KEEPER_KEY: key })));
    try {
      for (let i = 0; i < 3; i++) {
        await Promise.all(keepers.map((keeper) => keeper.pass()));
        await Promise.all(keepers.map((keeper) => keeper.drain(10_000)));
      }
      for (const account of accounts) {
        const { equity, maintenance } = await fx.engine.health(account, 2);
        assert.ok(equity >= maintenance, `${account}`);
      }
      for (const keeper of keepers) assert.equal((await fetch(`${keeper.url}/health`)).status, 200);
    } finally {
      await Promise.all(keepers.map((keeper) => keeper.stop()));
    }
    assert.equal(accountOf(fx.alice), accounts[0]);
  });
});
