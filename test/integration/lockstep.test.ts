/** The contracts and the bigint model of sdk/ in step: the same random operations, equal to the unit after every one. */
import { expect } from "chai";
import { network } from "hardhat";
import { createRng, type Rng } from "../../sdk/test/helpers/rng.ts";
import { type ActionName, createActions, createCast, type Scene } from "../helpers/lockstep/actions.ts";
import { DEPLOYED, everyLevel, heldAndCrowded } from "../helpers/lockstep/levels.ts";
import { beginning, prepare } from "../helpers/lockstep/prepare.ts";
import { createRunner } from "../helpers/lockstep/runner.ts";
import { createScript, epochsByRescaling, type Script, wholeSide } from "../helpers/lockstep/waves.ts";
import { createWorld, MARKET_IDS, MARKETS, MOSTLY_OPEN, PLAIN } from "../helpers/lockstep/world.ts";

const SEED = Number(process.env.LOCKSTEP_SEED ?? 20_200_312);
const FULL_EVERY = 250;
/** Fresh chains for the operations: a market with a deficit trades little, so the crisis comes last in each. */
const LIVES = Number(process.env.LOCKSTEP_LIVES ?? 3);
const OPERATIONS = 1_500; // of a life

/** Operations from one calm to the next, and in it: then levels fall. */
const WEATHER = 300;
const CALM = 100;

/** What {EXPECTED}, {EVENTS} and {LEVELS} are asked of: fewer lives are asked for that part of it, rounded down. */
const ALL_LIVES = 8;

/** In all lives together each must succeed this often, or the run proves little. */
const EXPECTED: Readonly<Record<ActionName, number>> = {
  setInventoryCap: 80,
  deleverage: 20,
  settleAccount: 80,
  collectClaim: 5,
  burn: 10,
  donate: 10,
  coverEngine: 5,
  windDown: 8,
  windDownDead: 2,
  fixSettlementPrice: 15,
  second: 20,
  challenge: 1,
  close: 40,
  fill: 150,
  settle: 10,
  deposit: 200,
  withdraw: 150,
  transfer: 80,
  drift: 500,
  jump: 80,
  spoil: 15,
  sync: 400,
  flag: 8,
  unflag: 1,
  liquidate: 2,
  takeover: 15,
  coverInventory: 80,
  collectIncome: 80,
  stake: 50,
  requestExit: 30,
  claimExit: 0, // the model has no part in it, and few are due when the gate is open
  cancelExit: 5,
  budgets: 30,
  setMarket: 12,
  setStatus: 15,
  pause: 4,
  signal: 10,
  setLimits: 10,
};

/** What the operations must have led to, by events of engine and stack. */
const EVENTS = {
  LossShared: 2,
  Deleveraged: 25,
  PositionSettled: 50,
  ClaimsPaid: 3,
  ClaimCollected: 5,
  DeficitReduced: 5,
  EngineDeficitCovered: 5,
  EngineDeficitRepaid: 1,
  SettlementPriceSet: 20,
  LossAbsorbed: 20,
  IncomeSplit: 10,
  SignalArmed: 5,
  PriceHeld: 10,
};

/** Moves of the level, and to where. */
const LEVELS = {
  "level rose": 40,
  "level fell": 5,
  ...{ "to level 1": 8, "to level 2": 8, "to level 3": 8, "to level 4": 8 },
};

/** Seconds until the next operation. */
function pause(rng: Rng, isEnding: boolean, isCalm: boolean): number {
  if (rng.chance(isEnding ? 0.07 : 0.003)) return rng.int(3_600, isEnding ? 130_000 : 200_000);
  if (isCalm) return rng.int(60, 700);
  return rng.chance(0.1) ? rng.int(30, 300) : rng.int(1, 8);
}

/** Returns how often each operation succeeded and each error and event occurred, and how many accounts hold a claim. */
async function run(decimals: number, steps: number, seed: number, markets = MARKETS) {
  const world = await createWorld(await network.create(), decimals, markets);
  const { chain, model } = world;
  const rng = createRng(seed);
  const cast = createCast(world);
  const runner = createRunner(world, cast);
  const { step, counts } = runner;
  await prepare(world, cast, runner);
  const now = beginning(await chain.timestamp());
  const scene: Scene = { now, crisis: false, ending: false };
  const { draw } = createActions(world, cast, rng, scene);

  for (let i = 0; i < steps; ++i) {
    scene.crisis = i > (2 * steps) / 5;
    scene.ending = i > (3 * steps) / 4;
    if (scene.ending) scene.dead ??= rng.pick(MARKET_IDS);
    scene.calm = !scene.crisis && i % WEATHER < CALM;
    scene.now += BigInt(pause(rng, scene.ending, scene.calm));
    const { name, action } = await draw();
    const full = i % FULL_EVERY === FULL_EVERY - 1 || i === steps - 1;
    await step(name, action, scene.now, `${decimals} decimals, seed ${seed}, step ${i}, ${name}`, full);
  }
  const claims = [...model.state.claims.entries()].filter(([, claim]) => claim > 0n).length;
  return { counts, claims };
}

/** A life of its own for a written sequence; everything is compared after every step. */
async function scripted(stake: bigint, play: (script: Script) => Promise<void>, markets = PLAIN) {
  const world = await createWorld(await network.create(), 6, markets);
  const cast = createCast(world);
  const runner = createRunner(world, cast);
  await prepare(world, cast, runner, stake);
  await play(await createScript(world, cast, runner));
  return { counts: runner.counts, state: world.model.state, cast };
}

describe("lockstep with the model", () => {
  it(`agrees to the unit over ${LIVES * OPERATIONS} operations with a token of 6 decimals`, async () => {
    const counts = new Map<string, number>();
    let claims = 0;
    for (let life = 0; life < LIVES; ++life) {
      const markets = life % 2 === 0 ? MARKETS : MOSTLY_OPEN;
      const lived = await run(6, OPERATIONS, SEED + life, markets);
      for (const [name, n] of lived.counts) counts.set(name, (counts.get(name) ?? 0) + n);
      claims += lived.claims;
    }
    if (process.env.VERBOSE !== undefined) console.log([...counts].sort().join("\n"), { claims });
    const expectOften = (least: Readonly<Record<string, number>>, prefix = "") => {
      for (const [name, often] of Object.entries(least))
        expect(counts.get(prefix + name) ?? 0, prefix + name).to.be.at.least(Math.floor((often * LIVES) / ALL_LIVES));
    };
    expectOften(EXPECTED);
    expectOften(EVENTS, "event ");
    expectOften({ ...LEVELS, "paid by both pools": 3, "with a deficit": 200 });
    expect(claims, "accounts with a claim from a haircut").to.be.at.least(Math.floor((3 * LIVES) / ALL_LIVES));
  }).timeout(3_600_000);

  it("agrees over the ends of epochs by rescaling", async () => {
    const { state, counts } = await scripted(150_000n, (script) => epochsByRescaling(script, 6));
    expect(counts.get("event PositionSettled"), "settlements").to.be.at.least(6);
    expect(Number(state.side(0, true).survival.epoch), "epochs").to.be.at.least(3);
  });

  it("agrees when all of a side is closed, an account below zero with it", async () => {
    const { state, counts, cast } = await scripted(3_000n, wholeSide);
    expect(state.side(1, true).survival.epoch, "three epochs end at once").to.equal(4n);
    expect(state.market(1).openInterest, "nobody is left").to.equal(0n);
    expect(state.accounts.get(cast.accounts[6] ?? 0n).cash, "made whole").to.equal(0n);
    expect(counts.get("event ShortfallCovered"), "its loss beside those of the two taken over").to.be.at.least(3);
  });

  it("agrees through every level up and down, a held step and a crowded side, in markets as deployed", async () => {
    let ways: Awaited<ReturnType<typeof everyLevel>> | undefined;
    const play = async (script: Script) => {
      ways = await everyLevel(script);
      await heldAndCrowded(script);
    };
    const { state, counts } = await scripted(20_000n, play, DEPLOYED);
    expect(ways?.up, "up").to.deep.equal([0n, 1n, 2n, 3n, 4n]);
    expect(ways?.down, "down").to.deep.equal([4n, 3n, 2n, 1n, 0n]);
    expect(counts.get("LevelTooHigh"), "new risk refused").to.equal(1);
    expect(counts.get("event PriceHeld"), "held once").to.equal(1);
    const { crowd, use, wanted } = state.risks.get(0n);
    expect([crowd, wanted], "shorts are crowded").to.deep.equal([-1n, 2n]);
    expect(use >= 10_000n && use < 17_500n, "asks for one").to.equal(true);
  }).timeout(120_000);

  for (const decimals of [8, 12]) {
    it(`agrees to the unit over 600 operations with a token of ${decimals} decimals`, async () => {
      const { counts } = await run(decimals, 600, SEED + decimals);
      for (const name of ["fill", "withdraw", "takeover", "deleverage", "close"]) {
        expect(counts.get(name) ?? 0, `successful ${name}`).to.be.at.least(1);
      }
    }).timeout(120_000);
  }
});
