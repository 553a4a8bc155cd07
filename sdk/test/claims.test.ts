/** Claims: what a haircut withheld comes back in the same proportion to everybody, whoever came first. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { World } from "../src/context.ts";
import { createEngine } from "../src/engine.ts";
import { broken } from "../src/invariants.ts";
import { abs, max, min } from "../src/math.ts";
import { checkpoint, lotsOwed, NO_SURVIVAL, owed, reduce } from "../src/survival.ts";
import { accountId, CLAIMS } from "../src/units.ts";
import { paramsWith, quoteWith, rulesWith } from "./helpers/market.ts";

const OWNER = 1_000n;
const user = (i: number): bigint => accountId(OWNER, BigInt(i));

/** A ledger that lacks `missing` tokens and in which the buckets of markets 0, 1, ... hold the incomes to come. */
function createShortLedger(deposits: readonly bigint[], incomes: readonly bigint[], missing: bigint) {
  const engine = createEngine({ tokenDecimals: 6, exchange: 99n });
  const { state, tokenUnit } = engine;
  let gone = 0n;
  const world: World = {
    now: 1_800_000_000n,
    quote: () => quoteWith(200_000_000_000n),
    report: () => {},
    freeStake: () => 0n,
    isRaised: () => false,
    unrepaid: () => 0n,
    repay: () => 0n,
    absorb: () => 0n,
    countLoss: () => {},
    totalAssets: () => 0n,
    tokensHeld: () => state.internalBalance - gone,
    twap: () => 0n,
    lastTwap: () => 0n,
    feedSince: () => 0n,
    secondPrice: () => 0n,
  };
  engine.at(world);
  for (const [id, income] of incomes.entries()) {
    engine.setMarket(id, paramsWith(), rulesWith({ bucketTarget: 0n }));
    state.patchMarket(id, { bucket: income * tokenUnit });
    state.addBalance(income);
  }
  for (const [i, amount] of deposits.entries()) engine.deposit(user(i), amount);
  gone = missing;
  engine.coverEngine();
  gone = 0n;
  assert.equal(state.totalDeficit, missing * tokenUnit);

  /** Whole token units of the account's cash; returns what is paid. */
  function leave(i: number): bigint {
    const amount = state.accounts.get(user(i)).cash / tokenUnit;
    return amount === 0n ? 0n : engine.withdraw(OWNER, user(i), amount);
  }
  /** Tokens that were gone are back. */
  function comeBack(tokens: bigint): void {
    gone = -tokens;
    engine.coverEngine();
    gone = 0n;
  }
  return { engine, leave, comeBack, isSound: () => assert.deepEqual(broken(state, tokenUnit), []) };
}

const deposit = fc.bigInt(1_000_000n, 10n ** 12n); // {token} one dollar to a million
const arbitrary = fc
  .record({
    deposits: fc.array(deposit, { minLength: 2, maxLength: 6 }),
    incomes: fc.array(deposit, { minLength: 1, maxLength: 5 }),
    missingPpm: fc.bigInt(1_000n, 900_000n),
  })
  .map(({ deposits, incomes, missingPpm }) => {
    const held = [...deposits, ...incomes].reduce((a, b) => a + b, 0n);
    return { deposits, incomes, missing: (held * missingPpm) / 1_000_000n };
  });

describe("claims", () => {
  it("pays who withdraws before an income, collects and withdraws again as much as who waits", () => {
    fc.assert(
      fc.property(arbitrary, fc.bigInt(1_000_000n, 10n ** 12n), ({ deposits, incomes, missing }, same) => {
        // one withdraws before the first income, one before the second, ..., the last one waits for all
        const equals = [...incomes.keys(), incomes.length];
        const others = deposits.map((_, i) => equals.length + i);
        const { engine, leave, isSound } = createShortLedger(
          [...equals.map(() => same), ...deposits],
          incomes,
          missing,
        );
        const paid = equals.map(() => 0n);
        const goes = (i: number) => {
          paid[i] = (paid[i] ?? 0n) + leave(i);
        };
        for (const market of incomes.keys()) {
          goes(market);
          engine.collectIncome(market);
        }
        for (const i of equals) {
          if (engine.claim(user(i)) < engine.state.claims.get(user(i))) engine.collectClaim(user(i));
          goes(i);
        }
        isSound();
        const most = paid.reduce(max);
        const least = paid.reduce(min);
        assert.ok(most - least <= BigInt(2 * incomes.length + 3), `between ${least} and ${most}`);
        for (const i of others) leave(i);
        isSound();
      }),
      { numRuns: 400 },
    );
  });

  it("gives tokens that come back to who has left and to who has stayed alike", () => {
    fc.assert(
      fc.property(arbitrary, fc.bigInt(1_000_000n, 10n ** 12n), ({ deposits, missing }, same) => {
        const { engine, leave, comeBack, isSound } = createShortLedger([same, same, ...deposits], [], missing % same);
        let early = leave(0);
        comeBack((missing % same) / 2n);
        comeBack(missing % same);
        if (engine.claim(user(0)) < engine.state.claims.get(user(0))) engine.collectClaim(user(0));
        early += leave(0);
        const late = leave(1);
        assert.ok(early - late <= 4n && late - early <= 4n, `${early} and ${late} of ${same}`);
        assert.ok(same - late <= 1n && engine.state.totalDeficit < 2n * engine.tokenUnit);
        isSound();
      }),
      { numRuns: 400 },
    );
  });

  it("is collected once, however large the claim and however little is left of a unit of claim", () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 1n << 40n),
        fc.bigInt(1n, 1n << 100n),
        fc.bigInt(1n, 1n << 62n),
        (left, size, income) => {
          const old = 1n << 70n;
          const worn = reduce(NO_SURVIVAL, old - left - (1n << 39n), old, 0n).survival;
          const paid = reduce(worn, income, left + (1n << 39n) + size + income, 0n).survival;
          fc.pre(paid.epoch === worn.epoch);
          const due = owed(paid, () => 0n, worn);
          const amount = lotsOwed(due, size);
          assert.ok(amount <= income);
          if (amount === size) return;
          const at = checkpoint(paid, due, size, amount, size - amount);
          assert.equal(
            lotsOwed(
              owed(paid, () => 0n, at),
              size - amount,
            ),
            0n,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("never pays more on claims than income has put aside for them", () => {
    fc.assert(
      fc.property(arbitrary, ({ deposits, incomes, missing }) => {
        const { engine, leave, isSound } = createShortLedger(deposits, incomes, missing);
        for (const market of incomes.keys()) {
          leave(market % deposits.length);
          engine.collectIncome(market);
          assert.ok(engine.state.accounts.get(CLAIMS).cash >= 0n);
        }
        let owed = 0n;
        for (const i of deposits.keys()) {
          if (engine.claim(user(i)) < engine.state.claims.get(user(i))) engine.collectClaim(user(i));
          owed += engine.claim(user(i));
        }
        const left = engine.state.accounts.get(CLAIMS).cash;
        assert.ok(left >= 0n && left <= BigInt(2 * deposits.length), `${left} u left in CLAIMS`);
        const apart = abs(owed - engine.state.totalClaims - left);
        assert.ok(apart <= BigInt(deposits.length), `claims of all and their sum are ${apart} u apart`);
        isSound();
      }),
      { numRuns: 400 },
    );
  });
});
