/** One pass: what markets are due for, who is below maintenance margin, what is done about it, in the order of its urgency. */

import { KeyedMap, KeyedSet } from "../../../sdk/src/keyed.ts";
import type { Quote } from "../../../sdk/src/types.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import { IOracle__factory } from "../../../typechain-types/index.js";
import type { Fees } from "../chain/fees.ts";
import { pythAbi } from "../chain/foreign.ts";
import type { Head, KeeperProvider } from "../chain/provider.ts";
import type { Config } from "../config.ts";
import { NoNodeError, nodeFailure, RetryableError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import type { Follower } from "../mirror/follower.ts";
import { outlooks, refreshBook, unhealthy, type View } from "../mirror/screen.ts";
import { liquidations, rescues, type Step, worthOf } from "./accounts.ts";
import { concurrently } from "./batch.ts";
import type { Desk, Job, Terms } from "./desk.ts";
import type { SecondSource } from "./hermes.ts";
import { type Due, dueOf, type MarketView } from "./markets.ts";
import type { Reader } from "./reader.ts";
import { engineAbi, type Simulated, simulate } from "./simulate.ts";
import { unwindings } from "./unwind.ts";
import type { Upkeep } from "./upkeep.ts";

export interface PassReport {
  readonly block: number;
  readonly accounts: number;
  readonly unhealthy: number;
  readonly insolvent: number;
  readonly scan: number; // {ms}
  readonly sent: number;
}

export interface PassOptions {
  readonly config: Config;
  readonly provider: KeeperProvider;
  readonly reader: Reader;
  readonly follower: Follower;
  readonly desk: Desk;
  readonly upkeep: Upkeep;
  readonly second: SecondSource | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sender: string;
  /** Whether it has been told to end: then nothing new is begun. */
  isStopping(): boolean;
}

/** {s} ahead of the head for which funding is reckoned: a call is mined by then, or looked at again. */
const HORIZON = 180n;
/** Accounts looked at on the chain at once. */
const WIDTH = 8;
/** {1} of the time after which health fails, for accounts in one pass: the next one has newer prices, and others first. */
const SHARE = 0.25;

type EngineDue = Exclude<Due, "updateSecond" | "recordSecondPrice" | "close">;

const encode: Readonly<Record<EngineDue, (market: number) => string>> = {
  sync: (id) => engineAbi.encodeFunctionData("sync", [id]),
  coverInventory: (id) => engineAbi.encodeFunctionData("coverInventory", [id]),
  deleverage: (id) => engineAbi.encodeFunctionData("deleverage", [id]),
  windDownDead: (id) => engineAbi.encodeFunctionData("windDownDead", [id]),
  challengeSettlementPrice: (id) => engineAbi.encodeFunctionData("challengeSettlementPrice", [id]),
  fixSettlementPrice: (id) => engineAbi.encodeFunctionData("fixSettlementPrice", [id]),
};

const oracleAbi = IOracle__factory.createInterface();

export function createPass(options: PassOptions) {
  const { config, provider, reader, follower, desk, upkeep, second, logger, metrics, sender, isStopping } = options;
  const { contracts, markets: listed, pyth } = config.deployment;
  const { account: rewardAccount } = config;
  const policy = { syncEvery: config.syncEvery, syncBps: config.syncBps, hasSecond: second !== undefined };
  const simulation = { provider, engine: contracts.engine, from: sender, rewardAccount };
  let upkeptAt = 0;
  let passes = 0;
  /** When an account was looked at last without anything coming of it: whoever is new goes first, then whoever has waited longest. */
  let inVain = new KeyedMap<number>();
  /** What a node cannot do for one market or account must not stop the rest. Undefined when it could not. */
  async function attempt<T>(about: Readonly<Record<string, unknown>>, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const failure = nodeFailure(error);
      if (failure === undefined || failure instanceof NoNodeError) throw error;
      metrics.rpcFailures.inc({ host: "calls" });
      logger.warn({ msg: "the node fails at this, the rest goes on", ...about, reason: failure.message });
      return undefined;
    }
  }

  /** The signed prices as a call, paid for. Undefined when nobody has them: that must not stop the rest. */
  async function secondJob(due: "updateSecond" | "recordSecondPrice", view: MarketView): Promise<Job | undefined> {
    const priceId = listed.find(({ index }) => index === view.id)?.priceId;
    if (second === undefined || priceId === undefined) return undefined;
    try {
      const updates = [
        ...(await (due === "updateSecond" ? second.latest(priceId) : second.since(priceId, view.since))),
      ];
      const asked = pythAbi.encodeFunctionData("getUpdateFee", [updates]);
      const [value] = pythAbi.decodeFunctionResult("getUpdateFee", await provider.call({ to: pyth, data: asked }));
      const data =
        due === "updateSecond"
          ? oracleAbi.encodeFunctionData("updateSecond", [view.id, updates])
          : oracleAbi.encodeFunctionData("recordSecondPrice", [view.id, view.since, updates]);
      return {
        ...{ key: `${due}:${view.id}`, label: due, purpose: "solvency", about: { market: view.id } },
        to: contracts.oracle,
        data,
        value,
      };
    } catch (error) {
      const failure = nodeFailure(error);
      if (failure === undefined) throw error;
      logger.warn({ msg: "no second price", market: view.id, reason: failure.message });
      return undefined;
    }
  }

  const engineJob = (due: EngineDue, id: number): Job => ({
    ...{ key: `${due}:${id}`, label: due, purpose: due === "sync" ? "upkeep" : "solvency", about: { market: id } },
    to: contracts.engine,
    data: encode[due](id),
  });

  async function jobsOf(view: MarketView, now: bigint): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const due of dueOf(view, now, policy))
      if (due === "close") jobs.push(...(await upkeep.closings(view.id, follower.book.holders(view.id), desk.room)));
      else if (due === "updateSecond" || due === "recordSecondPrice") {
        const job = await secondJob(due, view);
        if (job !== undefined) jobs.push(job);
      } else jobs.push(engineJob(due, view.id));
    return jobs;
  }

  /** The steps that the chain accepts now, with what they bring. */
  async function tried(steps: readonly Step[]): Promise<{ step: Step; found: Simulated }[]> {
    const results = await Promise.all(
      steps.map(async (step) => ({
        step,
        found: await simulate(simulation, step.markets, step.data, (reason) =>
          logger.debug({ msg: "refused", action: step.label, reason }),
        ),
      })),
    );
    return results.flatMap(({ step, found }) => (found === undefined ? [] : [{ step, found }]));
  }

  /** Below zero only the pool can help; else whoever pays most is asked first, and the pool when nobody is paid. False: in vain. */
  async function attend(view: View, now: bigint, terms: Terms): Promise<boolean> {
    const key = `account:${view.account}`;
    if (desk.isBusy(key)) return true;
    const { mirror } = follower;
    const paid = async () =>
      (await tried(liquidations(mirror, view, rewardAccount)))
        .map(({ step, found }) => ({ step, worth: worthOf(step, found, config.carryBps) }))
        .sort((a, b) => (a.worth < b.worth ? 1 : -1));
    const rescued = async () =>
      (await tried(rescues(mirror, view, rewardAccount, now))).map(({ step, found }) => ({
        step,
        worth: found.reward,
      }));
    for (const ways of view.equity < 0n ? [rescued, paid] : [paid, rescued])
      for (const { step, worth } of await ways()) {
        const { label, purpose, data } = step;
        const about = { account: view.account, equity: view.equity, maintenance: view.maintenance };
        const verdict = await desk.try(
          { key, label, purpose, to: contracts.engine, data, reward: worth, about },
          terms,
        );
        if (verdict !== "refused" && verdict !== "unprofitable") return true;
      }
    return false;
  }

  /** One after the other, as deep as they are, until there is no room or no time. */
  async function attendAll(found: readonly View[], now: bigint, terms: Terms): Promise<void> {
    const known = inVain;
    inVain = new KeyedMap();
    for (const { account } of found) {
      const at = known.get(account);
      if (at !== undefined) inVain.set(account, at);
    }
    const theirs = found.filter(({ account }) => account !== rewardAccount);
    if (theirs.length < found.length) logger.warn({ msg: "the keeper's own account is below maintenance margin" });
    const turns = [...theirs].sort((a, b) => (inVain.get(a.account) ?? 0) - (inVain.get(b.account) ?? 0)); // stable
    const until = performance.now() + SHARE * config.stale * 1_000;
    const isOver = () => desk.room === 0 || performance.now() > until || isStopping();
    const look = (view: View) =>
      attempt({ account: view.account }, async () => {
        inVain.set(view.account, passes); // should the node fail at it
        if (await attend(view, now, terms)) inVain.delete(view.account);
      }).then(() => {});
    await concurrently(turns, WIDTH, look, isOver);
  }

  async function unwind(now: bigint, terms: Terms): Promise<void> {
    for (const parts of unwindings(follower.mirror, contracts.engine, rewardAccount, now, config.carryBps))
      for (const job of parts) if ((await desk.try(job, terms)) !== "refused") break;
  }

  return async function pass(head: Head, fees: Fees | undefined): Promise<PassReport> {
    const { mirror, book, owing } = follower;
    const now = BigInt(head.timestamp);
    refreshBook(mirror, book, owing);
    passes += 1;
    const looks = mirror.state.marketIds.map((id) => attempt({ market: id }, () => reader.marketView(mirror, id)));
    const views = (await Promise.all(looks)).filter((view) => view !== undefined);
    if (views.length === 0 && looks.length > 0) throw new RetryableError("The node can show no market");
    const quotes = new Map<number, Quote>(views.flatMap(({ id, quote }) => (quote === undefined ? [] : [[id, quote]])));

    const started = performance.now();
    const found = unhealthy(mirror, book, outlooks(mirror.state, quotes, now + HORIZON));
    const scan = performance.now() - started;
    metrics.scanSeconds.observe(scan / 1_000);
    metrics.candidates.set(found.length);
    const insolvent = found.filter(({ equity }) => equity < 0n).length;
    metrics.insolvent.set(insolvent);

    const before = desk.sent;
    const report = () => {
      const counts = { accounts: book.size, unhealthy: found.length, insolvent, sent: desk.sent - before };
      return { block: head.number, scan, ...counts };
    };
    if (fees === undefined || isStopping()) return report();
    const known =
      config.nativeUsd ??
      (await reader.nativeUsd(config.nativeFeed ?? "", (reason) =>
        logger.warn({ msg: "the gas coin keeps its last price", reason }),
      ));
    const terms: Terms = { baseFee: head.baseFee, fees, nativeUsd: known };
    const sendAll = async (about: Readonly<Record<string, unknown>>, jobs: () => Promise<readonly Job[]>) => {
      for (const job of (await attempt(about, jobs)) ?? []) await attempt(about, () => desk.try(job, terms));
    };

    for (const view of views) await sendAll({ market: view.id }, () => jobsOf(view, now));
    await attendAll(found, now, terms);
    if (isStopping()) return report();
    const owed = [...owing].filter((id) => !isSystem(id));
    await sendAll({ action: "settle" }, () => upkeep.settlements(owed, desk.room));
    if (config.unwind) await attempt({ action: "unwind" }, () => unwind(now, terms));
    if (head.timestamp - upkeptAt >= config.upkeepEvery) {
      upkeptAt = head.timestamp;
      const below = new KeyedSet(found.map(({ account }) => account));
      await sendAll({ action: "upkeep" }, () => upkeep.now(mirror, below, desk.room));
    }
    return report();
  };
}
