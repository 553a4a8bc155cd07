/** Decisions without a chain: fees, profit, what a market is due for, journals, files. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Market, MarketStatus, PriceState, type Quote } from "../../../sdk/src/types.ts";
import { dueOf, type MarketView } from "../../src/acts/markets.ts";
import { costOf, floorOf, isWorth } from "../../src/acts/profit.ts";
import { bumped, expectedPrice, feesFor } from "../../src/chain/fees.ts";
import { createCheckpoints } from "../../src/mirror/checkpoint.ts";
import { createJournal } from "../../src/mirror/journal.ts";
import { createMirror } from "../../src/mirror/mirror.ts";

const GWEI = 10n ** 9n;
const USD = 10n ** 12n; // {u}
const caps = { maxFee: 100n * GWEI, maxTip: 2n * GWEI };

describe("fees", () => {
  it("leave room for the base fee to double, within the caps", () => {
    assert.deepEqual(feesFor(10n * GWEI, 5n * GWEI, caps), {
      maxFeePerGas: 22n * GWEI,
      maxPriorityFeePerGas: 2n * GWEI,
    });
    assert.deepEqual(feesFor(60n * GWEI, GWEI, caps), { maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: GWEI });
    assert.equal(feesFor(99n * GWEI, 2n * GWEI, caps), undefined);
  });

  it("rise by an eighth at least, both, or stay below the cap", () => {
    const fee = fc.bigInt({ min: 0n, max: 90n * GWEI });
    fc.assert(
      fc.property(fee, fee, fee, (a, b, base) => {
        const [tip, maxFeePerGas] = a < b ? [a, b] : [b, a];
        const before = { maxFeePerGas, maxPriorityFeePerGas: tip };
        const after = bumped(before, feesFor(base, tip, caps), caps);
        if (after === undefined) return;
        assert.ok(after.maxFeePerGas * 8n >= before.maxFeePerGas * 9n && after.maxFeePerGas <= caps.maxFee);
        assert.ok(after.maxPriorityFeePerGas * 8n >= before.maxPriorityFeePerGas * 9n);
        assert.ok(after.maxPriorityFeePerGas <= after.maxFeePerGas);
      }),
    );
    assert.equal(bumped({ maxFeePerGas: 95n * GWEI, maxPriorityFeePerGas: 0n }, undefined, caps), undefined);
  });

  it("are expected to be what the next block takes", () => {
    const fees = { maxFeePerGas: 22n * GWEI, maxPriorityFeePerGas: 2n * GWEI };
    assert.equal(expectedPrice(10n * GWEI, fees), 12n * GWEI);
    assert.equal(expectedPrice(30n * GWEI, fees), 22n * GWEI);
  });
});

describe("profit", () => {
  const floors = { minProfit: 2n * USD, solvencyLoss: 50n * USD, upkeepLoss: USD };
  it("counts gas and data in dollars, up", () => {
    assert.equal(costOf(200_000n, 10n * GWEI, 0n, 2_000n * USD), 4n * USD);
    assert.equal(costOf(200_000n, 10n * GWEI, 10n ** 15n, 2_000n * USD), 6n * USD);
    assert.equal(costOf(1n, 1n, 0n, USD), 1n);
  });
  it("is a condition for what pays, and a stated loss the limit of the rest", () => {
    assert.deepEqual(
      [floorOf("profit", floors), floorOf("solvency", floors), floorOf("upkeep", floors)],
      [2n * USD, -50n * USD, -USD],
    );
    assert.equal(isWorth(5n * USD, 3n * USD, "profit", floors), true);
    assert.equal(isWorth(5n * USD, 3n * USD + 1n, "profit", floors), false);
    assert.equal(isWorth(0n, 50n * USD, "solvency", floors), true);
    assert.equal(isWorth(0n, 50n * USD + 1n, "solvency", floors), false);
    assert.equal(isWorth(0n, 2n * USD, "upkeep", floors), false);
  });
});

describe("what a market is due for", () => {
  const NOW = 10_000_000n;
  const policy = { syncEvery: 600n, syncBps: 10n, hasSecond: true };
  const quote: Quote = {
    price: 1_000_000n,
    low: 0n,
    high: 0n,
    slow: 0n,
    validUntil: NOW + 600n,
    edgeBps: 25n,
    state: PriceState.OK,
  };
  const market: Market = {
    ...quote,
    ...{
      indexLong: 0n,
      indexShort: 0n,
      syncedAt: NOW - 100n,
      openInterest: 0n,
      openInterestCap: 0n,
      level: 0n,
      bucket: 0n,
    },
    ...{ premiumRemainder: 0n, fundingRemainder: 0n, fundingRate: 0n, status: MarketStatus.ACTIVE },
  };
  const due = (view: Partial<MarketView>, more: Partial<typeof policy> = {}) =>
    dueOf(
      {
        id: 0,
        market,
        quote,
        inventory: { lots: 0n, equity: 0n, cap: 100n },
        since: 0n,
        second: { publishTime: 0n, settlement: 0n },
        ...view,
      },
      NOW,
      { ...policy, ...more },
    );

  it("nothing while nothing has happened", () => assert.deepEqual(due({}), []));
  it("a sync for a price that moved enough, a state that changed, or a heartbeat", () => {
    assert.deepEqual(due({ quote: { ...quote, price: 1_000_999n } }), []);
    assert.deepEqual(due({ quote: { ...quote, price: 1_001_000n } }), ["sync"]);
    assert.deepEqual(due({ quote: { ...quote, price: 999_000n } }), ["sync"]);
    assert.deepEqual(due({ quote: { ...quote, state: PriceState.STALE } }), ["sync"]);
    assert.deepEqual(due({ market: { ...market, syncedAt: NOW - 600n } }), ["sync"]);
  });
  it("the second source while a step is held, again after half a minute", () => {
    const held = { ...quote, state: PriceState.JUMP };
    assert.deepEqual(due({ quote: held }), ["updateSecond", "sync"]);
    assert.deepEqual(due({ quote: held }, { hasSecond: false }), ["sync"]);
    const stored = { ...market, state: PriceState.JUMP };
    assert.deepEqual(due({ quote: held, market: stored, second: { publishTime: NOW - 30n, settlement: 0n } }), []);
    assert.deepEqual(due({ quote: held, market: stored, second: { publishTime: NOW - 31n, settlement: 0n } }), [
      "updateSecond",
      "sync",
    ]);
  });
  it("cover and deleveraging only at a price that is good", () => {
    const inventory = { lots: -101n, equity: -1n, cap: 100n };
    assert.deepEqual(due({ inventory }), ["coverInventory", "deleverage"]);
    assert.deepEqual(due({ inventory, market: { ...market, validUntil: NOW - 1n } }), []);
    assert.deepEqual(due({ inventory: { lots: 100n, equity: 0n, cap: 100n } }), []);
  });
  it("each step of an end in its time", () => {
    const day = 86_400n;
    const dead = NOW - 7n * day - 1n;
    assert.deepEqual(due({ market: { ...market, validUntil: dead }, quote: { ...quote, validUntil: dead } }), [
      "windDownDead",
    ]);
    assert.deepEqual(due({ market: { ...market, validUntil: dead } }), [], "the oracle has a newer answer");
    const winding = { ...market, status: MarketStatus.WINDING_DOWN };
    assert.deepEqual(due({ market: winding, since: NOW - day + 1n }), []);
    assert.deepEqual(due({ market: winding, since: NOW - day }), ["fixSettlementPrice"]);
    const settling = {
      market: { ...market, status: MarketStatus.SETTLING, state: PriceState.STALE },
      quote: undefined,
    };
    assert.deepEqual(due({ ...settling, since: NOW - 1n }), ["recordSecondPrice"]);
    assert.deepEqual(due({ ...settling, since: NOW - 1n }, { hasSecond: false }), []);
    assert.deepEqual(due({ ...settling, since: NOW - 1n, second: { publishTime: 0n, settlement: 1n } }), [
      "challengeSettlementPrice",
    ]);
    assert.deepEqual(due({ ...settling, since: NOW - day }), ["fixSettlementPrice"]);
    const settled = { market: { ...market, status: MarketStatus.SETTLED }, quote: undefined };
    assert.deepEqual(due({ ...settled, since: NOW - 3_599n }), []);
    assert.deepEqual(due({ ...settled, since: NOW - 3_600n }), ["close"]);
  });
});

describe("the mirror's memory", () => {
  it("takes changes of its maps back in order", () => {
    const journal = createJournal();
    const map = journal.map<string, number>();
    const first = journal.begin();
    map.set("a", 1);
    const second = journal.begin();
    map.set("a", 2);
    map.set("b", 3);
    map.delete("a");
    second();
    assert.deepEqual([...map.rows], [["a", 1]]);
    first();
    assert.equal(map.rows.size, 0);
  });

  it("is the same from disk, two generations of it, and leaves no other file", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "checkpoint-"));
    const checkpoints = createCheckpoints(folder, { chainId: 1, engine: "0xab" }, (file, reason) =>
      assert.fail(`${file}: ${reason}`),
    );
    const mirror = createMirror(10n ** 6n);
    mirror.state.recorded(() => {
      mirror.state.accounts.set(5n << 96n, { cash: -7n, markets: 1n, unhealthySince: 9n });
      mirror.state.positions.set((5n << 102n) | 0n, { lots: -(1n << 55n), quote: 1n << 100n });
    });
    mirror.restoreClaimant(5n << 96n);
    await checkpoints.save(mirror, { number: 1, hash: "0x01" });
    await checkpoints.save(mirror, { number: 2, hash: "0x02" });
    const found = await checkpoints.load(10n ** 6n);
    assert.deepEqual(
      found.map(({ block }) => block.number),
      [2, 1],
    );
    for (const saved of found) {
      assert.deepEqual(saved.mirror.state.accounts.get(5n << 96n), { cash: -7n, markets: 1n, unhealthySince: 9n });
      assert.deepEqual(saved.mirror.state.position(5n << 96n, 0), { lots: -(1n << 55n), quote: 1n << 100n });
      assert.deepEqual([...saved.mirror.claimants.values()], [5n << 96n]);
      assert.deepEqual([...saved.mirror.takeDirty().accounts], [5n << 96n]);
    }
    assert.deepEqual((await readdir(folder)).sort(), ["mirror.json", "mirror.previous.json"]);
    await rm(folder, { recursive: true });
  });
});
