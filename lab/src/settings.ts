/** What a drill is run with, and the bounds of it. */
import { EPISODE_NAMES, type EpisodeName } from "./episodes.ts";

export interface Settings {
  readonly episode: EpisodeName;
  readonly seed: number;
  readonly traders: number;
  /** {USD} staked */
  readonly pool: number;
  /** Steps between what the keeper sees and what it does. */
  readonly latency: number;
}

export const DEFAULTS: Settings = { episode: "eth-2020-03-12", seed: 1, traders: 200, pool: 2_000_000, latency: 2 };

export const BOUNDS = {
  seed: { min: 0, max: 2 ** 32 - 1 },
  traders: { min: 2, max: 2_000 },
  pool: { min: 1_000, max: 1_000_000_000 },
  latency: { min: 0, max: 48 },
} as const;

export type Parsed<T> = { readonly value: T } | { readonly error: string };

/** A whole number within the bounds of its setting, or one sentence about what is wrong. */
export function parseNumber(name: keyof typeof BOUNDS, text: string): Parsed<number> {
  const { min, max } = BOUNDS[name];
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return { value };
  return { error: `--${name} must be a whole number from ${min} to ${max}, not "${text}"` };
}

export function parseEpisode(text: string): Parsed<EpisodeName> {
  const value = EPISODE_NAMES.find((name) => name === text);
  return value === undefined ? { error: `--episode must be ${EPISODE_NAMES.join(" or ")}, not "${text}"` } : { value };
}
