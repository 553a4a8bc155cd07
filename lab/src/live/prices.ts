/** What the feeds of a live market say next: a quiet walk, or hours of a real crash in minutes, told what to do by a word. */
import { EPISODE_NAMES, EPISODES, type EpisodeName } from "../episodes.ts";
import { blocksOf, hoursOf, worstHours } from "../phasePath.ts";
import { type Rng, rng } from "../rng.ts";

export interface Print {
  /** Of the price that the market was seeded at. */
  readonly factor: number;
  /** {s} of the chain since the print before. */
  readonly seconds: number;
}

/** {s} between two prints: as time passes when it is calm, sixty times as fast in a replay of prints a minute apart. */
export const TICK = 1;
const BLOCK = 60;
const CRASH: EpisodeName = "eth-2020-03-12";
const CRASH_HOURS = 4;
/** {1 / sqrt(s)} 50 % a year. */
const CALM_DEVIATION = 0.5 / Math.sqrt(365 * 86_400);
const FACTORS = { least: 0.001, most: 1_000 } as const;

export const COMMANDS = `calm, crash, replay ${EPISODE_NAMES.join(" | ")}, or price FACTOR`;

export interface Prices {
  next(): Print;
  /** Returns what is played from the next print on. @throws a sentence when the word is none of {@link COMMANDS} */
  obey(command: string): string;
}

export function createPrices(seed: number): Prices {
  const random: Rng = rng(seed, "live prices");
  let factor = 1;
  let queue: number[] = [];

  function replay(episode: EpisodeName, hours?: number): string {
    const bars = hoursOf(EPISODES[episode]);
    const points = blocksOf(hours === undefined ? bars : worstHours(bars, hours), seed, BLOCK);
    const origin = Number(points[0]?.price ?? 1n);
    const start = factor;
    queue = points.map(({ price }) => (start * Number(price)) / origin); // prices are below 2^53
    return `${episode}, ${points.length} minutes in ${points.length * TICK} s`;
  }

  function obey(command: string): string {
    const [word, argument, ...rest] = command.trim().split(/\s+/);
    const episode = EPISODE_NAMES.find((known) => known === argument);
    const wanted = Number(argument);
    if (word === "calm" && argument === undefined) {
      queue = [];
      return "calm";
    }
    if (word === "crash" && argument === undefined) return replay(CRASH, CRASH_HOURS);
    if (word === "replay" && episode !== undefined && rest.length === 0) return replay(episode);
    if (word === "price" && rest.length === 0 && wanted >= FACTORS.least && wanted <= FACTORS.most) {
      queue = [wanted];
      return `a price of ${wanted} times the first`;
    }
    throw new RangeError(`"${command.trim()}" is no command; there are ${COMMANDS}, FACTOR from 0.001 to 1000`);
  }

  return {
    next: () => {
      const queued = queue.shift();
      if (queued !== undefined) {
        factor = queued;
        return { factor, seconds: BLOCK };
      }
      factor *= Math.exp(CALM_DEVIATION * Math.sqrt(TICK) * random.normal());
      return { factor, seconds: TICK };
    },
    obey,
  };
}
