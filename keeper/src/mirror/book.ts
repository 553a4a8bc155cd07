/** Every account's figures in flat arrays of doubles, so that a price is tried against all of them in a few milliseconds. */

import { KeyedMap } from "../../../sdk/src/keyed.ts";

/** What a price does to one market: favourable prices of both sides with their indices, and margin. As doubles. */
export interface Lens {
  readonly market: number;
  readonly price: number; // {u/lot}
  readonly long: number; // {u/lot} favourable price of a long, less its index
  readonly short: number; // {u/lot} likewise
  readonly maintenance: number; // {1} of a small position
  readonly slope: number; // {1/u} by which it grows with notional
}

export interface Holding {
  readonly market: number;
  readonly lots: bigint; // {lot}
  readonly quote: bigint; // {u}
}

/** A term's rounding and those of its sum, each a few times 2^-53 of a magnitude, with a factor of 16 to spare. */
const EPSILON = 2 ** -47;
/** {u} what the ledger rounds up, a unit in each of 16 markets, with as much again. */
const ROUNDING = 64;
const FIRST = 1_024;

type Doubles = Float64Array<ArrayBuffer>;

interface Page {
  count: number;
  accounts: Int32Array; // slot of the row's account
  lots: Doubles;
  quotes: Doubles;
  readonly rowOf: Map<number, number>; // slot -> row
}

export type Book = ReturnType<typeof createBook>;

export function createBook() {
  const slotOf = new KeyedMap<number>();
  const ids: bigint[] = [];
  const free: number[] = [];
  const held: number[][] = []; // markets of a slot
  const pages = new Map<number, Page>();
  let cash: Doubles = new Float64Array(FIRST);
  let equity: Doubles = new Float64Array(FIRST);
  let maintenance: Doubles = new Float64Array(FIRST);
  let magnitude: Doubles = new Float64Array(FIRST);

  function slot(account: bigint): number {
    const known = slotOf.get(account);
    if (known !== undefined) return known;
    const next = free.pop() ?? ids.length;
    ids[next] = account;
    held[next] = [];
    slotOf.set(account, next);
    if (next >= cash.length) {
      cash = grown(cash);
      [equity, maintenance, magnitude] = [grown(equity), grown(maintenance), grown(magnitude)];
    }
    return next;
  }

  function page(market: number): Page {
    const known = pages.get(market);
    if (known !== undefined) return known;
    const made: Page = {
      count: 0,
      accounts: new Int32Array(FIRST),
      lots: new Float64Array(FIRST),
      quotes: new Float64Array(FIRST),
      rowOf: new Map(),
    };
    pages.set(market, made);
    return made;
  }

  function put(at: number, { market, lots, quote }: Holding): void {
    const to = page(market);
    let row = to.rowOf.get(at);
    if (row === undefined) {
      row = to.count++;
      if (row >= to.accounts.length) {
        const wider = new Int32Array(2 * row);
        wider.set(to.accounts);
        to.accounts = wider;
        [to.lots, to.quotes] = [grown(to.lots), grown(to.quotes)];
      }
      to.rowOf.set(at, row);
      to.accounts[row] = at;
    }
    to.lots[row] = Number(lots);
    to.quotes[row] = Number(quote);
  }

  /** The last row takes the place of the one that goes. */
  function drop(at: number, market: number): void {
    const from = page(market);
    const row = from.rowOf.get(at);
    if (row === undefined) return;
    const last = --from.count;
    from.rowOf.delete(at);
    if (row === last) return;
    const moved = from.accounts[last] ?? 0;
    from.accounts[row] = moved;
    from.lots[row] = from.lots[last] ?? 0;
    from.quotes[row] = from.quotes[last] ?? 0;
    from.rowOf.set(moved, row);
  }

  return {
    get size(): number {
      return slotOf.size;
    },

    /** Replaces what is known of an account; one without positions is forgotten: nothing can be done to it. */
    set(account: bigint, cashNow: bigint, holdings: readonly Holding[]): void {
      const known = slotOf.get(account);
      if (holdings.length === 0 && known === undefined) return;
      const at = slot(account);
      const markets = holdings.map(({ market }) => market);
      for (const market of held[at] ?? []) if (!markets.includes(market)) drop(at, market);
      held[at] = markets;
      cash[at] = Number(cashNow);
      for (const holding of holdings) put(at, holding);
      if (holdings.length > 0) return;
      slotOf.delete(account);
      cash[at] = 0;
      free.push(at);
    },

    /** Accounts with a position in a market. */
    holders(market: number): bigint[] {
      const { count, accounts } = page(market);
      return Array.from(accounts.subarray(0, count), (at) => ids[at] ?? 0n);
    },

    /**
     * Every account that may be below maintenance margin, and some that are not: doubles are exact to 2^-53 of each term, so an
     * account counts as below when it is within {@link EPSILON} of all that was summed.
     */
    screen(lenses: readonly Lens[]): bigint[] {
      const n = ids.length;
      equity.set(cash.subarray(0, n));
      maintenance.fill(0, 0, n);
      for (let i = 0; i < n; i++) magnitude[i] = Math.abs(cash[i] ?? 0);
      for (const lens of lenses) {
        const { count, accounts, lots, quotes } = page(lens.market);
        for (let row = 0; row < count; row++) {
          const at = accounts[row] ?? 0;
          const size = lots[row] ?? 0;
          const quote = quotes[row] ?? 0;
          const value = size * (size > 0 ? lens.long : lens.short);
          const notional = Math.abs(size) * lens.price;
          const margin = notional * Math.min(1, lens.maintenance + notional * lens.slope);
          equity[at] = (equity[at] ?? 0) + quote + value;
          maintenance[at] = (maintenance[at] ?? 0) + margin;
          magnitude[at] = (magnitude[at] ?? 0) + Math.abs(quote) + Math.abs(value) + notional;
        }
      }
      const found: bigint[] = [];
      for (let i = 0; i < n; i++) {
        const short = (maintenance[i] ?? 0) - (equity[i] ?? 0);
        const known = ids[i];
        if ((held[i]?.length ?? 0) > 0 && known !== undefined && short + EPSILON * (magnitude[i] ?? 0) + ROUNDING > 0)
          found.push(known);
      }
      return found;
    },
  };
}

function grown(array: Doubles): Doubles {
  const wider = new Float64Array(2 * array.length);
  wider.set(array);
  return wider;
}
