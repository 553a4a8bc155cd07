/** Reads what a person types into an amount field. */
import { parseUnits } from "viem";

export type Amount =
  | { readonly kind: "empty" }
  | { readonly kind: "bad"; readonly why: string }
  | { readonly kind: "ok"; readonly value: bigint };

const GROUPED = /^\d{1,3}([\s,]\d{3})+(\.\d*)?$/;

/**
 * `text` as units of `decimals` decimals. Commas and spaces may group three digits; anywhere else they are a fault, for in half of the
 * world "1,5" is less than two.
 */
export function parseAmount(text: string, decimals: number): Amount {
  const typed = text.trim();
  if (typed === "") return { kind: "empty" };
  const plain = typed.replaceAll(/[\s,]/g, "");
  if (!/^\d*\.?\d*$/.test(plain) || !/\d/.test(plain)) return { kind: "bad", why: "This is no number." };
  if (plain !== typed && !GROUPED.test(typed))
    return { kind: "bad", why: "A comma or a space groups three digits; write 1.5 with a point." };
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
