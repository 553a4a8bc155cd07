/** A market with a provider's curve, and numbers to play it with. */
import { network } from "hardhat";
import { ETH, type VolatilityLimits } from "../../deploy/markets.ts";
import { accountOf } from "./actors.ts";
import { deployBackstop, deposit, dollars, type Fixture, stake } from "./fixture.ts";

export const PRICE = dollars(2_000n);
export const USD = 10n ** 12n; // {u}
const CAP = 1_000_000n; // {lot} of the pool's position

/** Deterministic: xorshift of 32 bits. */
export function numbers(seed: number): (below: bigint) => bigint {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return BigInt(x >>> 0) % below;
  };
}

/** Steps of the feed count as prices; two traders with `margin` {USD} each. */
export async function deployWithCurve(volatility: VolatilityLimits | null, margin: bigint): Promise<Fixture> {
  const market = { config: { ...ETH, volatility, feed: { ...ETH.feed, jumpBps: 65_535 } }, answer: PRICE };
  const fx = await deployBackstop(await network.create(), { markets: [market] });
  await stake(fx, fx.staker, 20_000_000n);
  await fx.engine.setInventoryCap(0, { lots: CAP, bps: 5_000 });
  for (const actor of [fx.alice, fx.bob]) await deposit(fx, actor, margin);
  await deposit(fx, fx.carol, 2_000_000n);
  await fx.amm.connect(fx.carol).addLiquidity(0, accountOf(fx.carol), 2_000_000n * USD, 0n);
  return fx;
}
