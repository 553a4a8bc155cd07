/**
 * Random sequences of operations on contracts and model, drawn and, when one fails, shortened by fast-check.
 * CAMPAIGN_SEED, CAMPAIGN_LIVES, CAMPAIGN_OPERATIONS and CAMPAIGN_MINUTES ask for others, or for more.
 */
import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";
import { createRng } from "../../sdk/test/helpers/rng.ts";
import { type ActionName, createActions, createCast, type Scene, WEIGHTS } from "../helpers/lockstep/actions.ts";
import { beginning, prepare } from "../helpers/lockstep/prepare.ts";
import { createRunner } from "../helpers/lockstep/runner.ts";
import { createWorld, MARKET_IDS, MARKETS, MOSTLY_OPEN } from "../helpers/lockstep/world.ts";

const asked = (name: string, fallback: number) => Number(process.env[name] ?? fallback);
const SEED = asked("CAMPAIGN_SEED", 20_251_010);
const LIVES = asked("CAMPAIGN_LIVES", 8);
/** {USD} little, so that it is used up. */
const STAKE = 30_000n;
const OPERATIONS = asked("CAMPAIGN_OPERATIONS", 1_000);
/** {s} at least, between operations of a calm market: levels fall after a while only. */
const CALM_WAIT = 120;
const MINUTES = asked("CAMPAIGN_MINUTES", 12); // shortening ends then, too

/** Beside the lockstep's: what brings about shortfalls, deleveraging and the end of markets. */
const MORE: Partial<Record<ActionName, number>> = {
  drift: 200,
  jump: 60,
  flag: 20,
  liquidate: 150,
  takeover: 150,
  deleverage: 60,
  settleAccount: 60,
  collectIncome: 40,
  collectClaim: 40,
  coverEngine: 20,
  windDown: 3,
  windDownDead: 3,
  fixSettlementPrice: 30,
  second: 10,
  challenge: 10,
  close: 60,
};

/** In all lives together each must have happened, or the campaign proves little. */
const EVENTS = [
  ...["Filled", "Liquidated", "TakenOver", "ShortfallCovered", "LossShared", "Deleveraged", "PositionSettled"],
  ...["ClaimsPaid", "ClaimCollected", "DeficitReduced", "EngineDeficitCovered", "SettlementPriceSet"],
  ...["PriceHeld", "SignalArmed", "VolatilityLimitsSet"],
] as const;
const LEVELS = ["level rose", "level fell", "to level 1", "to level 2", "to level 3", "to level 4"] as const;

async function begin(markets: typeof MARKETS) {
  const world = await createWorld(await network.create(), 6, markets);
  const cast = createCast(world);
  const runner = createRunner(world, cast);
  await prepare(world, cast, runner, STAKE);
  const rng = createRng(0);
  const scene: Scene = { now: beginning(await world.chain.timestamp()), crisis: false, ending: false };
  const { actions } = createActions(world, cast, rng, scene);
  return { model: scene, real: { actions, rng, ...runner } };
}

type Real = Awaited<ReturnType<typeof begin>>["real"];
type Step = fc.AsyncCommand<Scene, Real>;

/** An operation, what it draws by `seed`, and the seconds before it. */
class Operation implements Step {
  constructor(
    readonly name: ActionName,
    readonly seed: number,
    readonly wait: number,
  ) {}
  check = () => true;
  async run(scene: Scene, { rng, actions, step }: Real): Promise<void> {
    rng.reseed(this.seed);
    scene.now += BigInt(scene.calm === true ? Math.max(this.wait, CALM_WAIT) : this.wait);
    const name = scene.calm === true && rng.chance(0.3) ? "drift" : this.name; // a feed that goes on
    await step(name, await actions[name](), scene.now, String(this));
  }
  toString = () => `${this.name}(${this.seed}) after ${this.wait} s`;
}

/** The stack's budgets shrink and prices jump; or prices rest; or markets end, one of them because its feed is dead. */
class Turn implements Step {
  constructor(
    readonly to: "crisis" | "calm" | "ending",
    readonly market: number,
  ) {}
  check = (scene: Readonly<Scene>) => this.to === "calm" || !scene[this.to];
  async run(scene: Scene): Promise<void> {
    scene[this.to] = this.to !== "calm" || scene.calm !== true; // a calm ends with the next
    if (this.to === "ending") scene.dead = this.market;
  }
  toString = () => `turn to ${this.to}, ${this.market}`;
}

const weights = Object.entries({ ...WEIGHTS, ...MORE }) as [ActionName, number][]; // the names are their keys
const operation = fc
  .record({
    name: fc.oneof(...weights.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) }))),
    seed: fc.noShrink(fc.noBias(fc.nat(2 ** 32 - 1))),
    wait: fc.oneof(
      { weight: 90, arbitrary: fc.integer({ min: 1, max: 8 }) },
      { weight: 9, arbitrary: fc.integer({ min: 30, max: 300 }) },
      { weight: 1, arbitrary: fc.integer({ min: 3_600, max: 130_000 }) },
    ),
  })
  .map(({ name, seed, wait }) => new Operation(name, seed, wait));
const turn = fc
  .tuple(
    fc.constantFrom("crisis" as const, "calm" as const, "calm" as const, "ending" as const),
    fc.constantFrom(...MARKET_IDS),
  )
  .map(([to, market]) => new Turn(to, market));
const step = fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
  { weight: 200, arbitrary: operation },
  { weight: 2, arbitrary: turn },
);

const tally = (counts: ReadonlyMap<string, number>) =>
  Object.entries({ "level rose": "levels rose", "level fell": "fell", "event PriceHeld": "steps were held" })
    .map(([name, words]) => `${words} ${counts.get(name) ?? 0} times`)
    .join(", ");

const commands = fc.noBias(fc.commands([step], { maxCommands: OPERATIONS, size: "max" }));

describe("campaign", () => {
  it("keeps contracts and model equal, and every sum, over sequences of any operations", async () => {
    const counts = new Map<string, number>();
    let operations = 0;
    await fc.assert(
      fc.asyncProperty(commands, fc.constantFrom(MARKETS, MOSTLY_OPEN), async (steps, markets) => {
        const life = await begin(markets);
        await fc.asyncModelRun(() => life, steps);
        await new Operation("sync", 0, 1).run(life.model, life.real);
        for (const [name, n] of life.real.counts) counts.set(name, (counts.get(name) ?? 0) + n);
        operations += life.real.done();
      }),
      { seed: SEED, numRuns: LIVES, interruptAfterTimeLimit: MINUTES * 60_000, markInterruptAsFailure: true },
    );
    if (process.env.VERBOSE !== undefined) console.log([...counts].sort().join("\n"));
    console.log(`      ${operations} operations in ${LIVES} lives, seed ${SEED}; ${tally(counts)}`);
    for (const name of EVENTS) expect(counts.get(`event ${name}`) ?? 0, name).to.be.at.least(1);
    for (const name of LEVELS) expect(counts.get(name) ?? 0, name).to.be.at.least(1);
  }).timeout(24 * 3_600_000);
});
