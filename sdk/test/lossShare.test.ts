/** The winners' layer: proportional, exact, within the move beyond maintenance margin, and nobody joins to dodge or to pay it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { World } from "../src/context.ts";
import { createEngine } from "../src/engine.ts";
import { EngineError } from "../src/errors.ts";
import { broken } from "../src/invariants.ts";
import { ceilDiv, min } from "../src/math.ts";
import type { Quote } from "../src/types.ts";
import { Valuation } from "../src/types.ts";
import { accountId } from "../src/units.ts";
import { shareLimit } from "../src/waterfall.ts";
import { paramsWith, quoteWith, rulesWith } from "./helpers/market.ts";

const EXCHANGE = 99n;
const PRICE = 200_000_000_000n; // {u/lot} $2,000 at 1e-4 coin
const LOSER = accountId(1n, 0n);
const KEEPER = accountId(2n, 0n);
const NEWCOMER = accountId(4n, 0n);
const winner = (i: number): bigint => accountId(3n, BigInt(i));

/** One market, a pool that pays nothing, a loser who is long against the winners. */
function createTable(lots: readonly bigint[]) {
  const engine = createEngine({ tokenDecimals: 6, exchange: EXCHANGE });
  const counted: bigint[] = [];
  let quote: Quote = quoteWith(PRICE);
  let now = 1_800_000_000n - (1_800_000_000n % 3_600n);
  const world = (): World => ({
    now,
    quote: () => quote,
    report: () => {},
    freeStake: () => 10n ** 16n,
    isRaised: () => false,
    unrepaid: () => 0n,
    repay: () => 0n,
    absorb: () => 0n,
    countLoss: (_, assets) => void counted.push(assets),
    totalAssets: () => 0n,
    tokensHeld: () => engine.state.internalBalance,
    twap: () => quote.price,
    lastTwap: () => quote.price,
    feedSince: () => 0n,
    secondPrice: () => 0n,
  });
  const move = (price: bigint, slow = quote.slow, seconds = 1n): void => {
    now += seconds;
    quote = quoteWith(price, { slow, validUntil: now + 3_600n });
    engine.at(world());
  };
  move(PRICE);
  const flat = rulesWith({ premiumRate: 0n, interestRate: 0n, skewFactor: 0n });
  engine.setMarket(0, paramsWith({ minLots: 1n, takeoverReward: 0n, takerFeePpm: 0n, makerRebatePpm: 0n }), flat);
  const trade = (buyer: bigint, seller: bigint, size: bigint) =>
    engine.fill(EXCHANGE, {
      market: 0,
      buyer,
      seller,
      lots: size,
      price: quote.price,
      buyerIsTaker: true,
      buyerReduceOnly: false,
      sellerReduceOnly: false,
    });
  const all = lots.reduce((a, b) => a + b, 0n);
  engine.deposit(LOSER, (all * PRICE * 12n) / 100n / engine.tokenUnit + 1n); // 12 % of its notional
  for (const [i, size] of lots.entries()) {
    engine.deposit(winner(i), (size * PRICE) / 2n / engine.tokenUnit + 1n);
    trade(LOSER, winner(i), size);
  }
  return {
    engine,
    counted,
    move,
    trade,
    all,
    isSound: () => assert.deepEqual(broken(engine.state, engine.tokenUnit), []),
  };
}

const equityOf = (engine: ReturnType<typeof createTable>["engine"], account: bigint) =>
  engine.health(account, Valuation.MARK).equity;

describe("loss share", () => {
  const sizes = fc.array(fc.bigInt(100n, 40_000n), { minLength: 1, maxLength: 6 });

  it("takes the same of every lot, covers the shortfall, and leaves the rounding to the bucket", () => {
    fc.assert(
      fc.property(sizes, fc.bigInt(13n, 60n), (lots, fall) => {
        const { engine, move, all, isSound } = createTable(lots);
        move((PRICE * (100n - fall)) / 100n);
        engine.sync(0);
        const before = lots.map((_, i) => equityOf(engine, winner(i)));
        const shortfall = -engine.takeover(LOSER, KEEPER);
        const limit = shareLimit({ price: (PRICE * (100n - fall)) / 100n, slow: PRICE }, 500n, true);
        const perLot = min(ceilDiv(shortfall, all), limit);
        for (const [i, size] of lots.entries()) {
          const paid = (before[i] ?? 0n) - equityOf(engine, winner(i));
          assert.equal(paid, size * perLot);
          // at maintenance margin at the reference price: at most the profit, less maintenance margin of it
          assert.ok(paid <= (size * PRICE * fall) / 100n - (size * PRICE * 500n) / 10_000n);
        }
        const collected = perLot * all;
        assert.equal(engine.state.totalDeficit, collected >= shortfall ? 0n : shortfall - collected);
        assert.equal(engine.state.market(0).bucket, collected >= shortfall ? collected - shortfall : 0n);
        isSound();
      }),
      { numRuns: 200 },
    );
  });

  it("covers all of it while everybody had maintenance margin at the reference price", () => {
    fc.assert(
      fc.property(sizes, fc.bigInt(13n, 60n), (lots, fall) => {
        const { engine, move } = createTable(lots); // the loser had 12 %, more than its maintenance margin
        move((PRICE * (100n - fall)) / 100n);
        engine.takeover(LOSER, KEEPER);
        assert.equal(engine.state.totalDeficit, 0n);
      }),
      { numRuns: 100 },
    );
  });

  it("takes no more within two aligned hours than the move beyond maintenance margin", () => {
    const { engine, move, trade } = createTable([10_000n, 10_000n]);
    const second = accountId(9n, 0n);
    engine.deposit(second, 250_000_000n); // {token} of a notional of $20 a hundred lots
    trade(second, winner(0), 10_000n);
    const price = (PRICE * 60n) / 100n;
    move(price);
    engine.takeover(LOSER, KEEPER);
    engine.takeover(second, KEEPER);
    const limit = shareLimit({ price, slow: PRICE }, 500n, true);
    const { shared, sharedBefore } = engine.state.recovery.get(0n);
    assert.ok(shared > 0n && shared <= limit && sharedBefore === 0n);
    assert.equal(engine.state.market(0).indexShort, -shared);
  });

  it("forgets a charge after the next aligned hour, not before", () => {
    const charges = [3_599n, 3_601n, 7_200n].map((seconds) => {
      const { engine, move } = createTable([10_000n]);
      move((PRICE * 70n) / 100n);
      engine.takeover(LOSER, KEEPER);
      const first = engine.state.recovery.get(0n).shared;
      move((PRICE * 75n) / 100n, PRICE, seconds);
      engine.coverInventory(0);
      move((PRICE * 40n) / 100n, PRICE);
      engine.coverInventory(0); // the inventory is long now
      const { shared, sharedBefore } = engine.state.recovery.get(0n);
      return { first, shared, sharedBefore };
    });
    for (const { first, sharedBefore } of charges.slice(0, 2)) assert.equal(sharedBefore, first);
    assert.equal(charges[2]?.sharedBefore, 0n);
  });

  it("counts what falls on the pool's own lots against its budgets", () => {
    const { engine, counted, move, trade, isSound } = createTable([10_000n, 10_000n]);
    engine.deposit(NEWCOMER, 10n ** 12n);
    trade(NEWCOMER, winner(1), 3_000n);
    move((PRICE * 70n) / 100n);
    engine.takeover(LOSER, KEEPER); // the inventory is long 20,000 now, the newcomer 3,000
    assert.deepEqual(counted, []);
    move((PRICE * 250n) / 100n, PRICE);
    engine.takeover(winner(0), KEEPER);
    const { shared } = engine.state.recovery.get(0n);
    const charge = engine.state.market(0).indexLong;
    assert.ok(charge > 0n && shared > charge); // the fall's and the rise's charges count together
    assert.deepEqual(counted, [ceilDiv(charge * 10_000n, engine.tokenUnit)]);
    isSound();
  });

  it("asks nobody when the pool alone has won", () => {
    const { engine, move } = createTable([10_000n, 10_000n]);
    move((PRICE * 70n) / 100n);
    engine.takeover(LOSER, KEEPER);
    move((PRICE * 250n) / 100n, PRICE);
    engine.takeover(winner(0), KEEPER);
    assert.equal(engine.state.market(0).indexLong, 0n);
    assert.ok(engine.state.totalDeficit > 0n);
  });

  it("closes the winning side, and that alone, while the price is further than maintenance margin from its average", () => {
    const { engine, move, trade } = createTable([10_000n]);
    engine.deposit(NEWCOMER, 10n ** 12n);
    engine.deposit(winner(0), 10n ** 12n);
    move((PRICE * 951n) / 1_000n, PRICE);
    trade(winner(0), NEWCOMER, 100n); // a new short, 4.9 % after the fall
    move((PRICE * 949n) / 1_000n, PRICE);
    assert.throws(
      () => trade(winner(0), NEWCOMER, 100n),
      (error: unknown) => error instanceof EngineError && error.error === "WinningSideClosed",
    );
    trade(NEWCOMER, LOSER, 100n); // who has won may leave
  });
});
