/** The drill: the same crash twice, with the stakers' pool and without it, side by side. */
import type { NetworkConnection } from "hardhat/types/network";
import { EPISODES, type Episode } from "./episodes.ts";
import { along, stepsOf } from "./path.ts";
import { type Outcome, type RunOptions, run } from "./run.ts";
import type { Settings } from "./settings.ts";

export interface DrillResult {
  readonly settings: Settings;
  readonly episode: Episode;
  /** The same object as `without` when the pool is empty. */
  readonly with: Outcome;
  readonly without: Outcome;
  readonly durationMs: number;
}

/** A connection for each run: two fresh chains, or the same node twice, one run after the other. */
export interface Chains {
  readonly with: () => Promise<NetworkConnection>;
  readonly without: () => Promise<NetworkConnection>;
  readonly parallel: boolean;
}

export async function drill(
  settings: Settings,
  chains: Chains,
  onProgress: (done: number, of: number) => void,
): Promise<DrillResult> {
  const started = performance.now();
  const episode = EPISODES[settings.episode];
  const steps = stepsOf(along(settings.path, episode.bars), settings.seed);
  const stakes = settings.pool === 0 ? [0] : [settings.pool, 0]; // the same run twice would show nothing
  let done = 0;
  const onStep = () => {
    done += 1;
    onProgress(done, stakes.length * steps.length);
  };
  onProgress(0, stakes.length * steps.length);

  const play = async (connect: () => Promise<NetworkConnection>, staked: number) =>
    run(await connect(), { settings, steps, staked, onStep, ...(await keeperOf(settings)) });
  const first = settings.pool === 0 ? undefined : play(chains.with, settings.pool);
  if (!chains.parallel) await first;
  const [withPool, without] = await Promise.all([first, play(chains.without, 0)]);
  return { settings, episode, with: withPool ?? without, without, durationMs: Math.round(performance.now() - started) };
}

/** The program is loaded when it is asked for: most drills are without. */
async function keeperOf({ keeper, latency }: Settings): Promise<Pick<RunOptions, "createKeeper">> {
  if (keeper === "own") return {};
  const [{ createProgram }, { createLogger }] = await Promise.all([
    import("./program.ts"),
    import("../../keeper/src/logger.ts"),
  ]);
  return { createKeeper: (world) => createProgram(world, { logger: createLogger("error"), latency }) };
}
