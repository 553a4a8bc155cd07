/** The AMM of the contracts against its twin in the sdk, to the unit: quotes, bands and liquidations at random prices and positions. */
import { expect } from "chai";
import { ladderOf, lotsTo, NO_STOP, plan, roomOf, traded } from "../../sdk/src/index.ts";
import { type Actor, accountOf } from "../helpers/actors.ts";
import { deployWithCurve, numbers, PRICE, USD } from "../helpers/amm.ts";
import { deposit, dollars, type Fixture, setPrice } from "../helpers/fixture.ts";

const UNFAVOURABLE = 1;

const deployed = (): Promise<Fixture> => deployWithCurve(null, 5_000_000n);

/** What the twin says of a trade against the curve alone. */
async function expected({ engine, amm }: Fixture, lots: bigint) {
  const id = await amm.accountOf(0);
  const [market, params, curve, { lots: held }, { cash }, { equity }] = await Promise.all([
    engine.markets(0),
    engine.marketParams(0),
    amm.curves(0),
    engine.positions(id, 0),
    engine.accounts(id),
    engine.health(id, UNFAVOURABLE),
  ]);
  const isBuy = lots > 0n;
  const size = isBuy ? lots : -lots;
  const room = roomOf({ lots: held, cash, equity }, params, market.price, isBuy);
  return plan(curve, [], { isBuy, lots: size, room, stop: isBuy ? NO_STOP : 0n });
}

const order = (actor: Actor, lots: bigint) => ({
  account: accountOf(actor),
  market: 0,
  lots,
  limit: lots > 0n ? (1n << 128n) - 1n : 0n,
  deadline: (1n << 32n) - 1n,
  reduceOnly: false,
});

describe("the AMM and its twin", () => {
  it("agree on every quote and on the reserves after every trade", async () => {
    const fx = await deployed();
    const { engine, amm, alice, bob } = fx;
    const next = numbers(7);
    for (let i = 0; i < 60; i += 1) {
      if (i % 5 === 4) await setPrice(fx, PRICE + dollars(next(30n)) - dollars(15n));
      const lots = next(400_000n) - 200_000n;
      if (lots > -100n && lots < 100n) continue;
      const planned = await expected(fx, lots);
      const curve = await amm.curves(0);
      const [taken, total] = await amm.quote(0, lots);
      expect(taken.curveLots).to.equal(planned.curveLots);
      expect(taken.curveQuote).to.equal(planned.curveQuote);
      const actor = i % 2 === 0 ? alice : bob;
      const { lots: held } = await engine.positions(accountOf(actor), 0);
      if (held + lots !== 0n && held + lots < 100n && held + lots > -100n) continue;
      expect(await engine.connect(actor).trade.staticCall(order(actor, lots))).to.equal(total);
      await engine.connect(actor).trade(order(actor, lots));
      const { base, quote } = await amm.curves(0);
      expect({ base, quote }).to.deep.equal(traded(curve, lots > 0n, planned.curveLots));
    }
  });

  it("agree on the ladder and on what a liquidation takes of it", async () => {
    const fx = await deployed();
    const { engine, amm, alice, bob, dave, keeper } = fx;
    const { time } = fx.connection.networkHelpers;
    await deposit(fx, dave, 200_000n);
    await deposit(fx, keeper, 100n);
    await engine.connect(dave).trade(order(dave, 900_000n)); // $180,000
    await engine.connect(alice).trade(order(alice, -900_000n)); // the curve is where it was
    const { equity } = await engine.health(accountOf(dave), 0);
    await engine.connect(dave).transfer(accountOf(dave), accountOf(bob), equity - 10_300n * USD);
    await setPrice(fx, (PRICE * 970n) / 1_000n);
    await time.increase(8 * 3600);
    await setPrice(fx, (PRICE * 970n) / 1_000n);
    const { price } = await engine.markets(0);
    const above = lotsTo(await amm.curves(0), false, price);
    await engine.connect(bob).trade(order(bob, -above));
    await engine.flag(accountOf(dave));
    await time.increase(59);
    await setPrice(fx, price);

    const [curve, { lots: pool, cap }] = await Promise.all([amm.curves(0), engine.inventory(0)]);
    const steps = ladderOf({ price, level: 0n, isBuy: false, pool, cap, used: undefined });
    const [prices, lots] = await amm.bands(0, false, true);
    const seen = prices.map((one, i) => ({ price: one, lots: lots[i] })).filter((one) => one.lots !== 0n);
    expect(seen).to.deep.equal(steps.filter((one) => one.lots !== 0n));

    await engine.connect(keeper).liquidateToAmm(accountOf(dave), 0, accountOf(keeper), (1n << 56n) - 1n, 0n);
    const { lots: after } = await engine.inventory(0);
    const { base } = await amm.curves(0);
    const byPool = after - pool;
    expect(byPool).to.be.greaterThan(0n);
    const closed = byPool + base - curve.base;
    const planned = plan(curve, steps, { isBuy: false, lots: closed, room: closed, stop: 0n });
    expect(planned).to.include({ bandLots: byPool, curveLots: base - curve.base });
  });
});
