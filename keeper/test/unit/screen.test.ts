/** The sieve against the sdk: an account too many is cheap, one too few is a bug. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { syncMarket } from "../../../sdk/src/funding.ts";
import { KeyedSet } from "../../../sdk/src/keyed.ts";
import { interestInEffect, inventoryLots } from "../../../sdk/src/side.ts";
import { positionKey } from "../../../sdk/src/state.ts";
import { type Market, MarketStatus, PriceState, type Quote, Valuation } from "../../../sdk/src/types.ts";
import { createBook } from "../../src/mirror/book.ts";
import { createMirror, type Mirror } from "../../src/mirror/mirror.ts";
import { exact, outlooks, refreshBook, unhealthy } from "../../src/mirror/screen.ts";

const NOW = 2_000_000n;
const UNTIL = NOW + 180n;
const SYNCED = NOW - 500n;
const OWNER = 1n << 96n;
const runs = { numRuns: Number(process.env.FC_RUNS ?? 150), seed: Number(process.env.FC_SEED ?? 42) };

interface Draw {
  readonly price: bigint;
  readonly moveBps: bigint;
  readonly edgeBps: bigint;
  readonly fundingRate: bigint;
  readonly indexLong: bigint;
  readonly indexShort: bigint;
  readonly maintenanceBps: bigint;
  readonly targetBps: bigint;
  readonly isSettled: boolean;
}

const big = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const draw: fc.Arbitrary<Draw> = fc.record({
  price: big(1_000n, 1n << 50n),
  moveBps: big(-3_000n, 3_000n),
  edgeBps: big(0n, 300n),
  fundingRate: big(-4_000_000n, 4_000_000n),
  indexLong: big(-(1n << 40n), 1n << 40n),
  indexShort: big(-(1n << 40n), 1n << 40n),
  maintenanceBps: big(100n, 1_000n),
  targetBps: big(100n, 1_000n),
  isSettled: fc.boolean(),
});

const marketOf = (d: Draw): Market => ({
  ...{ price: d.price, low: d.price, high: d.price, slow: d.price, validUntil: NOW + 3_600n, edgeBps: d.edgeBps },
  ...{
    state: PriceState.OK,
    indexLong: d.indexLong,
    indexShort: d.indexShort,
    syncedAt: SYNCED,
    openInterest: 1n << 50n,
  },
  ...{ openInterestCap: 1n << 47n, level: 0n, bucket: 0n, premiumRemainder: 0n, fundingRemainder: 0n },
  ...{ fundingRate: d.fundingRate, status: d.isSettled ? MarketStatus.SETTLED : MarketStatus.ACTIVE },
});

const quoteOf = (d: Draw): Quote => {
  const price = (d.price * (10_000n + d.moveBps)) / 10_000n + 1n;
  return {
    price,
    low: price,
    high: price,
    slow: price,
    validUntil: NOW + 3_600n,
    edgeBps: d.edgeBps,
    state: PriceState.OK,
  };
};

function list({ state }: Mirror, draws: readonly Draw[]): Map<number, Quote> {
  const quotes = new Map<number, Quote>();
  for (const [id, d] of draws.entries()) {
    state.markets.set(BigInt(id), marketOf(d));
    state.params.set(id, {
      ...{ initialBps: 1_500n, maintenanceBps: d.maintenanceBps, rampNotional: 5_000_000n, bandBps: 500n, minLots: 1n },
      ...{ takerFeePpm: 500n, makerRebatePpm: 100n, discountBps: 50n, liquidatorShareBps: 5_000n, takeoverReward: 0n },
    });
    state.rules.set(id, {
      ...{
        shockBps: 3_000n,
        stakeShareBps: 10_000n,
        interestRate: 0n,
        skewFactor: 0n,
        fundingCap: 4_000_000n,
        premiumRate: 25_000n,
      },
      ...{
        bucketTarget: 0n,
        maintenanceTargetBps: d.targetBps,
        maintenanceFromBps: d.maintenanceBps,
        rampStartedAt: NOW - 100_000n,
      },
    });
    quotes.set(id, quoteOf(d));
  }
  return quotes;
}

const holding = fc.record({
  market: fc.nat(3),
  lots: big(-(1n << 44n), 1n << 44n),
  quote: big(-(1n << 90n), 1n << 90n),
});
interface Person {
  readonly holdings: readonly { readonly market: number; readonly lots: bigint; readonly quote: bigint }[];
  readonly distance: bigint;
  readonly end: number;
}

const person: fc.Arbitrary<Person> = fc.record({
  holdings: fc.uniqueArray(holding, { minLength: 1, maxLength: 4, selector: ({ market }) => market }),
  /** {u} from the edge of being liquidated, at either end. */
  distance: fc.oneof(big(-3n, 3n), big(-(1n << 70n), 1n << 70n)),
  end: fc.nat(1),
});

/** Cash that puts every account at its distance from maintenance margin. */
function settle(mirror: Mirror, quotes: ReadonlyMap<number, Quote>, people: readonly Person[]): bigint[] {
  const { state } = mirror;
  return people.map(({ holdings, distance, end }, i) => {
    const account = OWNER + BigInt(i);
    let markets = 0n;
    for (const { market, lots, quote } of holdings) {
      if (lots === 0n || !quotes.has(market)) continue;
      state.positions.set(positionKey(account, market), { lots, quote });
      markets |= 1n << BigInt(market);
    }
    state.accounts.set(account, { cash: 0n, markets, unhealthySince: 0n });
    const short = shortOf(mirror, outlooks(state, quotes, UNTIL)[end] ?? [], account);
    state.accounts.set(account, { cash: short + distance, markets, unhealthySince: 0n });
    return account;
  });
}

function shortOf({ engine, state }: Mirror, end: ReturnType<typeof outlooks>[number], account: bigint): bigint {
  const undo = state.recorded(() => {
    for (const { id, market, params } of end) {
      state.patchMarket(id, market);
      state.params.set(id, params);
    }
  });
  const { equity, maintenance } = engine.health(account, Valuation.FAVOURABLE);
  undo();
  return maintenance - equity;
}

describe("the sieve", () => {
  it("finds exactly those whom the sdk finds, to the unit", () => {
    let below = 0;
    fc.assert(
      fc.property(
        fc.array(draw, { minLength: 1, maxLength: 4 }),
        fc.array(person, { minLength: 1, maxLength: 30 }),
        (draws, people) => {
          const mirror = createMirror(10n ** 6n);
          const book = createBook();
          const quotes = list(mirror, draws);
          const accounts = settle(mirror, quotes, people);
          mirror.note(accounts, []);
          refreshBook(mirror, book, new KeyedSet());
          const ends = outlooks(mirror.state, quotes, UNTIL);
          const sieved = unhealthy(mirror, book, ends).map(({ account }) => account);
          const all = exact(mirror, ends, accounts).map(({ account }) => account);
          assert.deepEqual(new Set(sieved), new Set(all));
          below += all.length;
        },
      ),
      runs,
    );
    assert.ok(below > 100, `${below} accounts were below`);
  });

  it("leaves out nobody whom a sync in any second until then would make liquidatable", () => {
    let below = 0;
    fc.assert(
      fc.property(
        fc.array(draw, { minLength: 1, maxLength: 3 }),
        fc.array(person, { minLength: 1, maxLength: 20 }),
        big(SYNCED, UNTIL),
        (draws, people, at) => {
          const mirror = createMirror(10n ** 6n);
          const { state, engine } = mirror;
          const quotes = list(
            mirror,
            draws.map((d) => ({ ...d, isSettled: false })),
          );
          const accounts = settle(mirror, quotes, people);
          const found = new Set(exact(mirror, outlooks(state, quotes, UNTIL), accounts).map(({ account }) => account));
          for (const [id, quote] of quotes) {
            const rules = state.rules.get(id);
            const params = state.params.get(id);
            assert.ok(rules && params);
            const inputs = {
              now: at,
              quote,
              inventoryLots: inventoryLots(state, id),
              openInterest: interestInEffect(state, id),
            };
            const { market, maintenanceBps } = syncMarket(state.market(id), rules, inputs);
            state.patchMarket(id, market);
            state.params.set(id, { ...params, maintenanceBps });
          }
          for (const account of accounts) {
            const { equity, maintenance } = engine.health(account, Valuation.FAVOURABLE);
            if (engine.account(account).markets === 0n || equity >= maintenance) continue;
            below += 1;
            assert.ok(found.has(account), `${account}: ${maintenance - equity} below at ${at}`);
          }
        },
      ),
      runs,
    );
    assert.ok(below > 100, `${below} accounts were below`);
  });

  it("forgets who closes, and finds him again when he comes back", () => {
    const book = createBook();
    const lens = { market: 0, price: 100, long: 100, short: 100, maintenance: 0.05, slope: 0 };
    const poor = [{ market: 0, lots: 10n, quote: -1_000n }];
    for (let i = 0n; i < 3_000n; i++) book.set(OWNER + i, 0n, poor);
    assert.equal(book.screen([lens]).length, 3_000);
    for (let i = 0n; i < 3_000n; i += 2n) book.set(OWNER + i, 0n, []);
    assert.deepEqual([book.size, book.screen([lens]).length, book.holders(0).length], [1_500, 1_500, 1_500]);
    book.set(OWNER, 0n, [...poor, { market: 1, lots: 1n, quote: 0n }]);
    assert.ok(book.screen([lens, { ...lens, market: 1 }]).includes(OWNER));
    book.set(OWNER, 100_000n, poor);
    assert.ok(!book.screen([lens]).includes(OWNER));
    assert.equal(book.holders(1).length, 0);
  });
});
