/** Seeded random draws: the same seed repeats the run. */

export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high]. */
  int(low: number, high: number): number;
  /** Uniform in [low, high]. */
  big(low: bigint, high: bigint): bigint;
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T;
  chance(p: number): boolean;
  /** Goes on as a generator created with `seed`. */
  reseed(seed: number): void;
}

/** Mulberry32. */
export function createRng(seed: number): Rng {
  let s = seed >>> 0;
  const next = (): number => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    big: (low, high) => low + (BigInt(Math.floor(next() * 2 ** 52)) * (high - low + 1n)) / 2n ** 52n,
    chance: (p) => next() < p,
    reseed: (next) => {
      s = next >>> 0;
    },
    pick(items) {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new RangeError("nothing to pick from");
      return item;
    },
  };
}
