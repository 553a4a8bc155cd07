/** What an inspection found: how many values were as they should be, and a sentence for each that was not. */

export interface Holder {
  readonly role: string;
  readonly account: string;
  readonly who: string;
}

export interface Power {
  readonly function: string;
  readonly role: string;
}

export class Report {
  checks = 0;
  readonly wrong: string[] = [];
  /** What a person should know and nobody did wrong. */
  readonly notes: string[] = [];
  readonly holders: Holder[] = [];
  readonly powers: Power[] = [];

  /** Compares as text, so that 5n, 5 and "5" are the same. */
  expect(what: string, actual: unknown, expected: unknown): void {
    this.checks += 1;
    if (String(actual) !== String(expected))
      this.wrong.push(`${what} is ${String(actual)}; expected ${String(expected)}.`);
  }

  /** @param sentence says what is wrong */
  require(isTrue: boolean, sentence: string): void {
    this.checks += 1;
    if (!isTrue) this.wrong.push(sentence);
  }
}
