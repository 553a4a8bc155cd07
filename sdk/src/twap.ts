/** The oracle's time-weighted averages: twin of the ring of contracts/Oracle.sol. docs/mechanism.md "Wind-down". Pure. */
import { max } from "./math.ts";

/** {s} the ring keeps the last sample of each. */
const SAMPLE_INTERVAL = 60n;
/** Closed samples it holds behind the live one. */
const RING_SIZE = 64;

export interface Sample {
  readonly time: bigint; // {s}
  readonly price: bigint; // {u/lot} in force from `time`
  readonly cumulative: bigint; // {u/lot s} up to `time`
}

/** Oldest first; the last one is live. */
export type Samples = readonly Sample[];

/** The samples after a new price; one in the same minute takes the live one's place. */
export function sampled(samples: Samples, time: bigint, price: bigint): Samples {
  const live = samples.at(-1);
  if (live === undefined) return [{ time, price, cumulative: 0n }];
  const next = { time, price, cumulative: live.cumulative + live.price * (time - live.time) };
  const closed = time / SAMPLE_INTERVAL === live.time / SAMPLE_INTERVAL ? samples.slice(0, -1) : samples;
  return [...closed.slice(-RING_SIZE), next];
}

/**
 * {u/lot} average over `window` s up to `end`, down. It starts on a whole minute, up to 59 s earlier, or with the oldest sample; without
 * length it is the last price.
 */
export function twap(samples: Samples, end: bigint, window: bigint): bigint {
  const [oldest, live] = [samples[0], samples.at(-1)];
  if (oldest === undefined || live === undefined) throw new RangeError("no price yet");
  const asked = max(0n, end - window);
  const start = max(oldest.time, asked - (asked % SAMPLE_INTERVAL));
  if (start >= live.time) return live.price;
  const inForce = samples.findLast(({ time }) => time <= start) ?? oldest;
  const before = inForce.cumulative + inForce.price * (start - inForce.time);
  const upTo = live.cumulative + live.price * (end - live.time);
  return (upTo - before) / (end - start);
}
