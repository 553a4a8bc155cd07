/** The keeper's copy of the ledger: sdk tables moved by events, block by block, each of which can be taken back. */
import { rebase, record, settlePosition } from "../../../sdk/src/deleverage.ts";
import { createEngine } from "../../../sdk/src/engine.ts";
import { rampedMaintenance } from "../../../sdk/src/funding.ts";
import { KeyedSet } from "../../../sdk/src/keyed.ts";
import { fill } from "../../../sdk/src/ledger.ts";
import { type MarketStatus, type PriceState, MarketStatus as Status } from "../../../sdk/src/types.ts";
import { CLAIMS, FEES, inventoryOf, isSystem } from "../../../sdk/src/units.ts";
import { messageOf } from "../errors.ts";
import type { EventName, Events, KeeperEvent } from "./events.ts";
import { createJournal, type Journal } from "./journal.ts";

/** Two facts of the logs that cannot both be true: some are missing, or the mirror is wrong. */
export class Contradiction extends Error {}

/** A request to leave a pool that is still open. */
export interface Exit {
  readonly pool: string;
  readonly controller: string;
  readonly requestId: bigint;
  readonly lapsesAt: bigint; // {s} of the pool's time
  readonly key: string;
}

const DECIMALS = 12; // of u
const NO_SYNC = (1n << 32n) - 1n; // `syncedAt` of a market that has its settlement price

export type Mirror = ReturnType<typeof createMirror>;

/** @param tokenUnit {u/token} */
export function createMirror(tokenUnit: bigint) {
  const engine = createEngine({ tokenDecimals: DECIMALS - (tokenUnit.toString().length - 1), exchange: 0n });
  const { state } = engine;
  const journal: Journal = createJournal();
  const exits = journal.map<string, Exit>();
  /** Accounts with a claim that income may have paid. */
  const claimants = journal.map<string, bigint>();
  /** Accounts whose figures have changed since they were last asked for, and markets in which everybody's have. */
  const dirty = { accounts: new KeyedSet(), markets: new Set<number>() };

  const agree = (what: string, said: bigint, mirrored: bigint): void => {
    if (said !== mirrored) throw new Contradiction(`The chain says ${what} is ${said}, the mirror ${mirrored}`);
  };

  const handlers: { readonly [N in EventName]: (args: Events[N], address: string) => void } = {
    Deposited: ({ account, amount }) => state.addCash(account, amount * tokenUnit),
    Withdrawn({ account, paid, claimed }) {
      state.addCash(account, -(paid * tokenUnit + claimed));
      if (claimed > 0n) claimants.set(`${account}`, account);
    },
    Transferred({ from, to, amount }) {
      state.addCash(from, -amount);
      state.addCash(to, amount);
    },
    Filled({ market, buyer, seller, lots, price, buyerFee, sellerFee }) {
      const id = Number(market);
      const sides = [buyer, seller].map((account) => ({ account, before: state.position(account, id).lots }));
      fill(state, { market: id, buyer, seller, lots, price }, buyerFee, sellerFee);
      for (const { account, before } of sides) if (!isSystem(account)) rebase(state, account, id, before);
    },
    PositionSettled({ market, account, lots }) {
      agree(`what account ${account} closes`, lots, settlePosition(state, account, Number(market))?.lots ?? 0n);
    },
    Deleveraged({ market, isLong, lots, survival }) {
      const id = Number(market);
      record(state, id, isLong, lots);
      agree("what is left of a lot", survival.product, state.side(id, isLong).survival.product);
      dirty.markets.add(id);
    },
    Synced({ market, state: row, premium }) {
      const id = Number(market);
      const before = state.market(id);
      agree(`open interest of market ${id}`, row.openInterest, before.openInterest);
      state.patchMarket(id, marketOf(row));
      state.addCash(FEES, premium);
      const [params, rules] = [state.params.get(id), state.rules.get(id)];
      if (params === undefined || rules === undefined)
        throw new Contradiction(`Market ${id} was synced before it was listed`);
      if (row.syncedAt !== NO_SYNC)
        state.params.set(id, { ...params, maintenanceBps: rampedMaintenance(rules, row.syncedAt) });
    },
    ClockSet({ account, since }) {
      state.accounts.set(account, { ...state.accounts.get(account), unhealthySince: since });
    },
    TakenOver({ account, rewardAccount, equity, reward }) {
      if (equity >= 0n) state.addCash(account, -reward); // else ShortfallCovered made it whole, and the bucket pays
      state.addCash(rewardAccount, reward);
    },
    ShortfallCovered: ({ account, shortfall }) => state.addCash(account, shortfall),
    LossShared({ market, isLong, perLot }) {
      const { indexLong, indexShort } = state.market(Number(market));
      state.patchMarket(
        Number(market),
        isLong ? { indexLong: indexLong + perLot } : { indexShort: indexShort - perLot },
      );
    },
    ClaimsPaid: ({ amount }) => state.addCash(CLAIMS, amount),
    ClaimCollected({ account, amount, left }) {
      state.addCash(CLAIMS, -amount);
      state.addCash(account, amount);
      if (left === 0n) claimants.delete(`${account}`);
    },
    IncomeCollected({ market, fromInventory, fromBucket, toClaims, toDeficits, paid }) {
      state.addCash(inventoryOf(Number(market)), -fromInventory);
      state.addCash(FEES, fromInventory + fromBucket - toClaims - toDeficits - paid * tokenUnit);
    },
    MarketSet({ market, params, rules }) {
      const id = Number(market);
      if (state.market(id).status === Status.UNLISTED) state.patchMarket(id, { status: Status.ACTIVE });
      state.params.set(id, pick(params, PARAMS));
      state.rules.set(id, pick(rules, RULES));
    },
    StatusSet: ({ market, status }) => state.patchMarket(Number(market), { status: Number(status) as MarketStatus }), // an enum of the ABI
    ExitRequested({ controller, requestId, lapsesAt }, pool) {
      const key = `${pool}:${controller}:${requestId}`;
      exits.set(key, { pool, controller, requestId, lapsesAt, key });
    },
    ExitCancelled({ controller, requestId }, pool) {
      exits.delete(`${pool}:${controller}:${requestId}`);
    },
    ExitClaimed() {}, // in parts, too: the pool is asked before anything is done about a request
  };

  function apply<N extends EventName>(event: Extract<KeeperEvent, { name: N }>): void {
    (handlers[event.name] as (args: unknown, address: string) => void)(event.args, event.address); // the handler of its name
  }

  function note(accounts: Iterable<bigint>, markets: Iterable<number>): void {
    for (const account of accounts) dirty.accounts.add(account);
    for (const market of markets) dirty.markets.add(market);
  }

  return {
    engine,
    state,
    exits: exits.rows,
    claimants: claimants.rows,

    /** Applies a block's events, all or none; returns what takes them back, latest first. @throws Contradiction */
    apply(events: readonly KeeperEvent[]): () => void {
      const marketsBefore = new Set(dirty.markets);
      const undoJournal = journal.begin();
      let undoState: () => void;
      try {
        undoState = state.recorded(() => events.forEach(apply));
      } catch (error) {
        undoJournal();
        if (error instanceof Contradiction) throw error;
        throw new Contradiction(`The mirror cannot follow: ${messageOf(error)}`, { cause: error }); // the contracts have done it
      }
      const accounts = [...state.accounts.touched, ...[...state.positions.touched].map((key) => key >> 6n)];
      const markets = [...dirty.markets].filter((id) => !marketsBefore.has(id));
      note(accounts, []);
      return () => {
        undoState();
        undoJournal();
        note(accounts, markets);
      };
    },

    /** What has changed since the last call. */
    takeDirty(): { readonly accounts: KeyedSet; readonly markets: ReadonlySet<number> } {
      const taken = { accounts: new KeyedSet(dirty.accounts), markets: new Set(dirty.markets) };
      dirty.accounts.clear();
      dirty.markets.clear();
      return taken;
    },
    /** For a mirror that was filled from disk. */
    note,
    restoreExit: (exit: Exit) => exits.set(exit.key, exit),
    restoreClaimant: (account: bigint) => claimants.set(`${account}`, account),
  };
}

const PARAMS = [
  ...(["initialBps", "maintenanceBps", "rampNotional", "bandBps", "minLots", "takerFeePpm"] as const),
  ...(["makerRebatePpm", "discountBps", "liquidatorShareBps", "takeoverReward"] as const),
] as const;
const RULES = [
  ...(["shockBps", "stakeShareBps", "interestRate", "skewFactor", "fundingCap", "premiumRate"] as const),
  ...(["bucketTarget", "maintenanceTargetBps", "maintenanceFromBps", "rampStartedAt"] as const),
] as const;
const ROW = [
  ...(["price", "indexLong", "indexShort", "validUntil", "syncedAt", "openInterest", "openInterestCap"] as const),
  ...([
    "bucket",
    "premiumRemainder",
    "fundingRemainder",
    "low",
    "high",
    "slow",
    "fundingRate",
    "edgeBps",
    "level",
  ] as const),
] as const;

/** Decoded structs are arrays with names; the tables keep plain records. */
function pick<K extends string>(from: Readonly<Record<K, bigint>>, names: readonly K[]): Record<K, bigint> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Record<K, bigint>; // every name is in the list
}

const marketOf = (row: Events["Synced"]["state"]) => ({
  ...pick(row, ROW),
  state: Number(row.state) as PriceState, // enums of the ABI
  status: Number(row.status) as MarketStatus,
});
