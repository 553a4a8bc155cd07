/** The people and the market of the story, apart from those of the random session of test/helpers/session.ts. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { ETH } from "../../../deploy/markets.ts";
import { type Actor, accountOf } from "../../../test/helpers/actors.ts";
import { deployBackstop, dollars, type Fixture, feedOf, setPrice } from "../../../test/helpers/fixture.ts";
import { answerWhenMined } from "../../../test/helpers/nodes.ts";
import { MARKETS } from "../../../test/helpers/session.ts";

/** The story's market, after those of the session; it has levels, a curve and a second source. */
export const STORY = MARKETS.length;
export const USD = 10n ** 12n; // {u}
export const ALL = 2n ** 56n - 1n; // {lot}
const NO_LIMIT = 2n ** 127n; // {u}
const FOREVER = 2 ** 32 - 1; // {s}

const NAMES = ["lp", "taker", "first", "second", "third", "liquidator", "junior", "senior", "stranger"] as const;
export type Person = (typeof NAMES)[number];

export interface Stage {
  readonly fx: Fixture;
  readonly people: Readonly<Record<Person, Actor>>;
}

/** On a node that another process runs; what Ignition wrote down about it goes at once. */
export async function setStageOn(network: string): Promise<Stage> {
  const { network: networks } = await import("hardhat");
  const id = `test-${process.pid}-${network}`;
  try {
    const connection = await networks.create(network);
    if (network === "anvil") answerWhenMined(connection.provider);
    return await setStage(connection, id);
  } finally {
    await rm(path.resolve(import.meta.dirname, "../../../deploy/deployments", id), { recursive: true, force: true });
  }
}

/** The four markets; the last signers of the chain are the people. */
export async function setStage(
  connection: Parameters<typeof deployBackstop>[0],
  deploymentId?: string,
): Promise<Stage> {
  const config = { ...ETH, name: "STORY", feed: { ...ETH.feed, maxAge: 172_800 } };
  const markets = [...MARKETS, { config, answer: dollars(2_000n) }];
  const fx = await deployBackstop(connection, { markets, ...(deploymentId === undefined ? {} : { deploymentId }) });
  const signers = (await connection.ethers.getSigners()).slice(-NAMES.length);
  const people = Object.fromEntries(NAMES.map((name, i) => [name, signers[i]])) as Record<Person, Actor>; // in order
  return { fx, people };
}

/** Lets time pass and publishes the same price, or another one {1e-8 USD/coin}. */
export async function pass({ fx }: Stage, seconds: number, answer?: bigint): Promise<void> {
  await fx.connection.networkHelpers.time.increase(seconds);
  await setPrice(fx, answer ?? (await feedOf(fx, STORY).latestRoundData())[1], STORY);
}

/** Against the AMM; positive buys. */
export async function trade({ fx }: Stage, actor: Actor, lots: bigint, account = accountOf(actor)): Promise<void> {
  const limit = lots > 0n ? NO_LIMIT : 0n;
  await fx.engine.connect(actor).trade({ account, market: STORY, lots, limit, deadline: FOREVER, reduceOnly: false });
}

/** Many calls of the engine in one transaction, whose sender is the access manager. */
export async function together({ fx }: Stage, calls: readonly string[]): Promise<void> {
  const engine = await fx.engine.getAddress();
  const execute = (data: string) => fx.manager.interface.encodeFunctionData("execute", [engine, data]);
  await fx.manager.multicall(calls.map(execute));
}
