/** How quantities of the chain read: amounts, percentages, times. Everything is a bigint up to the last step. */
import { formatU } from "../../../sdk/src/units.ts";

/** Thin grouping of what is before the point. */
const grouped = (whole: string) => whole.replace(/\B(?=(\d{3})+$)/g, ",");

/** `value` of `decimals` decimals with `digits` of them, toward zero: (1234500000n, 6) is "1,234.50". */
export function fixed(value: bigint, decimals: number, digits = 2): string {
  const magnitude = value < 0n ? -value : value;
  const shown =
    digits >= decimals ? magnitude * 10n ** BigInt(digits - decimals) : magnitude / 10n ** BigInt(decimals - digits);
  const text = shown.toString().padStart(digits + 1, "0");
  const whole = grouped(text.slice(0, text.length - digits));
  const minus = value < 0n && shown !== 0n ? "−" : "";
  return digits === 0 ? `${minus}${whole}` : `${minus}${whole}.${text.slice(text.length - digits)}`;
}

/** A count of something, grouped. */
export const count = (value: bigint | number): string => fixed(BigInt(value), 0, 0);

/** {u} as USD. */
export const usd = (amount: bigint, digits = 2): string => {
  const text = formatU(amount < 0n ? -amount : amount, digits);
  return amount < 0n ? `−$${text}` : `$${text}`;
};

/** {bps} or another part of `whole`, as a percentage. `percent(25n, 10_000n)` is "0.25 %". */
export function percent(part: bigint, whole: bigint, digits = 2): string {
  if (whole === 0n) return "–";
  return `${fixed((part * 10n ** BigInt(digits + 2)) / whole, digits, digits)} %`;
}

const UNITS = [
  ["d", 86_400n],
  ["h", 3_600n],
  ["min", 60n],
  ["s", 1n],
] as const;

/** {s} as the two largest units: 90061n is "1 d 1 h". */
export function duration(seconds: bigint): string {
  if (seconds <= 0n) return "0 s";
  let rest = seconds;
  const parts = UNITS.map(([name, size]) => {
    const amount = rest / size;
    rest -= amount * size;
    return { name, amount };
  });
  const first = parts.findIndex(({ amount }) => amount > 0n);
  const shown = parts.slice(first, first + 2).filter(({ amount }) => amount > 0n);
  return shown.map(({ name, amount }) => `${amount} ${name}`).join(" ");
}

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** {s} since the epoch, in the reader's zone. */
export const date = (seconds: bigint): string => DATE.format(new Date(Number(seconds) * 1_000));

/** 0x1234…abcd */
export const shortHex = (hex: string): string => `${hex.slice(0, 6)}…${hex.slice(-4)}`;
