/** What a drill is run with, and the bounds of it. */
import { EPISODE_NAMES, type EpisodeName } from "./episodes.ts";
import { PATH_NAMES, type PathName } from "./path.ts";

export interface Settings {
  readonly episode: EpisodeName;
  readonly seed: number;
  readonly traders: number;
  /** How the bars are played. */
  readonly path: PathName;
  /** {USD} staked while people open their positions. */
  readonly opening: number;
  /** {USD} of it that is still there in the crash. */
  readonly pool: number;
  /** Steps between what the keeper sees and what it does. */
  readonly latency: number;
  /** Who liquidates: the drill's own keeper, or the program that runs in production. */
  readonly keeper: KeeperName;
}

export const KEEPER_NAMES = ["own", "program"] as const;
export type KeeperName = (typeof KEEPER_NAMES)[number];

const POOL = 2_000_000;
/** One per cent of the default: enough to pay something, not enough to pay much. {USD} */
export const TINY = POOL / 100;

export const DEFAULTS: Settings = {
  episode: "eth-2020-03-12",
  path: "forward",
  seed: 1,
  traders: 200,
  opening: POOL,
  pool: POOL,
  latency: 2,
  keeper: "own",
};

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

/** Of a pool that is tiny or empty the stakers left after the opening: nobody could have opened against it. */
export function parsePool(text: string): Parsed<Pick<Settings, "opening" | "pool">> {
  if (text === "0" || text === "tiny") return { value: { opening: POOL, pool: text === "tiny" ? TINY : 0 } };
  const parsed = parseNumber("pool", text);
  if ("value" in parsed) return { value: { opening: parsed.value, pool: parsed.value } };
  return { error: parsed.error.replace("must be", "must be 0, tiny or") };
}

export function parsePath(text: string): Parsed<PathName> {
  const value = PATH_NAMES.find((name) => name === text);
  return value === undefined ? { error: `--path must be ${PATH_NAMES.join(", ")}, not "${text}"` } : { value };
}

export function parseKeeper(text: string): Parsed<KeeperName> {
  const value = KEEPER_NAMES.find((name) => name === text);
  return value === undefined ? { error: `--keeper must be ${KEEPER_NAMES.join(" or ")}, not "${text}"` } : { value };
}

export function parseEpisode(text: string): Parsed<EpisodeName> {
  const value = EPISODE_NAMES.find((name) => name === text);
  return value === undefined ? { error: `--episode must be ${EPISODE_NAMES.join(" or ")}, not "${text}"` } : { value };
}
