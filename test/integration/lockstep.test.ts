/** The contracts and the bigint model of sdk/ in step: the same random operations, equal to the unit after every one. */
import { expect } from "chai";
import { network } from "hardhat";
import { EngineError } from "../../sdk/src/errors.ts";
import { broken } from "../../sdk/src/invariants.ts";
import { createRng } from "../../sdk/test/helpers/rng.ts";
import { type Action, type ActionName, createActions, createCast } from "../helpers/lockstep/actions.ts";
import type { Revert } from "../helpers/lockstep/chain.ts";
import { createComparison } from "../helpers/lockstep/compare.ts";
import { createWorld, type World } from "../helpers/lockstep/world.ts";

const SEED = Number(process.env.LOCKSTEP_SEED ?? 20_200_312);
const FULL_EVERY = 250;
/** Fresh chains for the 10,000 operations: a market with a deficit trades little, so the crisis comes last in each. */
const LIVES = 8;

/** In 10,000 operations each must succeed this often, or the run proves little. */
const EXPECTED: Readonly<Record<ActionName, number>> = {
  fill: 400,
  settle: 40,
  deposit: 300,
  withdraw: 200,
  transfer: 100,
  drift: 900,
  jump: 80,
  spoil: 25,
  sync: 900,
  flag: 15,
  unflag: 4,
  liquidate: 40,
  takeover: 25,
  coverInventory: 150,
  collectIncome: 80,
  stake: 80,
  budgets: 40,
  setMarket: 20,
  setStatus: 20,
};

/** Runs the model's side; its error, if any, in the form of a revert. */
function applied(action: Action): Revert | undefined {
  try {
    action.apply?.();
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { name: error.error, values: error.values };
  }
}

const text = (revert: Revert | undefined) => (revert ? `${revert.name}(${revert.values.join(", ")})` : "success");

/** Money for everybody, stake for the pool, and the first deposits on both sides. */
async function prepare(world: World, cast: ReturnType<typeof createCast>): Promise<void> {
  const { fx, chain, model, engineAt, poolAt } = world;
  const much = 10n ** 9n * fx.unit;
  const send = async (from: string, to: string, data: string) => {
    const { revert } = await chain.send(from, to, data, (await chain.timestamp()) + 1n);
    expect(text(revert), "preparation").to.equal("success");
  };
  for (const from of [...cast.owners.map(({ address }) => address), cast.staker]) {
    await chain.unlock(from);
    await fx.token.mint(from, much);
    for (const spender of [engineAt, poolAt]) {
      const data = fx.token.interface.encodeFunctionData("approve", [spender, much]);
      await send(from, await fx.token.getAddress(), data);
    }
  }
  await chain.unlock(cast.governor);
  await chain.unlock(world.exchangeAt);
  await send(cast.staker, poolAt, fx.pool.interface.encodeFunctionData("deposit", [150_000n * fx.unit, cast.staker]));
  for (const account of cast.accounts) {
    const amount = 3_000n * fx.unit;
    await send(cast.staker, engineAt, fx.engine.interface.encodeFunctionData("deposit", [account, amount]));
    model.deposit(account, amount);
  }
}

/** Returns how often each operation succeeded and each error occurred, and how many accounts hold a claim. */
async function run(decimals: number, steps: number, seed: number) {
  const world = await createWorld(await network.create(), decimals);
  const { chain, model, fx } = world;
  const rng = createRng(seed);
  const cast = createCast(world);
  await prepare(world, cast);
  const scene = { now: await chain.timestamp(), crisis: false };
  const { draw } = createActions(world, cast, rng, scene);
  const comparison = createComparison(world);
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const freeStake = fx.pool.interface.encodeFunctionData("freeStake");
  const pause = () =>
    rng.chance(0.003) ? rng.int(3_600, 200_000) : rng.chance(0.1) ? rng.int(30, 300) : rng.int(1, 8);

  for (let step = 0; step < steps; ++step) {
    scene.now += BigInt(pause());
    scene.crisis = step > (2 * steps) / 3;
    const { name, action } = await draw();
    const where = `${decimals} decimals, seed ${seed}, step ${step}, ${name}`;
    const stake = action.apply === undefined ? 0n : await chain.peek(world.poolAt, freeStake, scene.now);
    const outcome = await chain.send(action.from, action.to, action.data, scene.now);

    const oracle = world.quotes(scene.now);
    model.at({ now: scene.now, quote: oracle.quote, freeStake: () => stake, absorb: world.payments(outcome) });
    const revert = applied(action);
    expect(text(outcome.revert), where).to.equal(text(revert));
    if (revert === undefined) {
      oracle.commit();
      action.onSuccess?.();
    }
    count(revert?.name ?? name);
    if (model.state.totalDeficit > 0n) count("with a deficit");

    const full = step % FULL_EVERY === FULL_EVERY - 1 || step === steps - 1;
    const differences = full ? await comparison.everything(cast.accounts) : await comparison.touched();
    differences.push(...broken(model.state, model.tokenUnit));
    if (differences.length > 0) expect.fail(`${where}: ${differences.join("; ")}`);
  }
  return { counts, claims: [...model.state.claims.entries()].filter(([, claim]) => claim > 0n).length };
}

describe("lockstep with the model", () => {
  it("agrees to the unit over 10,000 operations with a token of 6 decimals", async () => {
    const counts = new Map<string, number>();
    let claims = 0;
    for (let life = 0; life < LIVES; ++life) {
      const lived = await run(6, 10_000 / LIVES, SEED + life);
      for (const [name, n] of lived.counts) counts.set(name, (counts.get(name) ?? 0) + n);
      claims += lived.claims;
    }
    if (process.env.VERBOSE !== undefined) console.log([...counts].sort().join("\n"), { claims });
    for (const [name, least] of Object.entries(EXPECTED)) {
      expect(counts.get(name) ?? 0, `successful ${name}`).to.be.at.least(least);
    }
    expect(counts.get("with a deficit") ?? 0, "operations during a deficit").to.be.at.least(200);
    expect(claims, "accounts with a claim from a haircut").to.be.at.least(3);
  }).timeout(300_000);

  for (const decimals of [8, 12]) {
    it(`agrees to the unit over 1,500 operations with a token of ${decimals} decimals`, async () => {
      const { counts } = await run(decimals, 1_500, SEED + decimals);
      for (const name of ["fill", "withdraw", "liquidate", "takeover"]) {
        expect(counts.get(name) ?? 0, `successful ${name}`).to.be.at.least(3);
      }
    }).timeout(120_000);
  }
});
