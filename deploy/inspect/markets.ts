/** The terms of every market are those of deploy/markets.ts and the parameters, and its feeds are alive. */
import { isCallException, type JsonRpcProvider, type Result, ZeroAddress } from "ethers";
import type { DeployedMarket, Deployment } from "../../sdk/src/deployment.ts";
import {
  IAggregatorV3__factory,
  MarginEngine__factory,
  MockPyth__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../../typechain-types/index.js";
import { ALT, BTC, ETH, type MarketConfig } from "../markets.ts";
import { NETWORKS } from "../networks.ts";
import type { DeploymentSettings } from "../parameters.ts";
import { logsOf } from "./logs.ts";
import type { Report } from "./report.ts";

const CONFIGS: Readonly<Record<string, MarketConfig>> = { ETH, BTC, ALT };
const STATES = ["OK", "WIDE", "STALE", "JUMP", "BOUND", "BAD"] as const;
const STATUSES = ["UNLISTED", "ACTIVE", "REDUCE_ONLY", "WINDING_DOWN", "SETTLING", "SETTLED"] as const;
const [OK, WIDE] = ["OK", "WIDE"];
const FEED_DECIMALS = 8; // of every Chainlink feed against USD
const ENGINES_OWN = new Set(["maintenanceFromBps", "rampStartedAt"]);

export async function checkMarkets(
  report: Report,
  provider: JsonRpcProvider,
  deployment: Deployment,
  settings: DeploymentSettings,
): Promise<void> {
  for (const market of deployment.markets) {
    const config = CONFIGS[market.name];
    if (config === undefined) {
      report.require(false, `deploy/markets.ts has no market ${market.name}.`);
      continue;
    }
    await checkTerms(report, provider, deployment, market, config);
    await checkOracle(report, provider, deployment, market, config, settings);
    await checkFeed(report, provider, market, settings.network);
    await checkSecond(
      report,
      provider,
      market.name === ALT.name ? (settings.alt?.pyth ?? deployment.pyth) : deployment.pyth,
      market,
    );
  }
  const next = deployment.markets.length;
  const engine = MarginEngine__factory.connect(deployment.contracts.engine, provider);
  const status = STATUSES[Number((await engine.markets(next)).status)];
  report.require(
    status === "UNLISTED",
    `Market ${next} is ${status}; expected UNLISTED: the parameters do not know it.`,
  );
  if (NETWORKS[settings.network]?.rollup === true && settings.sequencer === ZeroAddress)
    report.notes.push(`${settings.network} is a rollup, and no sequencer feed is asked.`);
}

async function checkTerms(
  report: Report,
  provider: JsonRpcProvider,
  { contracts, startBlock }: Deployment,
  { index, name }: DeployedMarket,
  { params, rules, volatility, inventoryCapBps }: MarketConfig,
): Promise<void> {
  const engine = MarginEngine__factory.connect(contracts.engine, provider);
  const [market, setParams, setRules] = await Promise.all([
    engine.markets(index),
    engine.marketParams(index),
    engine.marketRules(index),
  ]);
  report.expect(`${name}: status`, STATUSES[Number(market.status)], "ACTIVE");
  const held = fieldsOf(setParams);
  for (const [field, expected] of Object.entries(params))
    report.expect(`${name}: params.${field}`, held[field], expected);
  const ruled = fieldsOf(setRules);
  for (const [field, expected] of Object.entries(rules))
    if (!ENGINES_OWN.has(field)) report.expect(`${name}: rules.${field}`, ruled[field], expected);

  const limits = await RiskEngine__factory.connect(contracts.risk, provider).volatilityLimits(index);
  for (const field of ["level1", "level2", "level3", "level4", "initial"] as const)
    report.expect(`${name}: volatility.${field}`, limits[field], volatility?.[field] ?? 0);

  const caps = await logsOf(provider, contracts.engine, startBlock, engine.filters.InventoryCapSet(index).fragment, [
    index,
  ]);
  const cap = caps.at(-1)?.args.cap as { bps: bigint } | undefined;
  report.expect(
    `${name}: inventory cap in bps of the pool`,
    cap?.bps ?? "the engine's default",
    inventoryCapBps ?? "the engine's default",
  );
}

/** A struct as ethers returns it, by the names of its fields. */
const fieldsOf = (struct: object) => (struct as Result).toObject();

async function checkOracle(
  report: Report,
  provider: JsonRpcProvider,
  { contracts, pyth }: Deployment,
  { index, name, feed, priceId }: DeployedMarket,
  config: MarketConfig,
  { sequencer, feedMaxAge, alt }: DeploymentSettings,
): Promise<void> {
  const oracle = Oracle__factory.connect(contracts.oracle, provider);
  const [held, second, quote] = await Promise.all([oracle.feed(index), oracle.second(index), oracle.quote(index)]);
  const own = name === ALT.name && alt !== undefined ? alt : { sequencer, feedMaxAge };
  const expected = { ...config.feed, aggregator: feed, maxAge: own.feedMaxAge, sequencer: own.sequencer };
  const actual = fieldsOf(held);
  for (const [field, value] of Object.entries(expected)) report.expect(`${name}: feed.${field}`, actual[field], value);
  report.expect(`${name}: second source`, second.pyth, name === ALT.name ? (alt?.pyth ?? pyth) : pyth);
  report.expect(`${name}: price id of the second source`, second.priceId, priceId);
  const state = STATES[Number(quote.state)];
  report.require(state === OK || state === WIDE, `${name}: the oracle's price is ${state}; expected OK or WIDE.`);
}

async function checkFeed(
  report: Report,
  provider: JsonRpcProvider,
  { name, feed }: DeployedMarket,
  network: string,
): Promise<void> {
  const aggregator = IAggregatorV3__factory.connect(feed, provider);
  const [decimals, round, description] = await Promise.all([
    aggregator.decimals(),
    aggregator.latestRoundData(),
    readDescription(provider, feed),
  ]);
  report.expect(`${name}: decimals of the feed`, decimals, FEED_DECIMALS);
  report.require(round.answer > 0n, `${name}: the feed's answer is ${round.answer}; expected more than zero.`);
  const isLocal = NETWORKS[network]?.local === true;
  if (!isLocal && name !== ALT.name) report.expect(`${name}: description of the feed`, description, `${name} / USD`);
}

/** Pyth has a price once somebody has brought one; until then steps of the feed wait for ten minutes. */
async function checkSecond(
  report: Report,
  provider: JsonRpcProvider,
  pyth: string,
  { name, priceId }: DeployedMarket,
): Promise<void> {
  const isKnown = await MockPyth__factory.connect(pyth, provider)
    .getPriceUnsafe(priceId)
    .then(
      () => true,
      (error: unknown) => {
        if (isCallException(error)) return false;
        throw error;
      },
    );
  if (!isKnown) report.notes.push(`${name}: nobody has brought a price of the second source to this chain yet.`);
}

/** "ETH / USD", or why it could not be read. */
async function readDescription(provider: JsonRpcProvider, feed: string): Promise<string> {
  try {
    const answer = await provider.call({ to: feed, data: "0x7284e416" });
    return Buffer.from(answer.slice(2 + 128), "hex")
      .toString("utf8")
      .replaceAll("\0", "");
  } catch {
    return "none";
  }
}
