/** Plays one path against one deployment: publish, let the keeper act, read everything, check, record. */
import type { NetworkConnection } from "hardhat/types/network";
import { type Agent, createAgent } from "./agent.ts";
import { CHECKS_PER_STEP, conservation, type Entry, equityOf, type Failure } from "./checks.ts";
import { type Closing, windDown } from "./closing.ts";
import { STEPS_PER_BAR, type Step } from "./path.ts";
import { createReader, type Overview, type Reader } from "./reader.ts";
import type { Settings } from "./settings.ts";
import { publish, TOKEN_UNIT } from "./site.ts";
import { count, EMPTY, type Layers, type Takers, type Tally, total, waterfall } from "./tally.ts";
import { createWorld, type World } from "./world.ts";

/** What the charts show of one step. */
export interface Sample {
  readonly offset: number; // {s}
  readonly price: bigint; // {u/lot} = {1e-8 USD/coin}
  readonly openInterest: bigint; // {u} notional
  readonly level: number; // of intervention, after the step
  readonly poolAssets: bigint; // {u} of both pools
  readonly juniorAssets: bigint; // {u}
  readonly inventoryEquity: bigint; // {u}
  readonly paid: Layers; // {u} since the first step
  readonly taken: Takers; // {u} likewise
}

export interface Outcome {
  readonly samples: readonly Sample[];
  readonly tally: Tally;
  readonly accounts: number;
  /** Opening trades that were settled, of as many as there are traders. */
  readonly opened: number;
  readonly start: Overview;
  readonly end: Overview;
  readonly inventory: { readonly lots: bigint; readonly equity: bigint }; // {lot}, {u} at the end
  /** Of the providers' curve: {u} before, {lot}, {u} at the end. */
  readonly curve: { readonly provided: bigint; readonly lots: bigint; readonly equity: bigint };
  /** After the market was wound down: the tally counts that too, the samples do not. */
  readonly closing: Pick<Closing, "accountsLeft" | "closed" | "end">;
  readonly checks: number;
  readonly failures: readonly Failure[];
}

export interface RunOptions {
  readonly settings: Settings;
  readonly steps: readonly Step[];
  /** {USD} */
  readonly staked: number;
  /** Who liquidates; the drill's own keeper when it is not said. */
  readonly createKeeper?: (world: World) => Promise<Agent>;
  onStep(): void;
}

export async function run(connection: NetworkConnection, options: RunOptions): Promise<Outcome> {
  const { settings, steps, staked } = options;
  const [first] = steps;
  if (first === undefined) throw new Error("The path has no step");
  const world = await createWorld(connection, settings, first.price, staked);
  const reader = createReader(world);
  const keeper = (await options.createKeeper?.(world)) ?? createAgent(world, reader, settings.latency);
  try {
    return await play(world, reader, keeper, options);
  } finally {
    await keeper.stop();
  }
}

async function play(world: World, reader: Reader, keeper: Agent, options: RunOptions): Promise<Outcome> {
  const { steps, staked, onStep } = options;
  const start = await reader.overview();
  const opening = await reader.ledger();
  const failures: Failure[] = conservation(opening, start, -1);
  const opened = countOpen(opening.slice(-world.traders.length));
  const logging = [world.addresses.engine, world.addresses.stack];
  await world.chain.newLogs(logging); // the setting-up is no part of the tally

  const samples: Sample[] = [];
  let tally = EMPTY;
  let checks = CHECKS_PER_STEP;
  let entries = opening;
  let overview = start;
  for (const step of steps) {
    world.chain.setNextTime(world.start + step.offset);
    await publish(world, step.price);
    await keeper.act(entries);
    if (staked > 0 && step.index % STEPS_PER_BAR === STEPS_PER_BAR - 1) await keeper.collectIncome();

    [entries, overview] = await Promise.all([reader.ledger(), reader.overview()]);
    for (const log of await world.chain.newLogs(logging)) tally = count(tally, log, TOKEN_UNIT, world.curve);
    failures.push(...conservation(entries, overview, step.index), ...waterfall(tally, step.index));
    if (overview.price !== step.price)
      failures.push({ id: "path", step: step.index, message: `the engine has ${overview.price}, not ${step.price}` });
    checks += CHECKS_PER_STEP;
    samples.push(sampleOf(step, overview, inventoryOf(entries), tally));
    onStep();
  }

  const inventory = inventoryOf(entries);
  const curve = curveOf(world, entries);
  const {
    checks: closingChecks,
    failures: closingFailures,
    ...closing
  } = await windDown(world, reader, keeper, overview.price, steps.length);
  for (const log of await world.chain.newLogs(logging)) tally = count(tally, log, TOKEN_UNIT, world.curve);
  failures.push(...closingFailures, ...waterfall(tally, steps.length));
  return {
    samples,
    tally,
    accounts: world.accounts.length,
    opened,
    start,
    end: overview,
    inventory: { lots: inventory.lots, equity: equityOf(inventory, overview) },
    curve: {
      provided: equityOf(curveOf(world, opening), start),
      lots: curve.lots,
      equity: equityOf(curve, overview),
    },
    closing,
    checks: checks + closingChecks,
    failures,
  };
}

const countOpen = (entries: readonly Entry[]) => entries.filter(({ lots }) => lots !== 0n).length;

function curveOf(world: World, entries: readonly Entry[]): Entry {
  const entry = entries[world.accounts.indexOf(world.curve)];
  if (entry === undefined) throw new Error("The ledger was read without the curve");
  return entry;
}

/** The inventory is the first of `world.accounts`. */
function inventoryOf([inventory]: readonly Entry[]): Entry {
  if (inventory === undefined) throw new Error("The ledger was read without the inventory");
  return inventory;
}

function sampleOf(step: Step, overview: Overview, inventory: Entry, tally: Tally): Sample {
  return {
    offset: step.offset,
    price: overview.price,
    openInterest: overview.openInterest * overview.price,
    level: overview.level,
    poolAssets: overview.poolAssets,
    juniorAssets: overview.juniorAssets,
    inventoryEquity: equityOf(inventory, overview),
    paid: total(tally),
    taken: tally.taken,
  };
}
