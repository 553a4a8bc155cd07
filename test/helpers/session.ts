/** A random session in three markets that shows every event of the engine: trades, crashes, deleveraging, deficits, a wind-down of everything. */
import { expect } from "chai";
import { ALT, BTC, ETH } from "../../deploy/markets.ts";
import { type Actor, accountOf } from "./actors.ts";
import { everyAccount, settleEverybody } from "./conservation.ts";
import { deposit, dollars, type Fixture, setPrice, stake, trade } from "./fixture.ts";
import { DAY, HOUR, MINUTE } from "./time.ts";

const SEED = 2;
const OPERATIONS = 150;
export const MARKETS = [
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

/** Everybody's money, and limits on the pools so that they pay a part and the rest becomes a deficit. */
export async function prepare(fx: Fixture): Promise<void> {
  await stake(fx, fx.staker, 600_000n);
  for (const actor of [fx.alice, fx.bob, fx.carol, fx.dave]) await deposit(fx, actor, 15_000n);
  await deposit(fx, fx.maker, 40_000n);
  await deposit(fx, fx.keeper, 100_000n);
  for (const id of MARKETS.keys()) await fx.engine.sync(id);
  await fx.stack.setBudgets(500, 500);
}

/** Everything after the clock that `prologue` started. */
export async function playOn(fx: Fixture): Promise<void> {
  await heal(fx);
  await session(fx, OPERATIONS);
  await epilogue(fx);
}

/** @returns the clock of its chain */
const time = ({ connection }: Fixture) => connection.networkHelpers.time;

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
      await time(fx).increase(5 * HOUR); // the average has followed: winners owe little
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
      await time(fx).increase(MINUTE + random(8 * 60 * MINUTE));
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

/** An account gets below maintenance margin, and its clock starts. */
export async function prologue(fx: Fixture): Promise<void> {
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
  await time(fx).increase(20 * MINUTE); // three steps of the ramp
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
async function loseTokens(fx: Fixture): Promise<void> {
  const { engine, token, staker2, unit, connection } = fx;
  const { networkHelpers } = connection;
  await time(fx).increase(8 * DAY); // the pool has new budgets
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
  await time(fx).increase(15 * DAY); // the feeds have stood
  await setPrice(fx, (await engine.markets(0)).price);
  await time(fx).increase(40 * MINUTE);
  await setPrice(fx, (await engine.markets(0)).price);
  await engine.fixSettlementPrice(0);
  await time(fx).increase(4 * DAY);
  for (const id of [1, 2]) await engine.fixSettlementPrice(id);
  await time(fx).increase(DAY);
  for (const id of [1, 2]) await engine.fixSettlementPrice(id);
  await time(fx).increase(HOUR);
  const accounts = (await everyAccount(fx)).filter((account) => account >> 96n !== 0n);
  for (const id of MARKETS.keys()) {
    for (const account of accounts)
      if ((await engine.positions(account, id)).lots !== 0n) await engine.close(id, account);
    await engine.coverInventory(id); // what the pool lost on what it took over
    await engine.collectIncome(id);
    expect((await engine.markets(id)).openInterest, `open interest of market ${id}`).to.equal(0n);
  }
}
