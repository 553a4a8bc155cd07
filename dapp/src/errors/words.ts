/** What a sentence about an error is made of: the error's arguments by name, and how figures read on this deployment. */
import { MarketStatus, PriceState } from "../../../sdk/src/types.ts";
import { formatPrice } from "../../../sdk/src/units.ts";
import { date, duration, fixed, percent, usd } from "../lib/format.ts";

/** Names and decimals of the deployment. */
export interface Names {
  readonly token: { readonly symbol: string; readonly decimals: number };
  readonly markets: ReadonlyMap<number, { readonly name: string; readonly lotDecimals: number }>;
}

/** One error that was decoded: every number as a bigint. */
export interface Fault {
  readonly name: string;
  readonly args: Readonly<Record<string, bigint | string>>;
}

const PRICES: Readonly<Record<PriceState, string>> = {
  [PriceState.OK]: "valid",
  [PriceState.WIDE]: "uncertain: the second source doubts it",
  [PriceState.STALE]: "too old",
  [PriceState.JUMP]: "waiting for a jump to be confirmed",
  [PriceState.BOUND]: "at the limit of its feed",
  [PriceState.BAD]: "not available: its feed gives no usable answer",
};

const STATUSES: Readonly<Record<MarketStatus, string>> = {
  [MarketStatus.UNLISTED]: "not listed",
  [MarketStatus.ACTIVE]: "open",
  [MarketStatus.REDUCE_ONLY]: "reduce-only",
  [MarketStatus.WINDING_DOWN]: "being wound down",
  [MarketStatus.SETTLING]: "waiting for its settlement price to be final",
  [MarketStatus.SETTLED]: "settled",
};

const lookUp = (table: Readonly<Record<number, string>>, key: bigint): string =>
  table[Number(key)] ?? `unknown (${key})`;

export const priceStateText = (state: bigint): string => lookUp(PRICES, state);
export const statusText = (status: bigint): string => lookUp(STATUSES, status);

export type Words = ReturnType<typeof wordsOf>;

/** A market's name and the decimals of its lots; a number for one that the deployment does not name. */
export const marketOf = ({ markets }: Names, index: number) =>
  markets.get(index) ?? { name: `market ${index}`, lotDecimals: 0 };

export function wordsOf({ args, name }: Fault, names: Names) {
  const { token } = names;
  const n = (key: string): bigint => {
    const value = args[key];
    if (typeof value !== "bigint") throw new RangeError(`${name} has no number ${key}`);
    return value;
  };
  const known = (index: bigint) => marketOf(names, Number(index));
  return {
    n,
    tokens: (key: string) => `${fixed(n(key), token.decimals)} ${token.symbol}`,
    usd: (key: string) => usd(n(key)),
    days: (later: string, earlier: string) => duration(n(later) - n(earlier)),
    date: (key: string) => date(n(key)),
    market: (key = "market") => known(n(key)).name,
    price: (key: string) => `$${formatPrice(n(key), known(n("market")).lotDecimals)}`,
    bps: (key: string) => percent(n(key), 10_000n),
    ratio: (key: string) => percent(n(key), 10n ** 18n),
    status: (key = "status") => statusText(n(key)),
  };
}
