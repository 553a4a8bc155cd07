/** The drill: the same crash twice, with the stakers' pool and without it, side by side. */
import type { NetworkConnection } from "hardhat/types/network";
import { EPISODES, type Episode } from "./episodes.ts";
import { stepsOf } from "./path.ts";
import { type Outcome, run } from "./run.ts";
import type { Settings } from "./settings.ts";

export interface DrillResult {
  readonly settings: Settings;
  readonly episode: Episode;
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
  const steps = stepsOf(episode.bars, settings.seed);
  let done = 0;
  const onStep = () => {
    done += 1;
    onProgress(done, 2 * steps.length);
  };
  onProgress(0, 2 * steps.length);

  const play = async (connect: () => Promise<NetworkConnection>, stayStaked: boolean) =>
    run(await connect(), { settings, steps, stayStaked, onStep });
  const first = play(chains.with, true);
  if (!chains.parallel) await first;
  const [withPool, without] = await Promise.all([first, play(chains.without, false)]);
  return { settings, episode, with: withPool, without, durationMs: Math.round(performance.now() - started) };
}
