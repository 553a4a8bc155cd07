/** The conservation equalities I1 to I4 of docs/mechanism.md over what was read from the chain, with zero tolerance. */

export interface Entry {
  readonly cash: bigint; // {u}
  readonly lots: bigint; // {lot}
  readonly quote: bigint; // {u}
}

/** One market and the totals of the ledger. */
/** What a position is worth. */
export interface Prices {
  readonly price: bigint; // {u/lot}
  readonly indexLong: bigint; // {u/lot}
  readonly indexShort: bigint; // {u/lot}
}

export interface Totals extends Prices {
  readonly openInterest: bigint; // {lot}
  readonly bucket: bigint; // {u}
  readonly deficit: bigint; // {u}
  readonly internalBalance: bigint; // {token}
  readonly tokenBalance: bigint; // {token}
  readonly tokenUnit: bigint; // {u/token}
}

export interface Failure {
  readonly id: "I1" | "I2" | "I3" | "I4" | "waterfall" | "path" | "closing";
  readonly step: number;
  readonly message: string;
}

export const CHECKS_PER_STEP = 4;

const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);

/** {u} E = cash + Q + b (P - F), F that of the side. */
export function equityOf({ cash, lots, quote }: Entry, { price, indexLong, indexShort }: Prices): bigint {
  return cash + quote + lots * (price - (lots > 0n ? indexLong : indexShort));
}

/** The equalities that do not hold. `entries` are all accounts of the ledger, system accounts included. */
export function conservation(entries: readonly Entry[], totals: Totals, step: number): Failure[] {
  const longs = sum(entries.map(({ lots }) => (lots > 0n ? lots : 0n)));
  const shorts = sum(entries.map(({ lots }) => (lots < 0n ? -lots : 0n)));
  const booked = totals.tokenUnit * totals.internalBalance;
  const common = totals.bucket - totals.deficit;
  const ledger =
    sum(entries.map(({ cash, quote }) => cash + quote)) +
    totals.openInterest * (totals.indexShort - totals.indexLong) +
    common;
  const equities = sum(entries.map((entry) => equityOf(entry, totals))) + common;

  const checks = [
    ["I1", longs === shorts && longs === totals.openInterest, `${longs}, ${shorts}, ${totals.openInterest} lots`],
    ["I2", ledger === booked, `${ledger} is not ${booked} u`],
    ["I3", equities === booked, `${equities} is not ${booked} u`],
    ["I4", totals.tokenBalance >= totals.internalBalance, `${totals.tokenBalance} < ${totals.internalBalance} token`],
  ] as const;
  return checks.filter(([, holds]) => !holds).map(([id, , message]) => ({ id, step, message }));
}
