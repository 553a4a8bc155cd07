/** Gas of the backstop AMM: trades against its curve and its bands, a liquidation without capital, providers joining and leaving. */
import { ETH } from "../deploy/markets.ts";
import { type Actor, accountOf } from "../test/helpers/actors.ts";
import { deployBackstop, deposit, dollars, setPrice, stake } from "../test/helpers/fixture.ts";
import { createChain } from "./chain.ts";
import { gasOf } from "./receipts.ts";

export interface AmmGas {
  /** {gas} of a trade against the curve alone, both accounts with a position. */
  readonly primary: number;
  /** {gas} of one through the curve and two bands. */
  readonly bands: number;
  /** {gas} of a partial liquidation into the curve. */
  readonly liquidate: number;
  readonly add: number;
  readonly remove: number;
}

const PRICE = dollars(2_000n);
const FALLEN = (PRICE * 974n) / 1_000n; // what makes him unhealthy
const CAP = 4_000_000n; // {lot} of the pool's position
const NO_LIMIT = 2n ** 128n - 1n;
const LOTS = 1_000n;

/** A curve of a million dollars beside a stake of ten, in a market that is at level 2 for half of it. */
export async function measureAmm(): Promise<AmmGas> {
  const fx = await deployBackstop(await createChain(), {
    markets: [{ config: { ...ETH, volatility: null, feed: { ...ETH.feed, jumpBps: 65_535 } }, answer: PRICE }],
  });
  const { engine, amm, risk, alice, bob, carol, keeper } = fx;
  const { time } = fx.connection.networkHelpers;
  await stake(fx, fx.staker, 10_000_000n);
  await engine.setInventoryCap(0, { lots: CAP, bps: 5_000 });
  const cash = 1_000_000n * 10n ** 12n;
  for (const actor of [alice, bob]) await deposit(fx, actor, 1_000_000n);
  await deposit(fx, carol, 2_000_000n);
  await deposit(fx, keeper, 100_000n);
  await amm.connect(carol).addLiquidity(0, accountOf(carol), cash, 0n);
  const add = await gasOf(amm.connect(carol).addLiquidity(0, accountOf(carol), cash / 10n, 0n));
  const remove = await gasOf(amm.connect(carol).removeLiquidity(0, accountOf(carol), cash / 10n, false, 0n));

  const deal = async (actor: Actor, lots: bigint) =>
    gasOf(
      engine.connect(actor).trade({
        account: accountOf(actor),
        market: 0,
        lots,
        limit: lots > 0n ? NO_LIMIT : 0n,
        deadline: 2n ** 32n - 1n,
        reduceOnly: false,
      }),
    );
  await deal(alice, -LOTS);
  await setPrice(fx, PRICE);
  const primary = await deal(alice, -LOTS);

  await deal(bob, 15_000n);
  const { equity } = await engine.health(accountOf(bob), 0);
  await engine.connect(bob).transfer(accountOf(bob), accountOf(alice), equity - 160n * 10n ** 12n);
  await setPrice(fx, FALLEN);
  await time.increase(8 * 3600);
  await setPrice(fx, FALLEN);
  await toIndex();
  await setPrice(fx, FALLEN);
  const any = 2n ** 56n - 1n;
  const liquidate = await gasOf(engine.connect(keeper).liquidateToAmm(accountOf(bob), 0, accountOf(keeper), any, 0n));

  await risk.setVolatilityLimits(0, { level1: 1, level2: 2, level3: 65_534, level4: 65_535, initial: 1_000 });
  for (let i = 0; i < 3; i += 1) {
    await time.increase(60);
    await setPrice(fx, FALLEN);
  }
  const perBlock = CAP / 2n / 20n;
  await deal(alice, -280_000n); // brings the curve to the first band
  for (let filled = 0n; filled < 5n; filled += 1n) await deal(alice, -perBlock + (filled === 0n ? perBlock / 2n : 0n));
  const bands = await deal(alice, -perBlock - 1_000n);
  return { primary, bands, liquidate, add, remove };

  /** Alice brings the curve to the index. */
  async function toIndex(): Promise<void> {
    const { price } = await engine.markets(0);
    const { base, quote } = await amm.curves(0);
    await deal(alice, base - BigInt(Math.floor(Math.sqrt(Number((base * quote) / price)))));
  }
}
