/** The AMM: providers come and go, trades, liquidations in one transaction, bands, an auction, a curve that is taken over. */
import { lotsTo } from "../../../sdk/src/amm.ts";
import { accountOf } from "../../../test/helpers/actors.ts";
import { deposit, dollars, feedOf } from "../../../test/helpers/fixture.ts";
import { HOUR, MINUTE } from "../../../test/helpers/time.ts";
import { ALL, pass, STORY, type Stage, together, trade, USD } from "./cast.ts";

const CALM = { level1: 30_000, level2: 40_000, level3: 50_000, level4: 60_000, initial: 8_000 };
const WILD = { level1: 100, level2: 200, level3: 50_000, level4: 60_000, initial: 8_000 };

/** Providers and trades on a calm market. */
export async function playCurve(stage: Stage): Promise<void> {
  const { fx, people } = stage;
  const { amm, risk } = fx;
  await risk.setVolatilityLimits(STORY, CALM);
  await deposit(fx, people.lp, 3_000_000n);
  await deposit(fx, people.taker, 1_000_000n);
  const lp = amm.connect(people.lp);
  await lp.addLiquidity(STORY, accountOf(people.lp), 2_000_000n * USD, 0n);
  await lp.addLiquidity(STORY, accountOf(people.lp), 100_000n * USD, 0n);
  await trade(stage, people.taker, 300_000n);
  await amm.setFee(STORY, 600);
  const id = await amm.shareId(STORY);
  const shares = await amm.balanceOf(people.lp, id);
  await lp.removeLiquidity(STORY, accountOf(people.lp), shares / 20n, false, 0n);
  await lp.removeLiquidity(STORY, accountOf(people.lp), shares / 20n, true, 0n);
  await lp.transfer(people.stranger, id, shares / 1_000n);
  await pass(stage, 2 * MINUTE, dollars(2_040n)); // a jump
  await trade(stage, people.taker, -100_000n);
  await pass(stage, 3 * MINUTE);
}

/** Three accounts get below maintenance margin; two are liquidated in one transaction, one through the AMM. */
export async function playLiquidations(stage: Stage): Promise<void> {
  const { fx, people } = stage;
  const { engine, manager } = fx;
  const into = await deposit(fx, people.liquidator, 200_000n);
  await engine.connect(people.liquidator).setOperator(manager, true);
  for (const [i, one] of [people.first, people.second, people.third].entries()) {
    await deposit(fx, one, 3_700n + BigInt(350 * i)); // each buys dearer than the one before
    await trade(stage, one, 180_000n); // about $37,000
  }
  await pass(stage, HOUR, dollars(1_870n));
  for (const one of [people.first, people.second, people.third]) await engine.flag(accountOf(one));
  await pass(stage, 30);
  await together(stage, [
    engine.interface.encodeFunctionData("liquidate", [accountOf(people.first), STORY, into, ALL, 0]),
    engine.interface.encodeFunctionData("liquidateToAmm", [accountOf(people.second), STORY, into, ALL, 0]),
  ]);
  await engine.liquidateToAmm(accountOf(people.third), STORY, into, ALL, 0);
}

/** Levels open the bands to anybody; then it is calm, and the pool's position is for sale. */
export async function playBands(stage: Stage): Promise<void> {
  const { fx, people } = stage;
  const { engine, amm, risk } = fx;
  await engine.setInventoryCap(STORY, { lots: 2_000_000, bps: 5_000 });
  for (let i = 0; i < 8; ++i) await pass(stage, 3 * HOUR); // nobody has won any more
  await risk.setVolatilityLimits(STORY, WILD);
  for (let i = 0; i < 3; ++i) await pass(stage, MINUTE);
  await trade(stage, people.taker, -(await sellable(stage)));
  const { price } = await engine.markets(STORY);
  await trade(stage, people.taker, lotsTo(await amm.curves(STORY), true, price)); // back to the index
  await risk.setVolatilityLimits(STORY, CALM);
  const answer = (await feedOf(fx, STORY).latestRoundData())[1];
  for (let i = 0; i < 16; ++i) await pass(stage, 20 * MINUTE, answer + BigInt(i));
  await trade(stage, people.taker, 400_000n); // past the auction's price
}

/** {lot} that reach the first band. */
async function sellable({ fx }: Stage): Promise<bigint> {
  for (let lots = 3_000_000n; lots > 1_000n; lots = (lots * 9n) / 10n) {
    const isFull = await fx.amm.quote(STORY, -lots).then(
      ([taken]) => taken.bandLots > 0n,
      () => false, // more than there is
    );
    if (isFull) return lots;
  }
  throw new Error("No trade reaches the bands");
}

/** A fall that is held at first, then believed: the curve is below zero, and so are two others; all are taken over at once. */
export async function playCrash(stage: Stage): Promise<void> {
  const { fx, people } = stage;
  const { engine, amm } = fx;
  const curve = await amm.accountOf(STORY);
  const reward = accountOf(people.liquidator);
  for (const one of [people.first, people.second]) await deposit(fx, one, 3_000n);
  for (const one of [people.first, people.second]) await trade(stage, one, 100_000n);
  await trade(stage, people.taker, -1_500_000n); // the curve is long
  await leaveAlone(stage);
  await pass(stage, MINUTE, dollars(1_000n)); // a step of more than 15 %
  for (let i = 0; i < 3; ++i) await pass(stage, 5 * MINUTE, dollars(1_000n));
  const takeover = (id: bigint) => engine.interface.encodeFunctionData("takeover", [id, reward]);
  await together(stage, [takeover(accountOf(people.first)), takeover(accountOf(people.second)), takeover(curve)]);
  const lp = amm.connect(people.lp);
  await lp.addLiquidity(STORY, accountOf(people.lp), 50_000n * USD, 0n); // the next epoch
  await pass(stage, 6 * HOUR);
  await engine.coverInventory(STORY); // what the pools have taken over is on their books
}

/** The provider takes as much cash as those who stay can spare: the position is worth three times what is left. */
async function leaveAlone({ fx, people }: Stage): Promise<void> {
  const lp = fx.amm.connect(people.lp);
  const id = await fx.amm.shareId(STORY);
  for (let part = 2n; part <= 64n; ) {
    const shares = (await fx.amm.balanceOf(people.lp, id)) / part;
    const call = [STORY, accountOf(people.lp), shares, false, 0n] as const;
    const may = await lp.removeLiquidity.staticCall(...call).then(
      () => true,
      () => false,
    );
    if (may) await lp.removeLiquidity(...call);
    else part *= 2n;
  }
}
