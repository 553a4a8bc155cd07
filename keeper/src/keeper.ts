/** The keeper: follows the chain, finds who is below maintenance margin, acts, and sees its transactions through. */
import { setTimeout as sleep } from "node:timers/promises";
import { Wallet } from "ethers";
import { createDesk, type Desk } from "./acts/desk.ts";
import { createHermes, type SecondSource } from "./acts/hermes.ts";
import { createPass, type PassReport } from "./acts/pass.ts";
import { createReader } from "./acts/reader.ts";
import { createUpkeep } from "./acts/upkeep.ts";
import { type Fees, feesFor } from "./chain/fees.ts";
import { createFlightLog } from "./chain/flights.ts";
import { chainIdOf, type Head, KeeperProvider } from "./chain/provider.ts";
import { createSender } from "./chain/sender.ts";
import { createTransport, hostOf } from "./chain/transport.ts";
import type { Config } from "./config.ts";
import { messageOf, nodeFailure, RetryableError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { createCheckpoints, ensureWritable } from "./mirror/checkpoint.ts";
import { createFollower } from "./mirror/follower.ts";
import { checkChain, checkContracts, checkMoney, checkRight, notices } from "./preflight.ts";
import { serve } from "./server.ts";

export type { PassReport } from "./acts/pass.ts";
export type { Config } from "./config.ts";
export { parseConfig } from "./config.ts";

export interface KeeperOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly dryRun?: boolean;
  /** In place of the price service of the configuration. */
  readonly second?: SecondSource;
}

/** {block} and {s} between two checkpoints: what a reorg goes back to, and what writing them may cost. */
const SAVE_EVERY = 64;
const SAVE_SECONDS = 120;
/** {s} between two looks at rights, money and pauses. */
const CHECK_EVERY = 300;
const DEFAULT_TIP = 10n ** 9n; // {wei/gas} where the node suggests none

export type Keeper = Awaited<ReturnType<typeof createKeeper>>;

/** Connects, checks and takes up what was left. @throws KeeperError for what is yours to fix, RetryableError for the rest */
export async function createKeeper({ config, logger, dryRun = false, second }: KeeperOptions) {
  const metrics = createMetrics();
  const onFailure = (host: string, reason: string) => {
    metrics.rpcFailures.inc({ host });
    logger.warn({ msg: "node failed", host, reason });
  };
  const connect = async (urls: readonly string[]) => {
    const transport = createTransport({ urls, onFailure });
    const chainId = await chainIdOf(transport);
    checkChain(transport.hosts[0] ?? "", chainId, config);
    return new KeeperProvider(transport, chainId);
  };
  const provider = await connect(config.urls);
  await checkSecondNode();
  const outlet = config.sendUrl === undefined ? provider : await connect([config.sendUrl]);
  await checkContracts(provider, config);
  const wallet = new Wallet(config.key);
  await checkRight(provider, config, wallet.address);
  await ensureWritable(config.state);

  const { deployment } = config;
  const { contracts, chainId } = deployment;
  const reader = createReader(provider, deployment);
  const tokenUnit = await reader.engine.tokenUnit();
  const refused = (file: string, reason: string) => {
    metrics.rebuilds.inc();
    logger.warn({ msg: "file not used, its contents are built anew", file, reason });
  };
  const follower = createFollower({
    ...{ provider, tokenUnit, startBlock: deployment.startBlock, chunk: config.chunk },
    addresses: [contracts.engine, contracts.junior, contracts.senior],
    checkpoints: createCheckpoints(config.state, { chainId, engine: contracts.engine }, refused),
    onRewind(from, to) {
      metrics.rewinds.inc();
      logger.warn({ msg: "the chain took blocks back", from: from.number, hash: from.hash, to });
    },
    onRebuild(reason) {
      metrics.rebuilds.inc();
      logger.error({ msg: "mirror built anew", reason });
    },
    onProgress: (block, head) => logger.debug({ msg: "read", block, head }),
  });
  const sender = createSender({
    ...{ wallet, chainId, provider, outlet, caps: config, stuck: config.stuck },
    log: createFlightLog(config.state, { chainId, sender: wallet.address }, refused),
    onOutcome({ label, hashes, nonce }, outcome, receipt, reason) {
      metrics.outcomes.inc({ action: label, outcome });
      if (receipt !== undefined) metrics.gas.inc(Number(receipt.gasUsed));
      const place = { block: receipt?.blockNumber, gas: receipt?.gasUsed };
      logger.info({ msg: outcome, action: label, hash: hashes.at(-1), nonce, ...place, reason });
    },
    onUnsaved: (reason) => logger.error({ msg: "what is under way cannot be written down", reason }),
    onReplace({ label, nonce }, fees) {
      metrics.replaced.inc();
      logger.info({ msg: "offers more", action: label, nonce, maxFee: fees.maxFeePerGas });
    },
  });
  await follower.load();
  await sender.start();
  const first = await provider.head();
  if (!dryRun) await checkMoney(provider, wallet.address, (await market(first))?.maxFeePerGas ?? config.maxFee);
  for (const notice of await notices(provider, config, first.timestamp)) logger.warn({ msg: notice });

  const desk: Desk = createDesk({
    ...{ provider, sender, logger, dryRun, floors: config, inFlight: config.inFlight, l1FeeOracle: config.l1FeeOracle },
    onVerdict: ({ label }, verdict) => metrics.verdicts.inc({ action: label, verdict }),
  });
  const upkeep = createUpkeep({
    ...{ reader, deployment, tokenUnit, minIncome: config.minIncome },
    caller: { provider, engine: contracts.engine, from: wallet.address },
  });
  const hermes = second ?? (config.hermesUrl === undefined ? undefined : createHermes(config.hermesUrl));
  const pass = createPass({
    config,
    provider,
    reader,
    follower,
    desk,
    upkeep,
    second: hermes,
    logger,
    metrics,
    sender: wallet.address,
    isStopping: () => stopping !== undefined,
  });

  let lastGood: number | undefined; // {ms} of a clock that nobody sets
  let lastGoodPass: Date | undefined;
  let moved = { hash: first.hash, at: performance.now() };
  let lastReason = "there was no pass yet";
  let checkedAt = first.timestamp; // {s}
  let savedAt = performance.now(); // {ms}
  let running: Promise<PassReport> | undefined;
  let stopping: Promise<void> | undefined;
  const wake = new AbortController();
  const server = await serve(config.host, config.port, metrics.registry, () => {
    const isFresh = lastGood !== undefined && performance.now() - lastGood <= config.stale * 1_000;
    return {
      ok: isFresh,
      lastGoodPass: lastGoodPass?.toISOString() ?? null,
      block: follower.tip?.number ?? null,
      ...(isFresh ? {} : { reason: lastReason }),
    };
  });
  logger.info({
    msg: "ready",
    address: wallet.address,
    account: config.account,
    network: deployment.network,
    chainId,
    url: server.url,
    dryRun,
  });

  /** A second node on another chain is worse than none; one that is down is only named. */
  async function checkSecondNode(): Promise<void> {
    for (const url of config.urls.slice(1)) {
      const transport = createTransport({ urls: [url], rounds: 1 });
      const found = await chainIdOf(transport).catch((error: unknown) => {
        if (error instanceof RetryableError) onFailure(hostOf(url), messageOf(error));
        else throw error;
      });
      if (found !== undefined) checkChain(hostOf(url), found, config);
    }
  }

  /** What a first offer would be now; undefined when the next block costs more than the cap allows. */
  async function market({ baseFee }: Head): Promise<Fees | undefined> {
    const tip: unknown = await provider.send("eth_maxPriorityFeePerGas", []).catch((error: unknown) => {
      if (error instanceof RetryableError) throw error;
      return undefined; // an old node
    });
    return feesFor(baseFee, typeof tip === "string" ? BigInt(tip) : DEFAULT_TIP, config);
  }

  async function once(): Promise<PassReport> {
    const end = metrics.passSeconds.startTimer();
    try {
      await follower.sync();
      const head = await provider.head();
      if (head.hash !== moved.hash) moved = { hash: head.hash, at: performance.now() };
      const still = Math.floor((performance.now() - moved.at) / 1_000); // {s}
      if (still > config.stale) provider.leave(`no new block for ${still} s`);
      const fees = await market(head);
      await sender.poll(fees);
      if (head.timestamp - checkedAt >= CHECK_EVERY) {
        checkedAt = head.timestamp;
        await checkRight(provider, config, wallet.address);
        for (const notice of await notices(provider, config, head.timestamp)) logger.warn({ msg: notice });
      }
      metrics.balance.set(Number(await provider.getBalance(wallet.address)) / 1e18);
      if (fees === undefined) logger.warn({ msg: "gas is above the cap, nothing is sent", baseFee: head.baseFee });
      const report = await pass(head, fees);
      if (performance.now() - savedAt >= SAVE_SECONDS * 1_000 && (await save(SAVE_EVERY))) savedAt = performance.now();
      if (still > config.stale) lastReason = `There is no new block for ${still} s`;
      else {
        [lastGood, lastGoodPass, lastReason] = [performance.now(), new Date(), ""];
        metrics.lastGood.set(lastGoodPass.getTime() / 1_000);
      }
      metrics.passes.inc({ outcome: "good" });
      return report;
    } catch (thrown) {
      const error = nodeFailure(thrown) ?? thrown;
      lastReason = messageOf(error);
      metrics.passes.inc({ outcome: error instanceof RetryableError ? "retryable" : "fatal" });
      throw error;
    } finally {
      metrics.inFlight.set(sender.size);
      metrics.block.set(follower.tip?.number ?? 0);
      metrics.accounts.set(follower.book.size);
      end();
    }
  }

  /** Without it a restart reads more, and nothing else: a full disk ends nobody. */
  const save = (blocks?: number): Promise<boolean> =>
    follower.save(blocks).catch((error: unknown) => {
      logger.error({ msg: "the mirror cannot be written down", reason: messageOf(error) });
      return false;
    });

  /** One pass at a time: a call while another runs joins it. */
  const onePass = (): Promise<PassReport> => {
    running ??= once().finally(() => {
      running = undefined;
    });
    return running;
  };

  /** Waits for what is under way; what is left after `patience` is on disk. @param patience {ms} */
  async function drain(patience: number): Promise<void> {
    const until = Date.now() + patience;
    while (sender.size > 0 && Date.now() < until) {
      await sender.poll(await market(await provider.head()));
      if (sender.size > 0) await sleep(Math.min(config.poll, 500));
    }
  }

  async function shutDown(): Promise<void> {
    wake.abort();
    await running?.catch(() => {}); // whoever asked for it knows
    try {
      await drain(2 * config.stuck * 1_000);
      await save();
    } catch (error) {
      const failure = nodeFailure(error);
      if (failure === undefined) throw error;
      logger.warn({ msg: "nodes fail, what is under way is on disk", reason: failure.message });
    } finally {
      await server.close();
      provider.destroy();
      if (outlet !== provider) outlet.destroy();
    }
    logger.info({ msg: "stopped", block: follower.tip?.number, inFlight: sender.size });
  }

  return {
    address: wallet.address,
    /** Of metrics and health. */
    url: server.url,
    follower,
    pass: onePass,
    drain,

    /** Pass after pass until `stop`. Chain and network may fail; anything else ends it. */
    async run(): Promise<void> {
      for (let failures = 0; stopping === undefined; ) {
        try {
          await onePass();
          failures = 0;
        } catch (error) {
          if (!(error instanceof RetryableError)) throw error;
          failures += 1;
          logger.warn({ msg: "pass failed, again soon", failures, reason: error.message });
        }
        const pause = config.poll * Math.min(8, 2 ** Math.max(0, failures - 1));
        await sleep(pause, undefined, { signal: wake.signal }).catch(() => {});
      }
    },

    /** Ends the pass under way, waits for transactions, writes the mirror down. */
    stop(): Promise<void> {
      stopping ??= shutDown();
      return stopping;
    },
  };
}
