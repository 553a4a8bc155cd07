/** Amounts as people read them. On-chain quantities stay bigint; only the text is rounded. */

/** One dollar in u, the unit of the ledger. */
export const USD = 10n ** 12n;

/** "1,234.56" of an amount in u; the last digit is cut, not rounded, so that a sum of parts never looks larger than the whole. */
export function dollars(amount: bigint, decimals = 2): string {
  const sign = amount < 0n ? "-" : "";
  const digits = (amount < 0n ? -amount : amount).toString().padStart(13, "0");
  const whole = digits.slice(0, -12).replaceAll(/\B(?=(\d{3})+$)/g, ",");
  const fraction = digits.slice(-12).slice(0, decimals);
  return `${sign}${whole}${decimals > 0 ? `.${fraction}` : ""}`;
}

/** For charts only: about fifteen digits. */
export const toNumber = (amount: bigint): number => Number(amount) / Number(USD);
