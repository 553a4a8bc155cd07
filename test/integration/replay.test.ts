/** The events tell everything: after a random session the books rebuilt from the logs are the contracts' own. */
import { expect } from "chai";
import { network } from "hardhat";
import { ALT, BTC, ETH } from "../../deploy/markets.ts";
import { type Actor, accountOf, FEES } from "../helpers/actors.ts";
import { everyAccount, expectConserved } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, setPrice, stake, trade } from "../helpers/fixture.ts";
import { positionKey, replay } from "../helpers/replay.ts";
import { DAY, MINUTE } from "../helpers/time.ts";

/** The pool's budgets follow the calendar: a fixed start keeps the session the same on every day. */
const connection = await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } });
const { time } = connection.networkHelpers;

const SEED = 12_345;
const OPERATIONS = 150;
const MARKETS = [
  { config: { ...ETH, feed: { ...ETH.feed, maxAge: 2 * DAY } }, answer: dollars(2_000n) },
  { config: { ...BTC, feed: { ...BTC.feed, maxAge: 2 * DAY } }, answer: dollars(50_000n) },
  { config: { ...ALT, feed: { ...ALT.feed, maxAge: 2 * DAY } }, answer: dollars(30n) },
];

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
    100: () => slide(1, 1_200n, takeOver),
    125: () => slide(1, 750n, takeOver),
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
    await fx.pool.setBudgets(500, 500); // so that the pool pays a part and the rest becomes a deficit

    await prologue(fx);
    await session(fx, OPERATIONS);
    await epilogue(fx);
    await expectEverythingHappened(fx);
    await expectConserved(fx);

    const books = await replay(fx);
    const accounts = await everyAccount(fx);
    for (const account of accounts) {
      const { cash, unhealthySince } = await fx.engine.accounts(account);
      expect(books.cash.get(account) ?? 0n, `cash of ${account}`).to.equal(cash);
      expect(books.clocks.get(account) ?? 0n, `clock of ${account}`).to.equal(unhealthySince);
      expect(books.claims.get(account) ?? 0n, `claims of ${account}`).to.equal(await fx.engine.claims(account));
      for (const id of MARKETS.keys()) {
        const { lots, quote } = await fx.engine.positions(account, id);
        const replayed = books.positions.get(positionKey(account, id)) ?? { lots: 0n, quote: 0n };
        expect(replayed, `position of ${account} in ${id}`).to.deep.equal({ lots, quote });
      }
    }
    for (const id of MARKETS.keys()) {
      const m = await fx.engine.markets(id);
      const { maintenanceBps } = await fx.engine.marketParams(id);
      expect(books.markets.get(id), `market ${id}`).to.deep.equal({
        price: m.price,
        indexLong: m.indexLong,
        indexShort: m.indexShort,
        fundingRate: m.fundingRate,
        state: m.state,
        status: m.status,
        openInterest: m.openInterest,
        bucket: m.bucket,
        deficit: await fx.engine.deficit(id),
        maintenanceBps,
      });
    }
    expect(books.internalBalance).to.equal(await fx.engine.internalBalance());
    expect(accounts).to.include(FEES);
  });
});

/** A liquidation that heals: the clock starts and stops. */
async function prologue(fx: Fixture): Promise<void> {
  const account = await deposit(fx, fx.staker2, 6_000n);
  await trade(fx, { long: fx.staker2, short: fx.maker, lots: 500_000n });
  await setPrice(fx, dollars(1_936n));
  await fx.engine.flag(account);
  await fx.engine.connect(fx.keeper).liquidate(account, 0, accountOf(fx.keeper), 2n ** 56n - 1n, 0);
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
  await fx.engine.collectIncome(0);
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
    "a change of terms": terms.length > MARKETS.length,
  };
  expect(Object.entries(seen).filter(([, happened]) => !happened)).to.deep.equal([]);
}
