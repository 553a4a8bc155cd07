/** Reads what a person types into an amount field. */
import { parseUnits } from "viem";

export type Amount =
  | { readonly kind: "empty" }
  | { readonly kind: "bad"; readonly why: string }
  | { readonly kind: "ok"; readonly value: bigint };

/** `text` as units of `decimals` decimals; spaces and grouping commas do not matter. */
export function parseAmount(text: string, decimals: number): Amount {
  const plain = text.replaceAll(/[\s,]/g, "");
  if (plain === "") return { kind: "empty" };
  if (!/^\d*\.?\d*$/.test(plain) || plain === ".") return { kind: "bad", why: "This is no number." };
  const fraction = plain.split(".")[1] ?? "";
  if (fraction.length > decimals) return { kind: "bad", why: `There are at most ${decimals} digits behind the point.` };
  const value = parseUnits(plain, decimals);
  return value === 0n ? { kind: "bad", why: "The amount must be more than zero." } : { kind: "ok", value };
}

/** The units as plain text for the field: no grouping, no trailing zeros. */
export function amountText(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, "0");
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - decimals);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
