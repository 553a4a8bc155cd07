/** Units of the ledger: u, token units, lots and account ids, and how a person reads them. */
import { EngineError } from "./errors.ts";

/** 1 u = 1e-12 USD. */
export const U_DECIMALS = 12;
/** {u/USD} */
export const U_PER_USD = 10n ** BigInt(U_DECIMALS);
/** D18{1} one, in ratios. */
export const ONE = 10n ** 18n;
/** {bps} */
export const BPS = 10_000n;

/** Account of the pool's positions in a market and of the capital behind them: owner zero, sub-account = market. */
export const inventoryOf = (market: number): bigint => BigInt(market);
/** Premiums on their way to the pool: owner zero, after the 64 inventories. */
export const FEES = 64n;
/** What income has paid on claims and nobody has collected yet. */
export const CLAIMS = 65n;
/** Number of the engine's own deficit, beside those of the markets. */
export const ENGINE_DEFICIT = 64;

const SUB_BITS = 96n;

/** Account id: owner << 96 | subId. */
export function accountId(owner: bigint, subId: bigint): bigint {
  if (owner < 0n || owner >> 160n !== 0n) throw new RangeError(`owner ${owner} is not an address`);
  if (subId < 0n || subId >> SUB_BITS !== 0n) throw new RangeError(`sub-account ${subId} does not fit 96 bits`);
  return (owner << SUB_BITS) | subId;
}

/** Owner of an account as a number; zero for system accounts. */
export const ownerOf = (account: bigint): bigint => account >> SUB_BITS;
export const isSystem = (account: bigint): boolean => ownerOf(account) === 0n;

/** {u/token} S: u in one token unit. Throws DecimalsUnsupported above 12 decimals. */
export function tokenUnit(decimals: number): bigint {
  if (decimals > U_DECIMALS) throw new EngineError("DecimalsUnsupported", [BigInt(decimals), BigInt(U_DECIMALS)]);
  return 10n ** BigInt(U_DECIMALS - decimals);
}

/** {u} whole USD, exact. */
export const usd = (amount: bigint | number): bigint => BigInt(amount) * U_PER_USD;

/** {lot} coins as lots: `lotsFrom("1.5", 4)` is 15000. Throws when the text has more digits than a lot. */
export const lotsFrom = (coins: string, lotDecimals: number): bigint => parseFixed(coins, lotDecimals);

/** {u} USD as text: `uFrom("0.25")`. Throws below 1 u. */
export const uFrom = (text: string): bigint => parseFixed(text, U_DECIMALS);

/** {u/lot} a price in USD per coin. Throws when it is not a whole number of u per lot. */
export function priceFrom(usdPerCoin: string, lotDecimals: number): bigint {
  return parseFixed(usdPerCoin, U_DECIMALS - lotDecimals);
}

/** USD with `digits` decimals, rounded toward zero, grouped: `formatU(-1_234_500_000_000_000n)` is "-1,234.50". */
export function formatU(amount: bigint, digits = 2): string {
  return formatFixed(amount, U_DECIMALS, digits);
}

/** USD per coin. */
export const formatPrice = (price: bigint, lotDecimals: number, digits = 2): string =>
  formatFixed(price, U_DECIMALS - lotDecimals, digits);

/** Coins. */
export const formatLots = (lots: bigint, lotDecimals: number): string => formatFixed(lots, lotDecimals, lotDecimals);

function parseFixed(text: string, decimals: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not a decimal number`);
  const [, minus = "", whole = "", fraction = ""] = match;
  if (fraction.length > decimals) throw new RangeError(`"${text}" has more than ${decimals} decimals`);
  const value = BigInt(whole + fraction.padEnd(decimals, "0"));
  return minus === "-" ? -value : value;
}

function formatFixed(value: bigint, decimals: number, digits: number): string {
  const magnitude = value < 0n ? -value : value;
  const shown = magnitude / 10n ** BigInt(Math.max(0, decimals - digits));
  const places = Math.min(digits, decimals);
  const text = shown.toString().padStart(places + 1, "0");
  const whole = text.slice(0, text.length - places).replace(/\B(?=(\d{3})+$)/g, ",");
  const minus = value < 0n && shown !== 0n ? "-" : "";
  return places === 0 ? `${minus}${whole}` : `${minus}${whole}.${text.slice(text.length - places)}`;
}
