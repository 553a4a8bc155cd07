/** The parts without chain and browser: configuration, amounts, formats, clocks, risk figures. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { createPublicClient, custom } from "viem";
import { mainnet } from "viem/chains";
import { parseDeployment } from "../../sdk/src/deployment.ts";
import { parseSettings, SettingsError } from "../src/config.ts";
import { sumsOf } from "../src/data/ledgerSize.ts";
import { limitsOf } from "../src/data/rescues.ts";
import { depositPreviewQuery } from "../src/data/stakePage.ts";
import { amountText, parseAmount } from "../src/lib/amount.ts";
import { rateOf } from "../src/lib/apr.ts";
import { phaseOf, poolTimeAt, standsUntil } from "../src/lib/clock.ts";
import { duration, fixed, percent, usd } from "../src/lib/format.ts";
import { GAS } from "../src/lib/gas.ts";
import { flawOf, gotOf, limitOf } from "../src/lib/order.ts";
import { worstLoss } from "../src/lib/risk.ts";

const address = (digit: string) => `0x${digit.repeat(40)}`;
const NAMES = ["token", "manager", "oracle", "engine", "stack", "junior", "senior", "exchange", "risk", "amm"];
const record = {
  ...{ network: "localhost", chainId: 31_337, startBlock: 1, deployer: address("1"), timelock: null },
  contracts: Object.fromEntries(NAMES.map((name) => [name, address("2")])),
  ...{ pyth: address("3"), libraries: {} },
  markets: [{ index: 0, name: "ETH", feed: address("4"), priceId: `0x${"5".repeat(64)}` }],
};

describe("configuration", () => {
  it("takes a local deployment as it is", () => {
    const settings = parseSettings({ VITE_DEPLOYMENT: JSON.stringify(record) });
    assert.equal(settings.rpcUrl, "http://127.0.0.1:8545");
    assert.equal(settings.indexerUrl, undefined);
    assert.equal(settings.pollingInterval, 1_000);
    assert.equal(settings.deployment.contracts.engine, address("2"));
  });

  it("names every fault at once", () => {
    const live = JSON.stringify({ ...record, chainId: 11_155_111 });
    const bad = {
      VITE_DEPLOYMENT: live,
      VITE_INDEXER_URL: "nowhere",
      VITE_EXPLORER_URL: "ftp://x",
      VITE_POLLING_INTERVAL: "5",
    };
    assert.throws(
      () => parseSettings(bad),
      (error) => {
        assert.ok(error instanceof SettingsError);
        assert.deepEqual(error.faults, [
          "VITE_RPC_URL is missing",
          "VITE_INDEXER_URL is no http or https URL",
          "VITE_EXPLORER_URL is no http or https URL",
          "VITE_POLLING_INTERVAL must be a whole number from 100 to 60000",
        ]);
        return true;
      },
    );
    assert.throws(() => parseSettings({}), /VITE_DEPLOYMENT is missing/);
    assert.throws(
      () => parseSettings({ VITE_DEPLOYMENT: JSON.stringify({ ...record, pyth: "0x12" }) }),
      /pyth of the deployment is not 20 bytes/,
    );
  });
});

describe("amounts", () => {
  it("reads what people type, and says what is wrong with the rest", () => {
    assert.deepEqual(parseAmount(" 1,234.5 ", 6), { kind: "ok", value: 1_234_500_000n });
    assert.deepEqual(parseAmount("", 6), { kind: "empty" });
    assert.deepEqual(parseAmount("0.0", 6), { kind: "bad", why: "The amount must be more than zero." });
    assert.deepEqual(parseAmount("1e5", 6), { kind: "bad", why: "This is no number." });
    assert.deepEqual(parseAmount("-1", 6), { kind: "bad", why: "This is no number." });
    assert.deepEqual(parseAmount("0.0000001", 6), { kind: "bad", why: "There are at most 6 digits behind the point." });
  });

  it("takes a comma or a space for grouping only where it groups, and never for a point", () => {
    for (const text of ["1,234,567.5", "1 234 567.5", "1\u202f234\u202f567.5", "1234567.5"])
      assert.deepEqual(parseAmount(text, 6), { kind: "ok", value: 1_234_567_500_000n }, text);
    for (const text of ["1,5", "0,25", "1,23,456", ",5", "12,3456", "1 5", "1,234,5", "1,000,", "1.234,5", "1234,567"])
      assert.equal(parseAmount(text, 6).kind, "bad", text);
    assert.deepEqual(parseAmount("1,5", 6), {
      ...{ kind: "bad", why: "A comma or a space groups three digits; write 1.5 with a point." },
    });
  });

  it("writes what it can read again", () => {
    for (const value of [1n, 10n, 1_000_000n, 123_456_789n])
      assert.deepEqual(parseAmount(amountText(value, 6), 6), { kind: "ok", value });
  });
});

describe("formats", () => {
  it("groups, cuts toward zero and keeps the sign", () => {
    assert.equal(fixed(1_234_567_899n, 6), "1,234.56");
    assert.equal(fixed(-1_999n, 3, 1), "−1.9");
    assert.equal(fixed(5n, 0, 2), "5.00");
    assert.equal(usd(-1_500_000_000_000n), "−$1.50");
    assert.equal(percent(25n, 10_000n), "0.25 %");
    assert.equal(percent(1n, 0n), "–");
  });

  it("says a time in its two largest units", () => {
    assert.equal(duration(90_061n), "1 d 1 h");
    assert.equal(duration(86_400n), "1 d");
    assert.equal(duration(61n), "1 min 1 s");
    assert.equal(duration(59n), "59 s");
    assert.equal(duration(-1n), "0 s");
  });

  it("makes a yearly rate of income and capital", () => {
    assert.equal(rateOf(5n, 100n), 500n);
    assert.equal(rateOf(5n, 0n), 0n);
  });
});

describe("the pool's clock", () => {
  const clock = { poolTime: 1_000n, gateEnd: 0n, pausedUntil: 0n };
  const request = { claimableAt: 1_100n, lapsesAt: 1_200n };

  it("counts through cooldown, window and lapse", () => {
    assert.deepEqual(phaseOf(request, poolTimeAt(clock, 5_000n, 99n)), { kind: "cooling", left: 1n });
    assert.deepEqual(phaseOf(request, poolTimeAt(clock, 5_000n, 100n)), { kind: "claimable", left: 100n });
    assert.deepEqual(phaseOf(request, poolTimeAt(clock, 5_000n, 200n)), { kind: "claimable", left: 0n });
    assert.deepEqual(phaseOf(request, poolTimeAt(clock, 5_000n, 201n)), { kind: "lapsed", since: 1n });
  });

  it("stands still while the pool is paused or the gate is closed", () => {
    const paused = { ...clock, pausedUntil: 6_000n };
    assert.equal(standsUntil(paused, 5_000n), 6_000n);
    assert.equal(poolTimeAt(paused, 5_000n, 500n), 1_000n);
    assert.equal(standsUntil(paused, 6_000n), undefined);
  });
});

describe("a trade", () => {
  const quote = { total: 20_100n, fromCurve: 6n, fromPool: 4n, quote: 20_000n };
  const at = (price: bigint) => ({ name: "ETH", lotDecimals: 0, market: { price }, params: { bandBps: 500n } });

  it("is limited to what the person accepts beyond the quote, on either side", () => {
    assert.equal(limitOf(quote, true, 50n), 20_200n); // down: never more than was allowed
    assert.equal(limitOf(quote, false, 50n), 20_000n);
    assert.equal(limitOf({ total: 3n }, true, 10n), 3n);
  });

  it("is refused where depth is short, and at the first unit beyond the band of fills", () => {
    assert.equal(gotOf(quote), 10n);
    assert.equal(flawOf(quote, at(2_000n), 11n), "There is depth for 10 ETH only.");
    assert.equal(flawOf({ ...quote, quote: 21_000n }, at(2_000n), 10n), undefined);
    assert.match(
      flawOf({ ...quote, quote: 21_010n }, at(2_000n), 10n) ?? "",
      /^That is too far from the mark: .* 5\.0 % of it/,
    );
    assert.match(flawOf({ ...quote, quote: 18_990n }, at(2_000n), 10n) ?? "", /^That is too far from the mark/);
  });
});

describe("the preview of a deposit", () => {
  it("is never that of another amount or another pool, not even while its own is read", () => {
    const client = createPublicClient({ chain: mainnet, transport: custom({ request: () => Promise.reject() }) });
    const reader = { client, deployment: parseDeployment(record) };
    const block = { number: 5n, timestamp: 50n };
    const shown = { shares: 7n, worth: 7n };
    const of = (tranche: "junior" | "senior", assets: bigint, number = 5n) =>
      depositPreviewQuery(reader, tranche, assets, { ...block, number });
    const kept = (before: ReturnType<typeof of>) => of("senior", 100n).placeholderData(shown, before);
    assert.equal(kept(of("senior", 100n, 4n)), shown);
    assert.equal(kept(of("senior", 1_000n)), undefined);
    assert.equal(kept(of("junior", 100n)), undefined);
  });
});

describe("the gas of each step", () => {
  it("is what was measured on the contracts", () => {
    const table = readFileSync(path.resolve(import.meta.dirname, "../../docs/gas.md"), "utf8");
    const measured = (operation: string) =>
      BigInt(new RegExp(`^\\| ${operation} \\| ([\\d,]+) \\|`, "m").exec(table)?.[1]?.replaceAll(",", "") ?? 0);
    const both = (operation: string) => ({ junior: measured(operation), senior: measured(operation) });
    assert.deepEqual(GAS, {
      join: { junior: measured("stake first, junior"), senior: measured("stake first") },
      ...{ request: both("request exit, first of all"), claim: both("claim"), cancel: both("cancel exit") },
    });
  });
});

describe("a liquidation", () => {
  it("is sent for little more than was shown, and for nine tenths of its penalty at least", () => {
    const shown = { lots: 1_000n, penalty: 5_000n }; // 5 % of 1,000 lots at 100
    assert.deepEqual(limitsOf(shown, 100n), { maxLots: 1_021n, minDiscount: 45n * 10n ** 15n });
    assert.deepEqual(limitsOf({ lots: 1n, penalty: 0n }, 100n), { maxLots: 2n, minDiscount: 0n });
  });
});

describe("the loss at a move", () => {
  const market = { price: 100n, openInterest: 1_000n };
  const of = (lots: bigint, equity: bigint) => [
    { market, params: { maintenanceBps: 500n }, inventory: { lots, equity, cap: 0n } },
  ];

  it("is what margin does not cover of the losing side", () => {
    assert.equal(worstLoss(of(0n, 0n), 3_000n), 25_000n); // 1,000 lots at 100, 30 % less 5 %
    assert.equal(worstLoss(of(0n, 0n), 500n), 0n);
  });

  it("counts the pool's own position without margin, less what it is worth", () => {
    for (const side of [1n, -1n]) {
      assert.equal(worstLoss(of(side * 400n, 0n), 3_000n), 15_000n + 12_000n);
      assert.equal(worstLoss(of(side * 400n, -500n), 3_000n), 15_000n + 12_500n);
      assert.equal(worstLoss(of(side * 400n, 1_000n), 3_000n), 15_000n + 11_000n);
      assert.equal(worstLoss(of(side * 400n, 50_000n), 3_000n), 25_000n, "the other direction is worse");
    }
  });
});

describe("the size in the ledger", () => {
  it("is what was bought less what was sold and settled, market by market", () => {
    const changes = [
      { market: 0, lots: 50n },
      { market: 1, lots: -7n },
      { market: 0, lots: -20n },
      { market: 1, lots: 7n },
    ];
    assert.deepEqual([...sumsOf(changes)], [[0, 30n]]);
    assert.deepEqual([...sumsOf([])], []);
  });
});
