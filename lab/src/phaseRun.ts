/** Plays one mode of one cell along a path, on the contracts. */
import { max } from "../../sdk/src/math.ts";
import { conservation, type Entry, equityOf } from "./checks.ts";
import { actionsFor, isUnhealthy, type View, worstFirst } from "./keeper.ts";
import type { Figures, Mode } from "./phase.ts";
import { createArbitrage } from "./phaseArbitrage.ts";
import type { Point } from "./phasePath.ts";
import type { PhaseWorld } from "./phaseWorld.ts";
import { createReader } from "./reader.ts";
import { abi, answer, INVENTORY, MARKET, readMarket, sync, TOKEN_UNIT } from "./site.ts";
import { count, EMPTY, total, waterfall } from "./tally.ts";

/** {s} between two looks of the keepers while a price stands, for the first two minutes of it; then once a minute. */
const ROUND = 12;
const WATCH = 120;
const MINUTE = 60;
/** {bps} of notional beyond maintenance margin: whoever has more equity is not asked for his health. */
const NEAR_BPS = 290n;
/** Accounts that the depth may refuse before the keepers leave the others for their next look. */
const REFUSALS = 3;
const MAX_LOTS = 2n ** 56n - 1n;
const NONE: Entry = { cash: 0n, lots: 0n, quote: 0n };

/** One call of a keeper, for whoever wants to know why an account went under. */
export interface Call {
  readonly time: number; // {s}
  readonly account: bigint;
  readonly what: "liquidated" | "refused" | "taken over" | "not yet" | "flagged";
  readonly view: View;
}

/** How fast keepers are, all together. */
export interface Pace {
  readonly block: number; // {s}
  readonly calls: number; // in a block
}

export interface Play {
  readonly mode: Mode;
  readonly points: readonly Point[];
  readonly pace: Pace;
  onCall?(call: Call): void;
}

export async function playPhase(world: PhaseWorld, { mode, points, pace, onCall }: Play): Promise<Figures> {
  const { chain, addresses, operator, keeper, curve } = world;
  const reader = createReader(world);
  const trySend = (data: string) => chain.trySend(keeper.address, addresses.engine, data);
  let sent = 0;
  /** What a keeper sends takes its place in a block. */
  const act = async (data: string): Promise<boolean> => {
    if (sent === pace.calls) {
      sent = 0;
      chain.setNextTime(chain.now() + pace.block);
    }
    const isSent = await trySend(data);
    if (isSent) sent += 1;
    return isSent;
  };
  const engine = abi.engine;
  const setCap = (lots: bigint) =>
    chain.send(
      operator,
      addresses.engine,
      engine.encodeFunctionData("setInventoryCap", [MARKET, { lots, bps: world.setting.capBps }]),
    );
  await setCap(mode.bands ? MAX_LOTS : 1n);
  const arbitrage = createArbitrage(world);
  const watched = [...world.longs.map(({ account }) => account), curve];
  const logging = [addresses.engine, addresses.stack, addresses.amm];
  await chain.newLogs(logging);

  const takeover = (account: bigint) => engine.encodeFunctionData("takeover", [account, keeper.account]);
  const flag = (account: bigint) => engine.encodeFunctionData("flag", [account]);
  const toAmm = (account: bigint) =>
    engine.encodeFunctionData("liquidateToAmm", [account, MARKET, keeper.account, MAX_LOTS, 0n]);
  const mayTakeOver = (view: View) => actionsFor(view, BigInt(chain.now())).includes("takeover");

  /** Liquidates what the depth takes, then takes over what is left if the mode and the rules let it. @returns whether the depth refused. */
  const save = async (before: View, hasDepth: boolean): Promise<boolean> => {
    const { account } = before;
    const tell = (what: Call["what"], view = before) =>
      onCall?.({ time: chain.now() - world.start, account, what, view });
    if (before.equity < 0n) {
      if (mode.takeover !== "never" && (await act(takeover(account)))) tell("taken over");
      return false;
    }
    let view = before;
    let refused = false;
    if (hasDepth && account !== curve) {
      refused = !(await act(toAmm(account)));
      tell(refused ? "refused" : "liquidated");
      if (!refused) {
        [view = before] = await reader.views([account]);
        if (!isUnhealthy(view)) return false;
      }
    }
    if (mode.takeover === "early" && mayTakeOver(view)) {
      tell((await act(takeover(account))) ? "taken over" : "not yet", view);
    } else if (view.unhealthySince === 0n && (await act(flag(account)))) tell("flagged", view);
    return refused;
  };

  /** What keepers do for the pool: losses are recognised, and winners closed for what it holds beyond the deployed cap, in every mode. */
  const look = async () => {
    const [inventory] = await reader.entries([INVENTORY]);
    if (inventory === undefined || inventory.lots === 0n) return;
    const overview = await reader.overview();
    if (equityOf(inventory, overview) < 0n) await trySend(engine.encodeFunctionData("coverInventory", [MARKET]));
    if (overview.held * overview.price * 10_000n <= overview.poolAssets * BigInt(world.setting.capBps)) return;
    if (!mode.bands) await setCap(MAX_LOTS);
    if (await trySend(engine.encodeFunctionData("deleverage", [MARKET])))
      for (const account of world.winning) await trySend(engine.encodeFunctionData("settle", [account]));
    if (!mode.bands) await setCap(1n);
  };

  const entries: Entry[] = await reader.entries(watched);
  let market = await readMarket(world);
  /** Who may be unhealthy. Of the others nothing has changed but the price. */
  const near = (price: bigint): bigint[] =>
    watched.filter((_, i) => {
      const entry = entries[i];
      if (entry === undefined || entry.lots === 0n) return false;
      const long = entry.lots > 0n;
      const worth = entry.cash + entry.quote + entry.lots * (price - (long ? market.indexLong : market.indexShort));
      return worth * 10_000n < (long ? entry.lots : -entry.lots) * price * (world.tiers.maintenanceBps + NEAR_BPS);
    });

  let highestLevel = 0;
  let standing = 0n;
  let [looked, synced] = [0, 0];
  for (const [i, { offset, price }] of points.entries()) {
    const start = world.start + offset;
    const until = world.start + (points[i + 1]?.offset ?? offset + ROUND);
    chain.setNextTime(start);
    await answer(world, price);
    sent = 0;
    await arbitrage(start, price, market.level);
    let accounts = near(price);
    if (accounts.length > 0 || offset >= synced + MINUTE) {
      await sync(world);
      synced = offset;
    }
    const touched = new Set<bigint>();
    for (let at = start; at < until && accounts.length > 0; at += at < start + WATCH ? ROUND : MINUTE) {
      if (at > start) {
        if (chain.now() >= at) continue; // still busy
        chain.setNextTime(at);
        sent = 0;
        await arbitrage(at, price, market.level);
      }
      const unhealthy: View[] = worstFirst(await reader.views(accounts)).filter(isUnhealthy);
      let refused = 0;
      for (const view of unhealthy) {
        if (chain.now() >= until) break; // the next price is there
        if (await save(view, refused < REFUSALS)) refused += 1;
      }
      for (const { account } of unhealthy) touched.add(account);
      if (at === start) standing = max(standing, debtOf(unhealthy));
      accounts = unhealthy
        .filter(({ equity }) => equity >= 0n || mode.takeover !== "never")
        .map(({ account }) => account);
    }
    if (touched.size > 0) {
      const changed = [...touched];
      const now = await reader.entries(changed);
      for (const [k, account] of changed.entries()) entries[watched.indexOf(account)] = now[k] ?? NONE;
    }
    if (offset < looked + MINUTE && i + 1 < points.length) continue;
    looked = offset;
    await look();
    market = await readMarket(world);
    [entries[watched.length - 1] = NONE] = await reader.entries([curve]); // moves with every trade
    highestLevel = Math.max(highestLevel, Number(market.level));
  }
  const logs = await chain.newLogs(logging);
  return { ...figures(world, await reader.ledger(), await reader.overview(), logs), standing, highestLevel };
}

/** {u} */
const debtOf = (views: readonly View[]) => views.reduce((sum, { equity }) => sum + max(0n, -equity), 0n);

function figures(
  world: PhaseWorld,
  entries: Awaited<ReturnType<ReturnType<typeof createReader>["ledger"]>>,
  overview: Awaited<ReturnType<ReturnType<typeof createReader>["overview"]>>,
  logs: Awaited<ReturnType<PhaseWorld["chain"]["newLogs"]>>,
): Omit<Figures, "highestLevel" | "standing"> {
  let tally = EMPTY;
  let [curveDebt, deleveraged] = [0n, 0n];
  for (const log of logs) {
    tally = count(tally, log, TOKEN_UNIT, world.curve);
    const event = abi.engine.parseLog(log);
    if (event?.name === "ShortfallCovered" && event.args.account === world.curve) curveDebt += event.args.shortfall;
    if (event?.name === "Deleveraged") deleveraged += BigInt(event.args.lots) * BigInt(event.args.price);
  }
  const all = total(tally);
  const at = (account: bigint) => {
    const entry = entries[world.accounts.indexOf(account)];
    if (entry === undefined) throw new Error("An account was not read");
    return equityOf(entry, overview);
  };
  return {
    badDebt: tally.byLiquidation.shortfall - curveDebt,
    curveDebt,
    inventoryDebt: tally.byInventory.shortfall,
    stakers: at(INVENTORY) - tally.byJunior - tally.bySenior,
    winners: all.lossShare + all.deficit,
    bucket: all.bucket,
    providers: at(world.curve) - world.provided,
    viaCurve: tally.taken.curve,
    viaBands: tally.taken.bands,
    takenOver: tally.taken.takeover,
    deleveraged,
    liquidations: tally.liquidations,
    takeovers: tally.takeovers,
    insolvent: tally.insolvent,
    failures: conservation(entries, overview, 0).length + waterfall(tally, 0).length,
  };
}
