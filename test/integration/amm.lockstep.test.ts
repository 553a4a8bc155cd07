/** The AMM in a market that moves, beside its twin: each trade and each liquidation is foretold, then compared to the unit. */
import { expect } from "chai";
import type { Curve, Dealt, Step } from "../../sdk/src/amm.ts";
import {
  deal,
  jumpFee,
  jumpFeeAt,
  ladderOf,
  lotsTo,
  NO_STOP,
  roomOf,
  share,
  stopOf,
  totalOf,
  traded,
} from "../../sdk/src/amm.ts";
import { clockAge, discount, lotsToClose, penaltyOf } from "../../sdk/src/liquidation.ts";
import { maintenanceRatio } from "../../sdk/src/margin.ts";
import { ONE } from "../../sdk/src/units.ts";
import { accountOf } from "../helpers/actors.ts";
import { deployWithCurve, numbers, PRICE } from "../helpers/amm.ts";
import { deposit, type Fixture, setPrice } from "../helpers/fixture.ts";

const [MARK, UNFAVOURABLE] = [0, 1];
const OPEN_LEVEL = 2n;
const ALL = (1n << 56n) - 1n;
/** Levels follow the curve's distance from the index, not volatility. */
const LIMITS = { level1: 60_000, level2: 61_000, level3: 62_000, level4: 63_000, initial: 1_000 };

const deployed = (): Promise<Fixture> => deployWithCurve(LIMITS, 20_000_000n);

/** Everything the twin asks the chain for. */
async function look({ engine, amm }: Fixture, isBuy: boolean, isLiquidation: boolean) {
  const id = await amm.accountOf(0);
  const [market, params, reserves, position, account, health, inventory, bands] = await Promise.all([
    engine.markets(0),
    engine.marketParams(0),
    amm.curves(0),
    engine.positions(id, 0),
    engine.accounts(id),
    engine.health(id, UNFAVOURABLE),
    engine.inventory(0),
    amm.bands(0, isBuy, isLiquidation),
  ]);
  const curve: Curve = { base: reserves.base, quote: reserves.quote };
  const own = { lots: position.lots, cash: account.cash, equity: health.equity };
  const room = roomOf(own, params, market.price, isBuy);
  const used = isLiquidation ? undefined : 0n; // each trade here has a block of its own
  const { price, level, bucket } = market;
  const ladder = ladderOf({ price, level, isBuy, pool: inventory.lots, cap: inventory.cap, used });
  const real = bands.prices.map((at, i): Step => ({ price: at, lots: bands.lots[i] ?? 0n }));
  return {
    ...{ params, curve, room, price, level, bucket, feePpm: reserves.feePpm, pool: inventory.lots },
    ...{ ladder: ladder.filter(some), real: real.filter(some), curveLots: position.lots },
  };
}

const some = ({ lots }: Step) => lots !== 0n;

const now = async ({ connection }: Fixture) => BigInt(await connection.networkHelpers.time.latest());

/** The next block is a second later. */
async function tick(fx: Fixture): Promise<bigint> {
  const time = (await now(fx)) + 1n;
  await fx.connection.networkHelpers.time.setNextBlockTimestamp(time);
  return time;
}

async function pass(fx: Fixture, seconds: bigint, answer: bigint): Promise<void> {
  await fx.connection.networkHelpers.time.increase(seconds);
  await setPrice(fx, answer);
}

/** What the last block moved: reserves, lots of curve and pool, bucket. */
async function expectMoved(fx: Fixture, seen: Awaited<ReturnType<typeof look>>, isBuy: boolean, dealt: Dealt) {
  const after = await look(fx, isBuy, false);
  const sign = isBuy ? -1n : 1n;
  expect(after.curve).to.deep.equal(traded(seen.curve, isBuy, dealt.curveLots));
  expect(after.curveLots - seen.curveLots).to.equal(sign * dealt.curveLots);
  expect(after.pool - seen.pool).to.equal(sign * dealt.bandLots);
  return after.bucket - seen.bucket;
}

describe("the AMM beside its twin", function () {
  this.timeout(300_000);

  it("trades as foretold: curve, bands, jump fee and total", async () => {
    const fx = await deployed();
    const { engine, amm, alice, bob } = fx;
    const next = numbers(11);
    const met = { trades: 0, bands: 0, auctions: 0, jumps: 0 };
    let answer = PRICE;
    let jumped = { fee: 0n, at: 0n };
    for (let i = 0; i < 36; i += 1) {
      const kind = next(6n);
      if (kind === 0n) {
        const before = (await engine.markets(0)).price;
        answer += (answer * (next(500n) - 250n)) / 10_000n; // 2.5 % at most
        await pass(fx, 60n + next(120n), answer);
        const fee = jumpFee(before, (await engine.markets(0)).price);
        const at = await now(fx);
        if (fee > jumpFeeAt(jumped.fee, at - jumped.at)) jumped = { fee, at };
      } else if (kind === 1n) await pass(fx, 20n, answer);
      await engine.sync(0);

      const isBuy = next(2n) === 0n;
      const lots = 1_000n + next(600_000n);
      const seen = await look(fx, isBuy, false);
      // below the level of the bands only an auction is open; when it began the twin does not know
      const steps = seen.level >= OPEN_LEVEL ? seen.ladder : seen.real;
      expect(seen.real).to.deep.equal(steps);
      const wish = { isBuy, lots, room: seen.room, stop: isBuy ? NO_STOP : 0n };
      const terms = { price: seen.price, slackBps: seen.params.bandBps };
      const quoteAt = async (time: bigint) => {
        const feePpm = seen.feePpm + jumpFeeAt(jumped.fee, time - jumped.at);
        const dealt = deal(seen.curve, steps, wish, { ...terms, feePpm });
        return { dealt, total: totalOf(dealt, isBuy, seen.params, seen.level) };
      };
      const foretold = await quoteAt(await now(fx));
      if (foretold.dealt.curveLots + foretold.dealt.bandLots !== lots) continue;
      const [taken, total] = await amm.quote(0, isBuy ? lots : -lots);
      const { curveLots, bandLots, curveQuote, bandQuote, fee } = taken;
      expect({ curveLots, bandLots, curveQuote, bandQuote, fee }).to.deep.equal(foretold.dealt);
      expect(total).to.equal(foretold.total);

      const actor = next(2n) === 0n ? alice : bob;
      const executed = await quoteAt((await now(fx)) + 1n);
      const order = {
        ...{ account: accountOf(actor), market: 0, lots: isBuy ? lots : -lots },
        ...{ limit: executed.total, deadline: ALL & 0xffffffffn, reduceOnly: false }, // to the unit
      };
      const isAllowed = await engine
        .connect(actor)
        .trade.staticCall({ ...order, limit: isBuy ? 1n << 127n : 0n })
        .then(
          () => true,
          () => false, // by the engine's rules: band, margin, winning side
        );
      if (!isAllowed) continue;
      await tick(fx);
      await engine.connect(actor).trade(order);
      const { dealt } = executed;
      const quote = dealt.curveQuote + dealt.bandQuote;
      const fees = isBuy ? executed.total - quote : quote - executed.total;
      expect(await expectMoved(fx, seen, isBuy, dealt)).to.equal(fees - dealt.fee);
      met.trades += 1;
      if (dealt.bandLots > 0n) met[seen.level >= OPEN_LEVEL ? "bands" : "auctions"] += 1;
      if (jumpFeeAt(jumped.fee, (await now(fx)) - jumped.at) > 0n) met.jumps += 1;
    }
    expect(met.trades).to.be.greaterThan(15);
    expect(met.bands).to.be.greaterThan(2);
    expect(met.jumps).to.be.greaterThan(2);
  });

  it("liquidates as foretold: size, penalty, providers' fee, reward and bucket", async () => {
    const fx = await deployed();
    const { engine, amm, bob, dave, keeper } = fx;
    const next = numbers(5);
    const met = { curve: 0, bands: 0 };
    let answer = PRICE;
    await deposit(fx, keeper, 100n);
    for (let i = 0n; i < 5n; i += 1n) {
      const id = accountOf(dave, i);
      const size = 100_000n + next(900_000n);
      const order = (account: bigint, lots: bigint) => ({
        ...{ account, market: 0, lots, limit: lots > 0n ? 1n << 127n : 0n },
        ...{ deadline: 0xffffffffn, reduceOnly: false },
      });
      await deposit(fx, dave, 100_000n, id);
      await engine.connect(dave).trade(order(id, size));
      await engine.connect(bob).trade(order(accountOf(bob), -size));
      const { price: entry } = await engine.markets(0);
      const { equity } = await engine.health(id, MARK);
      await engine.connect(dave).transfer(id, accountOf(bob), equity - (size * entry * 573n) / 10_000n);
      const ratio = maintenanceRatio((await look(fx, false, true)).params, size * entry); // D18
      answer -= (answer * ((573n * ONE) / 10_000n - (ratio * (40n + next(40n))) / 100n)) / ONE;
      for (let hour = 0; hour < 8; hour += 1) await pass(fx, 3_600n, answer); // nobody has won
      const { price } = await engine.markets(0);
      const above = lotsTo(await amm.curves(0), false, price);
      if (above > 100n) await engine.connect(bob).trade(order(accountOf(bob), -above));
      await engine.flag(id);
      await pass(fx, 1n + next(85n), answer);

      const seen = await look(fx, false, true);
      expect(seen.real).to.deep.equal(seen.ladder);
      const { equity: left, maintenance } = await engine.health(id, MARK);
      const { lots: held } = await engine.positions(id, 0);
      const notional = held * price;
      const terms = {
        ...{ equity: left, maintenance, notional, ratio: maintenanceRatio(seen.params, notional) },
        ...{ price, size: held, minLots: seen.params.minLots },
      };
      const { unhealthySince } = await engine.accounts(id);
      const d = discount(terms, seen.params.discountBps, clockAge(unhealthySince, (await now(fx)) + 1n));
      const wish = { isBuy: false, lots: lotsToClose(terms, d), room: seen.room, stop: stopOf(price, false, d) };
      const dealt = deal(seen.curve, seen.ladder, wish, { price, slackBps: 0n, feePpm: seen.feePpm });
      const closed = dealt.curveLots + dealt.bandLots;
      const { penalty } = penaltyOf(terms, closed, d, 0n);
      const shared = share(dealt, false, price, penalty, seen.params.liquidatorShareBps);
      const before = await engine.accounts(accountOf(keeper));

      await tick(fx);
      const sent = engine.connect(keeper).liquidateToAmm(id, 0, accountOf(keeper), ALL, 0n);
      await expect(sent).to.emit(engine, "Liquidated").withArgs(id, 0, accountOf(keeper), closed, penalty);
      expect((await engine.accounts(accountOf(keeper))).cash - before.cash).to.equal(shared.reward);
      expect(await expectMoved(fx, seen, false, dealt)).to.equal(shared.toBucket);
      expect((await engine.health(id, MARK)).equity).to.equal(left - penalty);
      if (dealt.curveLots > 0n) met.curve += 1;
      if (dealt.bandLots > 0n) met.bands += 1;
      const { lots: rest } = await engine.positions(id, 0);
      if (rest > 0n) {
        await deposit(fx, dave, 100_000n, id);
        await engine.connect(dave).trade(order(id, -rest));
      }
    }
    expect(met.curve).to.equal(5);
    expect(met.bands).to.be.greaterThan(1);
  });
});
