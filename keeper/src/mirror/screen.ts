/** Who may be below maintenance margin at prices that the ledger has not seen yet: a wide sieve first, then the sdk's own figures. */
import { rampedMaintenance, syncMarket } from "../../../sdk/src/funding.ts";
import { KeyedMap, KeyedSet } from "../../../sdk/src/keyed.ts";
import { marketsOf } from "../../../sdk/src/ledger.ts";
import { valuationPrice } from "../../../sdk/src/margin.ts";
import { min } from "../../../sdk/src/math.ts";
import { interestInEffect, inventoryLots } from "../../../sdk/src/side.ts";
import type { State } from "../../../sdk/src/state.ts";
import { type Market, type MarketParams, MarketStatus, type Quote, Valuation } from "../../../sdk/src/types.ts";
import { BPS, isSystem, ONE } from "../../../sdk/src/units.ts";
import type { Book, Lens } from "./book.ts";
import type { Mirror } from "./mirror.ts";

export interface View {
  readonly account: bigint;
  readonly equity: bigint; // {u} at the mark, the worst of the two
  readonly favourable: bigint; // {u} at the favourable edge, likewise
  readonly maintenance: bigint; // {u}
  readonly unhealthySince: bigint; // {s}
  readonly markets: bigint; // bitmap
}

/** A market as a transaction could find it: at the oracle's newest price, with or without what has accrued. */
export interface Outlook {
  readonly id: number;
  readonly market: Market;
  readonly params: MarketParams;
}

/**
 * Both ends of what an account may be held to until `until`: a call either uses the indices as stored or accrues them up to its own
 * second. Equity is linear in the indices, so whoever is above maintenance margin at both ends is above it in between. The edge is the
 * narrower and the margin the higher of the two.
 */
export function outlooks(
  state: State,
  quotes: ReadonlyMap<number, Quote>,
  until: bigint,
): readonly (readonly Outlook[])[] {
  const ends: [Outlook[], Outlook[]] = [[], []];
  for (const id of state.marketIds) {
    const [row, params, rules, quote] = [state.market(id), state.params.get(id), state.rules.get(id), quotes.get(id)];
    if (params === undefined || rules === undefined) continue;
    if (row.status >= MarketStatus.SETTLING || quote === undefined) {
      for (const end of ends) end.push({ id, market: row, params });
      continue;
    }
    const maintenanceBps = rampedMaintenance(rules, until);
    const edgeBps = min(quote.edgeBps, min(params.maintenanceBps, maintenanceBps) / 4n);
    const inputs = {
      now: until,
      quote,
      inventoryLots: inventoryLots(state, id),
      openInterest: interestInEffect(state, id),
    };
    const accrued = syncMarket(row, rules, inputs).market;
    ends[0].push({ id, market: { ...row, ...quote, edgeBps }, params: { ...params, maintenanceBps } });
    ends[1].push({ id, market: { ...accrued, edgeBps }, params: { ...params, maintenanceBps } });
  }
  return ends;
}

/** The outlook in doubles. */
export function lensOf({ id, market, params }: Outlook): Lens {
  const at = (side: bigint) => valuationPrice(market, side, Valuation.FAVOURABLE);
  return {
    market: id,
    price: Number(market.price),
    long: Number(at(1n) - market.indexLong),
    short: Number(at(-1n) - market.indexShort),
    maintenance: Number(params.maintenanceBps) / Number(BPS),
    slope: 600_000 / Number(params.rampNotional) / Number(ONE),
  };
}

/**
 * Brings the flat arrays up to what has changed in the mirror, as `settle` would leave the accounts, and `owing` up to whom
 * deleveraging has recorded something against that nobody has settled. Returns how many accounts were read.
 */
export function refreshBook(mirror: Mirror, book: Book, owing: KeyedSet): number {
  const { accounts, markets } = mirror.takeDirty();
  const stale = new KeyedSet(accounts);
  for (const market of markets) for (const account of book.holders(market)) stale.add(account);
  for (const account of stale) {
    if (isSystem(account)) continue;
    const { cash, holdings } = mirror.engine.settled(account);
    book.set(account, cash, holdings);
    const { markets: open } = mirror.state.accounts.get(account);
    const owes = marketsOf(open).some((id) => {
      const { lots } = mirror.state.position(account, id);
      return lots !== (holdings.find(({ market }) => market === id)?.lots ?? 0n);
    });
    if (owes) owing.add(account);
    else owing.delete(account);
  }
  return stale.size;
}

/** The sdk's own answer for `accounts`, at both ends. */
export function exact(
  { engine, state }: Mirror,
  ends: readonly (readonly Outlook[])[],
  accounts: readonly bigint[],
): View[] {
  const worst = new KeyedMap<View>();
  for (const end of ends) {
    const undo = state.recorded(() => {
      for (const { id, market, params } of end) {
        state.patchMarket(id, market);
        state.params.set(id, params);
      }
    });
    try {
      for (const account of accounts) {
        const row = engine.account(account);
        if (row.markets === 0n) continue;
        const edge = engine.health(account, Valuation.FAVOURABLE);
        if (edge.equity >= edge.maintenance) continue;
        const { equity } = engine.health(account, Valuation.MARK);
        const known = worst.get(account);
        if (known !== undefined && known.favourable <= edge.equity) continue;
        const { unhealthySince, markets } = row;
        worst.set(account, {
          account,
          equity,
          favourable: edge.equity,
          maintenance: edge.maintenance,
          unhealthySince,
          markets,
        });
      }
    } finally {
      undo();
    }
  }
  return [...worst.entries()].map(([, view]) => view);
}

/** Accounts below maintenance margin, the deepest first; ties by account. */
export function unhealthy(mirror: Mirror, book: Book, ends: readonly (readonly Outlook[])[]): View[] {
  const found = new KeyedSet(ends.flatMap((end) => book.screen(end.map(lensOf))));
  const shortOf = ({ favourable, maintenance }: View) => maintenance - favourable;
  const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
  return exact(mirror, ends, [...found]).sort(
    (a, b) => compare(shortOf(b), shortOf(a)) || compare(a.account, b.account),
  );
}
