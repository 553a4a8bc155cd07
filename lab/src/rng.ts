/** Seeded randomness: every draw comes from a stream named by a seed and a tag, so adding one stream moves no other. */

export interface Rng {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Standard normal, Box-Muller. */
  normal(): number;
  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** 32-bit FNV-1a of a text, started at `basis`. */
function hash(text: string, basis: number): number {
  let h = basis;
  for (const character of text) h = Math.imul(h ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return h >>> 0;
}

/** sfc32, a small fast generator with 128 bits of state; the first draws mix the seed in. */
export function rng(seed: number, tag: string): Rng {
  const text = `${seed}/${tag}`;
  let [a, b, c] = [hash(text, 0x811c9dc5), hash(text, 0x9e3779b9), hash(text, 0x85ebca6b)];
  let counter = 1;

  const draw = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i += 1) draw();

  const next = () => draw() / 2 ** 32;
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    between: (low, high) => low + next() * (high - low),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffled: <T>(items: readonly T[]) => {
      const drawn = items.map((item) => ({ item, order: next() }));
      return drawn.sort((x, y) => x.order - y.order).map(({ item }) => item);
    },
  };
}
