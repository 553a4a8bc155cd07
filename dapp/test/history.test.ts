/** What is made of history without chain and browser: yearly rates, the largest loss, how late an indexer may be, links. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chainOf, explorerLink } from "../src/chain.ts";
import { lateness } from "../src/data/history/query.ts";
import type { BookChange, Earnings } from "../src/data/history/types.ts";
import { largestLoss, realised } from "../src/lib/realised.ts";

const DAY = 86_400n;
const change = (day: bigint, cause: BookChange["cause"], before: bigint, after: bigint): BookChange => ({
  ...{ time: day * DAY, cause, before, after },
});
const none = { fromPremiums: 0n, fromInventory: 0n, fromBucket: 0n, toJunior: 0n, toSenior: 0n };

/** 1,000 from day 0, 2,000 from day 10 on; on day 20 income of 60, on day 30 a loss of 206. */
const told: Earnings = {
  incomes: [
    { ...none, time: 20n * DAY, fromPremiums: 3_000n, fromInventory: 1_000n, fromBucket: 2_000n, toSenior: 60n },
    { ...none, time: 40n * DAY, fromPremiums: -3n, fromBucket: 1_000n, toSenior: 10n, toJunior: 7n },
  ],
  books: {
    junior: [],
    senior: [
      change(0n, "deposit", 0n, 1_000n),
      change(10n, "deposit", 1_000n, 2_000n),
      change(20n, "income", 2_000n, 2_060n),
      change(30n, "loss", 2_060n, 1_854n),
      change(40n, "income", 1_854n, 1_864n),
    ],
  },
};

describe("realised", () => {
  it("divides income by source over what was on the books on average, a year", () => {
    // {asset d} 1,000 * 10 + 2,000 * 10 + 2,060 * 10 + 1,854 * 10 + 1,864 * 10
    const capital = 87_780n;
    const rate = (amount: bigint) => (amount * 365n * 10_000n) / capital;
    assert.deepEqual(realised(told, "senior", 50n * DAY, 100n * DAY), {
      ...{ seconds: 50n * DAY, premiums: rate(30n), inventory: rate(10n), bucket: rate(20n + 10n), losses: rate(206n) },
    });
  });

  it("looks at the window alone, with what was there when it began", () => {
    const rate = (amount: bigint, capital: bigint) => (amount * 365n * 10_000n) / capital;
    assert.deepEqual(realised(told, "senior", 45n * DAY, 10n * DAY), {
      ...{ seconds: 10n * DAY, premiums: 0n, inventory: 0n, losses: 0n },
      bucket: rate(10n, 1_854n * 5n + 1_864n * 5n),
    });
  });

  it("says nothing of a pool where nothing was", () => {
    assert.equal(realised(told, "junior", 50n * DAY, 30n * DAY), undefined);
  });
});

describe("the largest loss", () => {
  it("is the one that took the largest part, not the largest amount", () => {
    const [small, large] = [change(1n, "loss", 1_000n, 900n), change(3n, "loss", 10_000n, 9_500n)];
    const changes = [small, change(2n, "deposit", 900n, 10_000n), large];
    assert.deepEqual(largestLoss(changes), { time: DAY, assets: 100n, before: 1_000n });
    assert.equal(largestLoss([change(0n, "withdrawal", 1_000n, 1n)]), undefined);
  });
});

describe("lateness of an indexer", () => {
  const at = (number: bigint, timestamp: bigint) => ({ number, timestamp });
  it("is more than five blocks and more than a minute", () => {
    assert.equal(lateness(at(100n, 1_000n), at(105n, 9_000n)), undefined, "a slow chain");
    assert.equal(lateness(at(100n, 1_000n), at(340n, 1_060n)), undefined, "a fast chain");
    assert.equal(lateness(at(100n, 1_000n), at(106n, 1_061n)), "The indexer is 6 blocks behind (1 min 1 s).");
    assert.equal(lateness(at(100n, 1_000n), at(99n, 990n)), undefined, "the node is behind");
  });
});

describe("links to transactions", () => {
  const address = `0x${"2".repeat(40)}` as const;
  const contracts = {
    ...{ token: address, manager: address, oracle: address, engine: address, stack: address, junior: address },
    ...{ senior: address, exchange: address, risk: address, amm: address },
  };
  const settings = (chainId: number, explorerUrl?: string) => ({
    deployment: {
      ...{ network: "x", chainId, startBlock: 0, deployer: address, timelock: null, contracts },
      ...{ pyth: address, libraries: {}, markets: [] },
    },
    ...{ rpcUrl: "http://127.0.0.1:1", indexerUrl: undefined, explorerUrl, walletConnectId: undefined },
    pollingInterval: 1_000,
  });

  it("go to the explorer that is configured, else to that of the chain, else nowhere", () => {
    assert.equal(explorerLink(chainOf(settings(31_337)), "0x12"), undefined);
    assert.equal(explorerLink(chainOf(settings(31_337, "https://e.example/")), "0x12"), "https://e.example/tx/0x12");
    assert.equal(explorerLink(chainOf(settings(11_155_111)), "0x12"), "https://sepolia.etherscan.io/tx/0x12");
    assert.equal(explorerLink(chainOf(settings(11_155_111, "https://e.example")), "0x12"), "https://e.example/tx/0x12");
  });
});
