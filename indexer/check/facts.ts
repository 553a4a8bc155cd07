/** Names with values, and where two of them differ. Pure. */

export type Facts = ReadonlyMap<string, string>;

export interface Difference {
  readonly name: string;
  /** What the contracts say. */
  readonly expected: string;
  /** What the index says. */
  readonly actual: string;
}

export function differences(expected: Facts, actual: Facts): Difference[] {
  const names = new Set([...expected.keys(), ...actual.keys()]);
  return [...names]
    .map((name) => ({ name, expected: expected.get(name) ?? "nothing", actual: actual.get(name) ?? "nothing" }))
    .filter((one) => one.expected !== one.actual);
}
