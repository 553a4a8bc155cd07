/** The events tell everything: after a random session the books rebuilt from the logs are the contracts' own. */
import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { network } from "hardhat";
import { Contradiction } from "../../sdk/src/attribution.ts";
import { accountOf, FEES } from "../helpers/actors.ts";
import { everyAccount, expectConserved } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, setPrice, stake, trade } from "../helpers/fixture.ts";
import {
  type Books,
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
import { MARKETS, playOn, prepare, prologue } from "../helpers/session.ts";
import { DAY, HOUR } from "../helpers/time.ts";

/** The stack's budgets follow the calendar: a fixed start keeps the session the same on every day. */
const connection = await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } });

/** Events that say what others have already moved, or nothing about the books. */
const REPEATS = new Set(["Liquidated", "SettlementPriceSet", "Connected", "OperatorSet", "AuthorityUpdated"]);

describe("replay", () => {
  it("rebuilds every account, market, deficit and claim from the event logs", async () => {
    const fx = await deployBackstop(connection, { markets: MARKETS });
    await prepare(fx);
    await prologue(fx);
    const whileTheClockRuns = await checkpoint(fx);
    await playOn(fx);
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

  it("tells the fills of one transaction apart", async () => {
    const fx = await deployBackstop(await network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } }), {
      markets: MARKETS,
    });
    const { engine, manager, alice, bob, carol, keeper } = fx;
    const { time } = fx.connection.networkHelpers;
    const prices = async () => {
      for (const [id, { answer }] of MARKETS.entries()) await setPrice(fx, answer, id);
    };
    await stake(fx, fx.staker, 600_000n);
    for (const actor of [alice, bob, carol]) await deposit(fx, actor, 10_000n);
    await time.increase(15 * DAY); // the feeds have stood
    await prices();
    await trade(fx, { long: alice, short: carol, lots: 50_000n }); // of market 0, which ends
    await engine.windDown(0);
    await time.increase(DAY);
    await prices();
    await engine.fixSettlementPrice(0);
    await trade(fx, { long: bob, short: carol, lots: 30_000n, market: 1 });
    await time.increase(HOUR);
    await setPrice(fx, dollars(30_000n), 1); // bob is below zero
    const { bucket } = await engine.markets(1);
    const calls = [
      engine.interface.encodeFunctionData("close", [0, accountOf(alice)]),
      engine.interface.encodeFunctionData("takeover", [accountOf(bob), accountOf(keeper)]),
    ];
    const at = await engine.getAddress();
    const execute = (data: string) => manager.interface.encodeFunctionData("execute", [at, data]);
    await manager.multicall(calls.map(execute));

    const [takenOver] = await engine.queryFilter(engine.filters.TakenOver());
    expect(takenOver?.args.reward, "out of the bucket of market 1").to.be.within(1n, bucket);
    const { markets } = replay(await logsOf(fx), await engine.tokenUnit());
    for (const id of [0, 1]) expect(markets.get(id)?.bucket).to.equal((await engine.markets(id)).bucket);
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
