/** The state of the model: tables of frozen records with a journal, so that a failed operation leaves no trace. */

import { KeyedMap, KeyedSet } from "./keyed.ts";
import { min } from "./math.ts";
import type { Risk, VolatilityLimits } from "./risk.ts";
import { NO_RISK } from "./risk.ts";
import type { Survival } from "./survival.ts";
import { NO_SURVIVAL } from "./survival.ts";
import type { Account, InventoryCap, Market, MarketParams, MarketRules, Position, Recovery, Side } from "./types.ts";
import { MarketStatus, PriceState } from "./types.ts";

/** Rows by key; a key never written has the empty row, as in Solidity's mappings. */
export class Table<V> {
  readonly #rows = new KeyedMap<V>();
  readonly #undo: (() => void)[];
  readonly touched = new KeyedSet();
  readonly empty: V;

  constructor(empty: V, undo: (() => void)[]) {
    this.empty = empty;
    this.#undo = undo;
  }

  get(key: bigint): V {
    return this.#rows.get(key) ?? this.empty;
  }

  set(key: bigint, value: V): void {
    const before = this.get(key);
    this.#undo.push(() => this.#rows.set(key, before));
    this.#rows.set(key, value);
    this.touched.add(key);
  }

  /** Every row ever written, a rolled-back one as the empty row. */
  entries(): IterableIterator<[bigint, V]> {
    return this.#rows.entries();
  }
}

const NO_MARKET: Market = {
  price: 0n,
  low: 0n,
  high: 0n,
  slow: 0n,
  validUntil: 0n,
  edgeBps: 0n,
  state: PriceState.OK,
  indexLong: 0n,
  indexShort: 0n,
  syncedAt: 0n,
  openInterest: 0n,
  openInterestCap: 0n,
  level: 0n,
  bucket: 0n,
  premiumRemainder: 0n,
  fundingRemainder: 0n,
  fundingRate: 0n,
  status: MarketStatus.UNLISTED,
};

const NO_RECOVERY: Recovery = { shared: 0n, sharedBefore: 0n, hour: 0n, badAt: 0n, since: 0n };
const NO_SIDE: Side = { survival: NO_SURVIVAL, pending: 0n, pendingQuote: 0n };

export interface Totals {
  readonly internalBalance: bigint; // {token}
  readonly totalClaims: bigint; // {u}
  readonly claimSurvival: Survival; // what is left of a unit of claim
}

/** Key of one side of a market. */
export const sideKey = (market: number, isLong: boolean): bigint => (BigInt(market) << 1n) | (isLong ? 1n : 0n);
const endKey = (market: number, isLong: boolean, epoch: bigint): bigint => (epoch << 7n) | sideKey(market, isLong);

/** Key of a position row. */
export const positionKey = (account: bigint, market: number): bigint => (account << 6n) | BigInt(market);

/** Everything the engine stores. Amounts in u unless said otherwise. */
export class State {
  readonly #undo: (() => void)[] = [];
  readonly accounts = new Table<Account>({ cash: 0n, markets: 0n, unhealthySince: 0n }, this.#undo);
  readonly positions = new Table<Position>({ lots: 0n, quote: 0n }, this.#undo);
  readonly markets = new Table<Market>(NO_MARKET, this.#undo);
  readonly deficits = new Table<bigint>(0n, this.#undo);
  readonly recovery = new Table<Recovery>(NO_RECOVERY, this.#undo);
  readonly inventoryCaps = new Table<InventoryCap>({ lots: 0n, bps: 0n }, this.#undo);
  readonly sides = new Table<Side>(NO_SIDE, this.#undo);
  readonly sideEnds = new Table<bigint>(0n, this.#undo);
  readonly checkpoints = new Table<Survival>(NO_SURVIVAL, this.#undo);
  /** As of the account's checkpoint; `outstanding` of claims.ts says what is left. */
  readonly claims = new Table<bigint>(0n, this.#undo);
  readonly claimCheckpoints = new Table<Survival>(NO_SURVIVAL, this.#undo);
  readonly claimEnds = new Table<bigint>(0n, this.#undo);
  /** What the risk engine remembers of a market. */
  readonly risks = new Table<Risk>(NO_RISK, this.#undo);
  /** Key 0 only. */
  readonly totals = new Table<Totals>({ internalBalance: 0n, totalClaims: 0n, claimSurvival: NO_SURVIVAL }, this.#undo);
  readonly #tables = [
    ...[this.accounts, this.positions, this.markets, this.deficits, this.recovery, this.inventoryCaps, this.sides],
    ...[this.sideEnds, this.checkpoints, this.claims, this.claimCheckpoints, this.claimEnds, this.risks, this.totals],
  ];
  readonly params = new Map<number, MarketParams>();
  readonly rules = new Map<number, MarketRules>();
  /** Of volatility; a market without is at level 0. */
  readonly limits = new Map<number, VolatilityLimits>();

  get internalBalance(): bigint {
    return this.totals.get(0n).internalBalance;
  }

  get totalClaims(): bigint {
    return this.totals.get(0n).totalClaims;
  }

  get totalDeficit(): bigint {
    let sum = 0n;
    for (const [, deficit] of this.deficits.entries()) sum += deficit;
    return sum;
  }

  /** {u} potential liabilities of all markets, each as of its last observation */
  get liabilities(): bigint {
    let sum = 0n;
    for (const [, { liability }] of this.risks.entries()) sum += liability;
    return sum;
  }

  market(id: number): Market {
    return this.markets.get(BigInt(id));
  }

  position(account: bigint, market: number): Position {
    return this.positions.get(positionKey(account, market));
  }

  side(market: number, isLong: boolean): Side {
    return this.sides.get(sideKey(market, isLong));
  }

  setSide(market: number, isLong: boolean, side: Side): void {
    this.sides.set(sideKey(market, isLong), side);
  }

  /** {2^-77 u/lot} V at the end of an epoch of a side. */
  sideEnd(market: number, isLong: boolean, epoch: bigint): bigint {
    return this.sideEnds.get(endKey(market, isLong, epoch));
  }

  setSideEnd(market: number, isLong: boolean, epoch: bigint, value: bigint): void {
    this.sideEnds.set(endKey(market, isLong, epoch), value);
  }

  /** Listed markets, ascending. */
  get marketIds(): number[] {
    return [...this.params.keys()].sort((a, b) => a - b);
  }

  addBalance(tokens: bigint): void {
    this.patchTotals({ internalBalance: this.internalBalance + tokens });
  }

  /** Changes a market's deficit by `amount` u. */
  addDeficit(market: number, amount: bigint): void {
    const key = BigInt(market);
    this.deficits.set(key, this.deficits.get(key) + amount);
  }

  /** Lowers the deficits by `amount` u in all, lowest number first; at most their sum. */
  lowerDeficits(amount: bigint): void {
    let left = amount;
    for (const [id] of [...this.deficits.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const part = min(left, this.deficits.get(id));
      if (part > 0n) this.addDeficit(Number(id), -part);
      left -= part;
    }
  }

  addCash(account: bigint, amount: bigint): void {
    const row = this.accounts.get(account);
    this.accounts.set(account, { ...row, cash: row.cash + amount });
  }

  patchTotals(patch: Partial<Totals>): void {
    this.totals.set(0n, { ...this.totals.get(0n), ...patch });
  }

  patchMarket(id: number, patch: Partial<Market>): void {
    this.markets.set(BigInt(id), { ...this.market(id), ...patch });
  }

  /** Runs `operation`; when it throws, every write is undone. The touched sets afterwards are those of this call. */
  atomically<T>(operation: () => T): T {
    const [params, rules] = [new Map(this.params), new Map(this.rules)];
    for (const table of this.#tables) table.touched.clear();
    this.#undo.length = 0;
    try {
      return operation();
    } catch (error) {
      while (this.#undo.length > 0) this.#undo.pop()?.();
      for (const [id, value] of params) this.params.set(id, value);
      for (const [id, value] of rules) this.rules.set(id, value);
      throw error;
    }
  }

  /** `atomically`, and what takes it back: to be called when every later operation has been taken back. */
  recorded(operation: () => void): () => void {
    const [params, rules] = [new Map(this.params), new Map(this.rules)];
    this.atomically(operation);
    const undo = this.#undo.splice(0);
    return () => {
      while (undo.length > 0) undo.pop()?.();
      this.#undo.length = 0;
      restore(this.params, params);
      restore(this.rules, rules);
    };
  }
}

function restore<V>(now: Map<number, V>, before: ReadonlyMap<number, V>): void {
  now.clear();
  for (const [id, value] of before) now.set(id, value);
}
