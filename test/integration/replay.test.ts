/** The events tell everything: after a random session the books rebuilt from the logs are the contracts' own. */
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { network } from "hardhat";
import { ALT, BTC, ETH } from "../../deploy/markets.ts";
import { type Actor, accountOf, FEES } from "../helpers/actors.ts";
import { everyAccount, expectConserved, settleEverybody } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, setPrice, stake, trade } from "../helpers/fixture.ts";
import {
  type Books,
  Contradiction,
  DEFAULT_CAP,
  ENGINE,
  logsOf,
  marketOf,
  NO_RECOVERY,
  positionKey,
  replay,
  sideKey,
  UNTOUCHED_SIDE,
} from "../helpers/replay.ts";
import { DAY, HOUR, MINUTE } from "../helpers/time.ts";

/** The stack's budgets follow the calendar: a fixed start keeps the session the same on every day. */
const connection = await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } });
const { time } = connection.networkHelpers;

const SEED = 2;
const OPERATIONS = 150;
const MARKETS = [
  {
    config: { ...ETH, volatility: null, feed: { ...ETH.feed, maxAge: 2 * DAY, jumpBps: 65_535 } },
    answer: dollars(2_000n),
  },
  {
    config: { ...BTC, volatility: null, feed: { ...BTC.feed, maxAge: 2 * DAY, jumpBps: 65_535 } },
    answer: dollars(50_000n),
  },
  {
    config: { ...ALT, volatility: null, feed: { ...ALT.feed, maxAge: 2 * DAY, jumpBps: 65_535 } },
    answer: dollars(30n),
  },
];

/** Events that say what others have already moved, or nothing about the books. */
const REPEATS = new Set(["Liquidated", "SettlementPriceSet", "Connected", "OperatorSet", "AuthorityUpdated"]);

/** xorshift32: uniform integers below `n`. */
function createRandom(seed: number) {
  let state = seed;
  return (n: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** Sends what may be refused; whether it was accepted. Only reverts count as refusals. */
async function attempt(sending: Promise<unknown>): Promise<boolean> {
  try {
    await sending;
    return true;
  } catch (error) {
    if (error instanceof Error && /reverted/.test(error.message)) return false;
    throw error;
  }
}

/** Random trades of random people while prices move; the keeper does what can be done. */
async function session(fx: Fixture, count: number): Promise<void> {
  const random = createRandom(SEED);
  const people: Actor[] = [fx.alice, fx.bob, fx.carol, fx.dave, fx.maker];
  const person = () => people[random(people.length)] ?? fx.alice;
  const pair = (): [Actor, Actor] => {
    const first = person();
    const others = people.filter((other) => other !== first);
    return [first, others[random(others.length)] ?? fx.alice];
  };
  const market = () => random(MARKETS.length);
  const keeper = accountOf(fx.keeper);
  const prices = MARKETS.map(({ answer }) => answer);

  async function movePrice(id: number, promille: bigint): Promise<void> {
    prices[id] = ((prices[id] ?? 0n) * promille) / 1_000n;
    await setPrice(fx, prices[id], id);
  }

  async function takeOver(actor: Actor): Promise<boolean> {
    return attempt(fx.engine.connect(fx.keeper).takeover(accountOf(actor), keeper));
  }

  async function liquidate(actor: Actor): Promise<boolean> {
    const call = [accountOf(actor), market(), keeper, 2n ** 56n - 1n, 0] as const;
    return attempt(fx.engine.connect(fx.keeper).liquidate(...call));
  }

  /** All markets move `steps` times; `act` is tried on everybody after each. */
  async function slide(steps: number, promille: bigint, act: (actor: Actor) => Promise<boolean>): Promise<void> {
    for (let i = 0; i < steps; ++i) {
      for (const id of MARKETS.keys()) await movePrice(id, promille);
      for (const actor of people) await act(actor);
    }
  }

  const flag = (actor: Actor) => attempt(fx.engine.flag(accountOf(actor)));
  /** What a random walk would take too long to find, by the number of the operation before which it happens. */
  const shocks: Readonly<Record<number, () => Promise<void>>> = {
    40: () => slide(3, 988n, async (actor) => (await flag(actor)) || liquidate(actor)),
    70: () => slide(8, 992n, takeOver), // small steps: some accounts are taken over with equity left
    100: async () => {
      await slide(1, 1_300n, takeOver);
      await deleverageAll(fx); // the pool holds shorts: longs go
    },
    125: async () => {
      await slide(1, 600n, takeOver);
      await deleverageAll(fx);
    },
    140: async () => {
      await slide(1, 500n, async () => false);
      await time.increase(5 * HOUR); // the average has followed: winners owe little
      await slide(1, 999n, takeOver);
    },
  };

  const operations: (() => Promise<boolean>)[] = [
    async () => {
      const [long, short] = pair();
      const id = market();
      await fx.engine.sync(id);
      const { price } = await fx.engine.markets(id);
      const usd = BigInt(20_000 + random(180_000));
      const lots = (usd * 10n ** 12n) / price;
      const slip = (price * BigInt(random(60) - 30)) / 1_000n;
      return attempt(trade(fx, { long, short, lots, market: id, price: price + slip }));
    },
    async () => attempt(deposit(fx, person(), BigInt(100 + random(4_000)), undefined)),
    async () => {
      const actor = person();
      const amount = BigInt(1 + random(3_000)) * fx.unit + BigInt(random(1_000_000));
      return attempt(fx.engine.connect(actor).withdraw(accountOf(actor), amount, 0, actor));
    },
    async () => {
      const [from, to] = pair();
      return attempt(
        fx.engine.connect(from).transfer(accountOf(from), accountOf(to, BigInt(random(2))), random(10 ** 9)),
      );
    },
    async () => {
      await time.increase(MINUTE + random(8 * 60 * MINUTE));
      await movePrice(market(), BigInt(970 + random(61)));
      return true;
    },
    async () => liquidate(person()),
    async () => takeOver(person()),
    async () => flag(person()),
    async () => attempt(fx.engine.coverInventory(market())),
    async () => attempt(fx.engine.collectIncome(market())),
    async () => attempt(fx.engine.deleverage(market())),
    async () => attempt(fx.engine.settle(accountOf(person()))),
  ];

  for (let i = 0; i < count; ++i) {
    await shocks[i]?.();
    const weighted = random(operations.length + 10); // trades are the most frequent
    const operation = operations[weighted < operations.length ? weighted : 0];
    await operation?.();
  }
}

describe("replay", () => {
  it("rebuilds every account, market, deficit and claim from the event logs", async () => {
    const fx = await deployBackstop(connection, { markets: MARKETS });
    await stake(fx, fx.staker, 600_000n);
    for (const actor of [fx.alice, fx.bob, fx.carol, fx.dave]) await deposit(fx, actor, 15_000n);
    await deposit(fx, fx.maker, 40_000n);
    await deposit(fx, fx.keeper, 100_000n);
    for (const id of MARKETS.keys()) await fx.engine.sync(id);
    await fx.stack.setBudgets(500, 500); // so that the pools pay a part and the rest becomes a deficit

    await prologue(fx);
    const whileTheClockRuns = await checkpoint(fx);
    await heal(fx);
    await session(fx, OPERATIONS);
    await epilogue(fx);
    await expectEverythingHappened(fx);
    await expectConserved(fx);
    const checkpoints = [whileTheClockRuns, await checkpoint(fx)];

    const logs = await logsOf(fx);
    const tokenUnit = await fx.engine.tokenUnit();
    for (const { count, stored, assets } of checkpoints)
      expect(rebuilt(replay(logs.slice(0, count), tokenUnit), stored.accounts, assets)).to.deep.equal(stored.state);

    const differs = (name: string) => {
      try {
        return checkpoints.some(({ count, stored, assets }) => {
          const told = logs.slice(0, count).filter(({ event }) => event.name !== name);
          return !isDeepStrictEqual(rebuilt(replay(told, tokenUnit), stored.accounts, assets), stored.state);
        });
      } catch (error) {
        if (error instanceof Contradiction) return true;
        throw error;
      }
    };
    const names = [...new Set(logs.map(({ event }) => event.name))].filter((name) => !REPEATS.has(name));
    expect(
      names.filter((name) => !differs(name)),
      "events that could be missing",
    ).to.deep.equal([]);
  });
});

/** What the contracts hold now, and how many logs led there. */
async function checkpoint(fx: Fixture) {
  const accounts = await everyAccount(fx);
  const state = await stateOf(fx, accounts);
  const assets = (await fx.stack.totalAssets()) * (await fx.engine.tokenUnit());
  return { count: (await logsOf(fx)).length, stored: { accounts, state }, assets };
}

/** Everything the contracts store that the logs must tell, in one plain shape. Everybody was settled before. */
async function stateOf({ engine }: Fixture, accounts: readonly bigint[]) {
  const state: Record<string, unknown> = {
    internalBalance: await engine.internalBalance(),
    totalClaims: await engine.totalClaims(),
    "deficit of the engine": await engine.deficit(ENGINE),
  };
  for (const account of accounts) {
    const { cash, unhealthySince } = await engine.accounts(account);
    state[`account ${account}`] = { cash, unhealthySince, claims: await engine.claims(account) };
    for (const id of MARKETS.keys()) {
      const { lots, quote } = await engine.positions(account, id);
      state[`position ${positionKey(account, id)}`] = { lots, quote };
    }
  }
  for (const id of MARKETS.keys()) {
    const { maintenanceBps } = await engine.marketParams(id);
    const { shared, sharedBefore, hour, badAt, since } = await engine.recovery(id);
    state[`market ${id}`] = marketOf(await engine.markets(id));
    state[`terms ${id}`] = { maintenanceBps, deficit: await engine.deficit(id), cap: (await engine.inventory(id)).cap };
    state[`recovery ${id}`] = { shared, sharedBefore, hour, badAt, since };
    for (const isLong of [true, false]) {
      const { survival, pending, pendingQuote } = await engine.sides(id, isLong);
      const { product, value, epoch } = survival;
      state[`side ${sideKey(id, isLong)}`] = { product, value, epoch, pending, pendingQuote };
    }
  }
  return state;
}

/** The same shape from the logs. @param assets {u} of both pools, which tell of them themselves */
function rebuilt(books: Books, accounts: readonly bigint[], assets: bigint): Record<string, unknown> {
  const state: Record<string, unknown> = {
    internalBalance: books.internalBalance,
    totalClaims: books.totalClaims,
    "deficit of the engine": books.deficits.get(ENGINE) ?? 0n,
  };
  for (const account of accounts) {
    state[`account ${account}`] = {
      cash: books.cash.get(account) ?? 0n,
      unhealthySince: books.clocks.get(account) ?? 0n,
      claims: books.claims.get(account) ?? 0n,
    };
    for (const id of MARKETS.keys()) {
      const key = positionKey(account, id);
      state[`position ${key}`] = books.positions.get(key) ?? { lots: 0n, quote: 0n };
    }
  }
  for (const id of MARKETS.keys()) {
    const market = books.markets.get(id);
    if (market === undefined || market.price === 0n) throw new Contradiction(`No event gives market ${id} a price`);
    const { lots, bps } = books.inventoryCaps.get(id) ?? DEFAULT_CAP;
    const value = (assets * bps) / 10_000n / market.price; // down, twice
    state[`market ${id}`] = market;
    state[`terms ${id}`] = {
      maintenanceBps: books.maintenanceBps.get(id) ?? 0n,
      deficit: books.deficits.get(id) ?? 0n,
      cap: lots < value ? lots : value,
    };
    state[`recovery ${id}`] = books.recoveries.get(id) ?? NO_RECOVERY;
    for (const isLong of [true, false]) {
      const key = sideKey(id, isLong);
      state[`side ${key}`] = books.sides.get(key) ?? UNTOUCHED_SIDE;
    }
  }
  return state;
}

/** An account gets below maintenance margin, and its clock starts. */
async function prologue(fx: Fixture): Promise<void> {
  const account = await deposit(fx, fx.staker2, 6_000n);
  await trade(fx, { long: fx.staker2, short: fx.maker, lots: 500_000n });
  await setPrice(fx, dollars(1_936n));
  await fx.engine.flag(account);
}

/** The liquidation that stops it. */
async function heal(fx: Fixture): Promise<void> {
  await fx.engine.connect(fx.keeper).liquidate(accountOf(fx.staker2), 0, accountOf(fx.keeper), 2n ** 56n - 1n, 0);
  await setPrice(fx, dollars(2_000n));
}

/** Governance steps in, and people leave while there is a deficit. */
async function epilogue(fx: Fixture): Promise<void> {
  await fx.engine.connect(fx.guardian).pauseMarket(1);
  await fx.engine.setMarket(0, { ...ETH.params, maintenanceBps: 330 }, ETH.rules);
  await time.increase(20 * MINUTE); // three steps of the ramp
  await setPrice(fx, (await fx.engine.markets(0)).price);
  const keeper = accountOf(fx.keeper);
  await fx.engine.connect(fx.keeper).withdraw(keeper, 12_345_678n, 0, fx.keeper);
  await deleverageAll(fx);
  await loseTokens(fx);
  const leaving = await deposit(fx, fx.guardian, 1_000n);
  await fx.engine.connect(fx.guardian).withdraw(leaving, 777_777_777n, 0, fx.guardian); // with a haircut
  await fx.engine.sync(0);
  await fx.engine.collectIncome(0); // pays claims and deficits in proportion
  await windDownAll(fx);
  await settleEverybody(fx);
  for (const account of await everyAccount(fx)) await attempt(fx.engine.collectClaim(account));
}

/** Whatever the pool holds beyond one lot goes to winners. */
async function deleverageAll(fx: Fixture): Promise<void> {
  for (const id of MARKETS.keys()) {
    await fx.engine.setInventoryCap(id, { lots: 1, bps: 500 });
    await setPrice(fx, (await fx.engine.markets(id)).price, id);
    await attempt(fx.engine.deleverage(id));
  }
}

/** The token takes some of the engine's balance and gives a part of it back. */
async function loseTokens({ engine, token, staker2, unit, connection: { networkHelpers } }: Fixture): Promise<void> {
  await time.increase(8 * DAY); // the pool has new budgets
  const address = await engine.getAddress();
  await networkHelpers.setBalance(address, 10n ** 18n);
  await networkHelpers.impersonateAccount(address);
  const held = await token.balanceOf(address);
  const missing = held - (await engine.internalBalance()) + 60_000n * unit;
  const runner = await connection.ethers.getSigner(address);
  await token.connect(runner).transfer(staker2, missing);
  await networkHelpers.stopImpersonatingAccount(address);
  await engine.coverEngine();
  await token.mint(address, 123n * unit);
  await engine.coverEngine();
}

/** One market ends with a live feed and its average, two with a dead one. */
async function windDownAll(fx: Fixture): Promise<void> {
  const { engine } = fx;
  for (const id of MARKETS.keys()) await engine.windDown(id);
  await time.increase(15 * DAY); // the feeds have stood
  await setPrice(fx, (await engine.markets(0)).price);
  await time.increase(40 * MINUTE);
  await setPrice(fx, (await engine.markets(0)).price);
  await engine.fixSettlementPrice(0);
  await time.increase(4 * DAY);
  for (const id of [1, 2]) await engine.fixSettlementPrice(id);
  await time.increase(DAY);
  for (const id of [1, 2]) await engine.fixSettlementPrice(id);
  await time.increase(HOUR);
  const accounts = (await everyAccount(fx)).filter((account) => account >> 96n !== 0n);
  for (const id of MARKETS.keys()) {
    for (const account of accounts)
      if ((await engine.positions(account, id)).lots !== 0n) await engine.close(id, account);
    await engine.coverInventory(id); // what the pool lost on what it took over
    await engine.collectIncome(id);
    expect((await engine.markets(id)).openInterest, `open interest of market ${id}`).to.equal(0n);
  }
}

/** The session is worth replaying only if it shows every event in every shape. */
async function expectEverythingHappened({ engine }: Fixture): Promise<void> {
  const [liquidated, clocks, takenOver, covered, reduced, collected, withdrawn, transferred, statuses, terms] =
    await Promise.all([
      engine.queryFilter(engine.filters.Liquidated()),
      engine.queryFilter(engine.filters.ClockSet()),
      engine.queryFilter(engine.filters.TakenOver()),
      engine.queryFilter(engine.filters.ShortfallCovered()),
      engine.queryFilter(engine.filters.DeficitReduced()),
      engine.queryFilter(engine.filters.IncomeCollected()),
      engine.queryFilter(engine.filters.Withdrawn()),
      engine.queryFilter(engine.filters.Transferred()),
      engine.queryFilter(engine.filters.StatusSet()),
      engine.queryFilter(engine.filters.MarketSet()),
    ]);
  const [shared, deleveraged, settled, claimsPaid, claimsCollected, lost, repaid, prices] = await Promise.all([
    engine.queryFilter(engine.filters.LossShared()),
    engine.queryFilter(engine.filters.Deleveraged()),
    engine.queryFilter(engine.filters.PositionSettled()),
    engine.queryFilter(engine.filters.ClaimsPaid()),
    engine.queryFilter(engine.filters.ClaimCollected()),
    engine.queryFilter(engine.filters.EngineDeficitCovered()),
    engine.queryFilter(engine.filters.EngineDeficitRepaid()),
    engine.queryFilter(engine.filters.SettlementPriceSet()),
  ]);
  const fills = await engine.queryFilter(engine.filters.Filled());
  const inventoryFills = fills.filter(({ args }) => args.buyer < FEES || args.seller < FEES);
  const spread = takenOver.filter(
    ({ args, blockNumber }) =>
      args.equity > 0n && inventoryFills.filter((fill) => fill.blockNumber === blockNumber).length > 1,
  );
  const seen = {
    "a liquidation": liquidated.length > 0,
    "a clock that started": clocks.some(({ args }) => args.since !== 0n),
    "a clock that stopped": clocks.some(({ args }) => args.since === 0n),
    "a takeover with equity left": takenOver.some(({ args }) => args.equity > 0n),
    "equity left in several markets": spread.length > 0,
    "a takeover below zero": takenOver.some(({ args }) => args.equity < 0n),
    "a shortfall paid by the bucket": covered.some(({ args }) => args.byBucket > 0n),
    "a shortfall paid by the pool": covered.some(({ args }) => args.byPool > 0n && args.excess > 0n),
    "a shortfall that became a deficit": covered.some(({ args }) => args.toDeficit > 0n),
    "a shortfall of the inventory": covered.some(({ args }) => args.reason === 1n),
    "a deficit repaid": reduced.length > 0,
    "income of the pool": collected.some(({ args }) => args.paid > 0n),
    "a withdrawal in full": withdrawn.some(({ args }) => args.claimed === 0n),
    "a withdrawal with a claim": withdrawn.some(({ args }) => args.claimed > 0n),
    "a transfer": transferred.length > 0,
    "a pause": statuses.length > 0,
    "a loss share of the longs": shared.some(({ args }) => args.isLong),
    "a loss share of the shorts": shared.some(({ args }) => !args.isLong),
    "a shortfall paid by winners": covered.some(({ args }) => args.byShare > 0n),
    "longs deleveraged": deleveraged.some(({ args }) => args.isLong),
    "shorts deleveraged": deleveraged.some(({ args }) => !args.isLong),
    "positions settled": settled.some(({ args }) => args.isLong) && settled.some(({ args }) => !args.isLong),
    "claims paid": claimsPaid.length > 0,
    "a claim collected": claimsCollected.length > 0,
    "a deficit of the engine": lost.some(({ args }) => args.writtenOff > 0n && args.paid > 0n),
    "a deficit of the engine repaid": repaid.length > 0,
    "a final settlement price": prices.some(({ args }) => args.isFinal),
    "a settlement price that may be challenged": prices.some(({ args }) => !args.isFinal),
    "a change of terms": terms.length > MARKETS.length,
  };
  expect(Object.entries(seen).filter(([, happened]) => !happened)).to.deep.equal([]);
}
