import { expect } from "chai";
import type { Cast } from "./actions.ts";
import { type Runner, text } from "./runner.ts";
import { deployPyth, priceIdOf } from "./second.ts";
import { prepareSignals } from "./signals.ts";
import { MARKET_IDS, type World } from "./world.ts";

/** {s} so that feeds and second sources have stood long enough to settle a market. */
const SOURCES_STAND = 15n * 86_400n;
const WEEK = 7n * 86_400n;

/** {s} the start of a week: minutes, hours and weeks are aligned, so a seed plays the same whenever it is started. */
export const beginning = (now: bigint): bigint => ((now + SOURCES_STAND) / WEEK + 1n) * WEEK;

/** Money for everybody, stake for the senior pool, and the first deposits on both sides. */
export async function prepare(world: World, cast: Cast, { step }: Runner, stake = 150_000n): Promise<void> {
  const { fx, chain, model, engineAt, juniorAt, poolAt } = world;
  const much = 10n ** 9n * fx.unit;
  const send = async (from: string, to: string, data: string) => {
    const { revert } = await chain.send(from, to, data, (await chain.timestamp()) + 1n);
    expect(text(revert), "preparation").to.equal("success");
  };
  for (const from of [...cast.owners.map(({ address }) => address), cast.staker]) {
    await chain.unlock(from);
    await fx.token.mint(from, much);
    for (const spender of [engineAt, juniorAt, poolAt]) {
      const data = fx.token.interface.encodeFunctionData("approve", [spender, much]);
      await send(from, await fx.token.getAddress(), data);
    }
  }
  await chain.unlock(cast.governor);
  await chain.unlock(world.exchangeAt);
  await chain.unlock(engineAt);
  const pyth = await deployPyth(fx);
  for (const id of MARKET_IDS) await fx.oracle.configureSecond(id, { pyth, priceId: priceIdOf(id) });
  await prepareSignals(
    world,
    MARKET_IDS.filter((id) => model.state.limits.has(id)),
  );
  await send(cast.staker, poolAt, fx.pool.interface.encodeFunctionData("deposit", [stake * fx.unit, cast.staker]));
  for (const account of cast.accounts) {
    const amount = 3_000n * fx.unit;
    const data = fx.engine.interface.encodeFunctionData("deposit", [account, amount]);
    const apply = () => model.deposit(account, amount);
    const action = { from: cast.staker, to: engineAt, data, apply };
    await step("deposit", action, (await chain.timestamp()) + 1n, "preparation");
  }
}
