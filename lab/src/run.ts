/** Plays one path against one deployment: publish, let the keeper act, read everything, check, record. */
import type { NetworkConnection } from "hardhat/types/network";
import { CHECKS_PER_STEP, conservation, type Entry, equityOf, type Failure } from "./checks.ts";
import { type Action, actionsFor, createMemory, type View, worstFirst } from "./keeper.ts";
import { STEPS_PER_BAR, type Step } from "./path.ts";
import { createReader, type Overview, type Reader } from "./reader.ts";
import type { Settings } from "./settings.ts";
import { count, EMPTY, type Layers, type Tally, total, waterfall } from "./tally.ts";
import { abi, createWorld, INVENTORY, MARKET, TOKEN_UNIT, type World } from "./world.ts";

/** What the charts show of one step. */
export interface Sample {
  readonly offset: number; // {s}
  readonly price: bigint; // {u/lot} = {1e-8 USD/coin}
  readonly openInterest: bigint; // {u} notional
  readonly poolAssets: bigint; // {u}
  readonly inventoryEquity: bigint; // {u}
  readonly bucket: bigint; // {u}
  readonly paid: Layers; // {u} since the first step
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
  readonly checks: number;
  readonly failures: readonly Failure[];
}

export interface RunOptions {
  readonly settings: Settings;
  readonly steps: readonly Step[];
  readonly stayStaked: boolean;
  onStep(): void;
}

const MAX_LOTS = 2n ** 56n - 1n;
/** Accounts with less equity than this share of their notional are looked at: thrice the maintenance margin. */
const NEAR_BPS = 1_000n;
/** Below the mark, what the keeper gives to a maker who takes its lots. {bps} */
const UNWIND_DISCOUNT = 10n;

export async function run(connection: NetworkConnection, options: RunOptions): Promise<Outcome> {
  const { settings, steps, stayStaked, onStep } = options;
  const [first] = steps;
  if (first === undefined) throw new Error("The path has no step");
  const world = await createWorld(connection, settings, first.price, stayStaked);
  const reader = createReader(world);
  const keeper = createKeeper(world, reader, settings.latency);

  const start = await reader.overview();
  const opening = await reader.ledger();
  const failures: Failure[] = conservation(opening, start, -1);
  const opened = countOpen(opening.slice(-world.traders.length));
  await world.chain.newLogs(world.addresses.engine); // the setting-up is no part of the tally

  const samples: Sample[] = [];
  let tally = EMPTY;
  let checks = CHECKS_PER_STEP;
  let entries = opening;
  let overview = start;
  for (const step of steps) {
    await world.chain.setNextTime(world.start + step.offset);
    await world.publish(step.price);
    await keeper.act(entries);
    if (stayStaked && step.index % STEPS_PER_BAR === STEPS_PER_BAR - 1) await keeper.collectIncome();

    [entries, overview] = await Promise.all([reader.ledger(), reader.overview()]);
    for (const log of await world.chain.newLogs(world.addresses.engine)) tally = count(tally, log, TOKEN_UNIT);
    failures.push(...conservation(entries, overview, step.index), ...waterfall(tally, step.index));
    if (overview.price !== step.price)
      failures.push({ id: "path", step: step.index, message: `the engine has ${overview.price}, not ${step.price}` });
    checks += CHECKS_PER_STEP;
    samples.push(sampleOf(step, overview, inventoryOf(entries), tally));
    onStep();
  }

  const inventory = inventoryOf(entries);
  return {
    samples,
    tally,
    accounts: world.accounts.length,
    opened,
    start,
    end: overview,
    inventory: { lots: inventory.lots, equity: equityOf(inventory, overview) },
    checks,
    failures,
  };
}

const countOpen = (entries: readonly Entry[]) => entries.filter(({ lots }) => lots !== 0n).length;

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
    poolAssets: overview.poolAssets,
    inventoryEquity: equityOf(inventory, overview),
    bucket: overview.bucket,
    paid: total(tally),
  };
}

/** The only part that sends for the keeper. It simulates first, and takes what the chain refuses as an answer. */
function createKeeper(world: World, reader: Reader, latency: number) {
  const { chain, addresses, keeper, makers } = world;
  const memory = createMemory(latency);
  const trySend = (data: string) => chain.trySend(world.keeperAddress, addresses.engine, data);

  const encode: Record<Action, (account: bigint) => string> = {
    liquidate: (account) => abi.engine.encodeFunctionData("liquidate", [account, MARKET, keeper.account, MAX_LOTS, 0n]),
    takeover: (account) => abi.engine.encodeFunctionData("takeover", [account, keeper.account]),
    flag: (account) => abi.engine.encodeFunctionData("flag", [account]),
  };

  async function close(view: View, now: bigint): Promise<void> {
    for (const action of actionsFor(view, now)) {
      if (await trySend(encode[action](view.account))) return;
    }
  }

  /** Hands what the keeper holds to makers, at a small loss: it is there to liquidate, not to speculate. */
  async function unwind(price: bigint): Promise<void> {
    const [mine, ...theirs] = await reader.entries([keeper.account, ...makers.map(({ account }) => account)]);
    let held = mine?.lots ?? 0n;
    const long = held > 0n;
    const discount = (price * UNWIND_DISCOUNT) / 10_000n; // down
    const appetite = makers
      .map((maker, i) => ({ maker, closes: (theirs[i]?.lots ?? 0n) * (long ? -1n : 1n) }))
      .sort((a, b) => compare(b.closes, a.closes));

    for (const { maker, closes } of appetite) {
      if (held === 0n) return;
      const all = held < 0n ? -held : held;
      const lots = closes > 0n && closes < all ? closes : all;
      const pair = await world.pair(maker, keeper, long, lots, long ? price - discount : price + discount);
      const settle = abi.exchange.encodeFunctionData("settle", [pair]);
      if (await chain.trySend(world.keeperAddress, addresses.exchange, settle)) held += long ? -lots : lots;
    }
  }

  return {
    /** @param entries the ledger after the last step */
    async act(entries: readonly Entry[]): Promise<void> {
      const now = await reader.overview();
      const views = await reader.views([
        INVENTORY,
        ...world.accounts.filter((account, i) => account !== INVENTORY && isNear(entries[i], now)),
      ]);
      const inventory = views.shift();
      const unhealthy = worstFirst(views);
      const known = memory.observe(unhealthy);
      const due = unhealthy.filter(({ account }) => known.has(account));
      if (due.length > 0) {
        const time = BigInt(await chain.now());
        for (const view of due) await close(view, time);
        await unwind(now.price);
      }
      if (inventory !== undefined && inventory.equity < 0n)
        await trySend(abi.engine.encodeFunctionData("coverInventory", [MARKET]));
    },
    collectIncome: () => trySend(abi.engine.encodeFunctionData("collectIncome", [MARKET])),
  };
}

/** A sieve, so that not everybody's health is asked for at every step: what passes is judged by the chain's own view. */
function isNear(entry: Entry | undefined, now: Overview): boolean {
  if (entry === undefined || entry.lots === 0n) return false;
  const notional = (entry.lots < 0n ? -entry.lots : entry.lots) * now.price;
  return equityOf(entry, now) * 10_000n < notional * NEAR_BPS;
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
