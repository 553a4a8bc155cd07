/** Rebuilds the engine's books from its event logs alone: docs/mechanism.md, "Replay". Says no when the logs contradict themselves. */
import type { LogDescription } from "ethers";
import { Contradiction, type FilledLots, fillsOfTakeover } from "../../sdk/src/attribution.ts";
import { abs, max, min, mulDivFloor, sign } from "../../sdk/src/math.ts";
import { PriceState } from "../../sdk/src/types.ts";
import { CLAIMS, FEES } from "./actors.ts";
import type { Fixture } from "./fixture.ts";

export interface ReplayedPosition {
  readonly lots: bigint; // {lot}
  readonly quote: bigint; // {u}
}

/** Fields of IMarginEngine.Market. */
const MARKET_FIELDS = [
  "price",
  "indexLong",
  "indexShort",
  "validUntil",
  "syncedAt",
  "openInterest",
  "openInterestCap",
  "level",
  "bucket",
  "premiumRemainder",
  "fundingRemainder",
  "status",
  "low",
  "high",
  "slow",
  "fundingRate",
  "edgeBps",
  "state",
] as const;

export type ReplayedMarket = Readonly<Record<(typeof MARKET_FIELDS)[number], bigint>>;

/** The market as plain data; `market` is what the contract or an event answered. */
export const marketOf = (market: ReplayedMarket): ReplayedMarket =>
  Object.fromEntries(MARKET_FIELDS.map((field) => [field, market[field]])) as ReplayedMarket; // every field is listed

export interface ReplayedSide {
  readonly product: bigint; // {2^-77}
  readonly value: bigint; // {2^-77 u/lot}
  readonly epoch: bigint;
  readonly pending: bigint; // {lot}
  readonly pendingQuote: bigint; // {u}
}

export interface ReplayedRecovery {
  readonly shared: bigint; // {u/lot}
  readonly sharedBefore: bigint; // {u/lot}
  readonly hour: bigint;
  readonly badAt: bigint; // {s}
  readonly since: bigint; // {s}
}

/** What MarketSet fixes and a sync moves: maintenance margin in force. */
interface Terms {
  readonly targetBps: bigint;
  readonly fromBps: bigint;
  readonly rampStartedAt: bigint;
}

/** Every argument that a handler below asks for, under its name in IMarginEngine. */
type Arguments = Readonly<
  Record<
    | "account"
    | "amount"
    | "buyer"
    | "buyerFee"
    | "byBucket"
    | "byPool"
    | "byShare"
    | "claimed"
    | "collected"
    | "equity"
    | "excess"
    | "from"
    | "fromBucket"
    | "fromInventory"
    | "left"
    | "lots"
    | "market"
    | "paid"
    | "perLot"
    | "premium"
    | "price"
    | "reward"
    | "rewardAccount"
    | "seller"
    | "sellerFee"
    | "shortfall"
    | "since"
    | "status"
    | "to"
    | "toClaims"
    | "toDeficit"
    | "toDeficits"
    | "writtenOff",
    bigint
  >
> & {
  readonly isLong: boolean;
  readonly isFinal: boolean;
  readonly state: ReplayedMarket;
  readonly survival: Pick<ReplayedSide, "product" | "value" | "epoch">;
  readonly rules: Readonly<Record<"maintenanceTargetBps" | "maintenanceFromBps" | "rampStartedAt", bigint>>;
  readonly cap: { readonly lots: bigint; readonly bps: bigint };
};

/** Where an event stands in the chain. */
export interface Moment {
  readonly timestamp: bigint; // {s}
  readonly transaction: string;
}

export interface Books {
  readonly cash: Map<bigint, bigint>; // {u}
  readonly clocks: Map<bigint, bigint>; // {s}
  readonly claims: Map<bigint, bigint>; // {u} as last collected
  readonly positions: Map<string, ReplayedPosition>; // as last settled
  readonly markets: Map<number, ReplayedMarket>;
  readonly sides: Map<string, ReplayedSide>;
  readonly recoveries: Map<number, ReplayedRecovery>;
  readonly deficits: Map<number, bigint>; // {u}
  readonly maintenanceBps: Map<number, bigint>;
  readonly inventoryCaps: Map<number, { readonly lots: bigint; readonly bps: bigint }>;
  internalBalance: bigint; // {token}
  totalClaims: bigint; // {u}
}

export const positionKey = (account: bigint, market: number) => `${account}:${market}`;
export const sideKey = (market: number, isLong: boolean) => `${market}:${isLong ? "long" : "short"}`;

export const UNTOUCHED_SIDE: ReplayedSide = { product: 0n, value: 0n, epoch: 0n, pending: 0n, pendingQuote: 0n };
export const NO_RECOVERY: ReplayedRecovery = { shared: 0n, sharedBefore: 0n, hour: 0n, badAt: 0n, since: 0n };
/** What holds until governance says otherwise. */
export const DEFAULT_CAP = { lots: 2n ** 56n - 1n, bps: 3_500n } as const;

const FLAT: ReplayedPosition = { lots: 0n, quote: 0n };
const UNLISTED = Object.fromEntries(MARKET_FIELDS.map((field) => [field, 0n])) as ReplayedMarket; // every field is listed
const HALF_LIFE = 3_600n; // {s} of the slow EMA
/** The deficit of the engine itself. */
export const ENGINE = 64;
const ACTIVE = 1n;
const WINDING_DOWN = 3n;
const BOUND = BigInt(PriceState.BOUND);
const NO_SYNC = 2n ** 32n - 1n; // `syncedAt` of a market that is never synced again

function agree(what: string, said: unknown, replayed: unknown): void {
  if (said !== replayed) throw new Contradiction(`The log says ${what} is ${said}, the replay ${replayed}`);
}

export interface ReplayedLog {
  readonly event: LogDescription;
  readonly moment: Moment;
}

/** Every event of the engine, oldest first. */
export async function logsOf({ connection, engine }: Pick<Fixture, "connection" | "engine">): Promise<ReplayedLog[]> {
  const { provider } = connection.ethers;
  const logs = await provider.getLogs({ address: await engine.getAddress(), fromBlock: 0 });
  const times = new Map<number, bigint>();
  const found: ReplayedLog[] = [];
  for (const log of logs) {
    const event = engine.interface.parseLog(log);
    if (event === null) throw new Error(`An event the engine's interface does not know: ${log.topics[0]}`);
    let timestamp = times.get(log.blockNumber);
    if (timestamp === undefined) {
      timestamp = BigInt((await provider.getBlock(log.blockNumber))?.timestamp ?? 0);
      times.set(log.blockNumber, timestamp);
    }
    found.push({ event, moment: { timestamp, transaction: log.transactionHash } });
  }
  return found;
}

/** The books after `logs`. @param tokenUnit {u/token} */
export function replay(logs: readonly ReplayedLog[], tokenUnit: bigint): Books {
  const replayer = createReplayer(tokenUnit);
  for (const { event, moment } of logs) replayer.apply(event, moment);
  return replayer.books;
}

/** `tokenUnit` {u/token} */
export function createReplayer(tokenUnit: bigint) {
  const books: Books = {
    cash: new Map(),
    clocks: new Map(),
    claims: new Map(),
    positions: new Map(),
    markets: new Map(),
    sides: new Map(),
    recoveries: new Map(),
    deficits: new Map(),
    maintenanceBps: new Map(),
    inventoryCaps: new Map(),
    internalBalance: 0n,
    totalClaims: 0n,
  };
  const terms = new Map<number, Terms>();
  /** Fills of this transaction that no liquidation or takeover has claimed yet. */
  let waiting: { transaction: string; fills: FilledLots[] } = { transaction: "", fills: [] };
  /** {u} of the LossShared that belongs to the next ShortfallCovered. */
  let collectedByShare = 0n;

  const add = <K>(map: Map<K, bigint>, key: K, amount: bigint) => map.set(key, (map.get(key) ?? 0n) + amount);
  const market = (id: number) => books.markets.get(id) ?? UNLISTED;
  const patch = (id: number, changes: Partial<ReplayedMarket>) => books.markets.set(id, { ...market(id), ...changes });
  const side = (id: number, isLong: boolean) => books.sides.get(sideKey(id, isLong)) ?? UNTOUCHED_SIDE;
  const recovery = (id: number) => books.recoveries.get(id) ?? NO_RECOVERY;
  const recover = (id: number, changes: Partial<ReplayedRecovery>) =>
    books.recoveries.set(id, { ...recovery(id), ...changes });
  const indexOf = (id: number, isLong: boolean) => (isLong ? market(id).indexLong : market(id).indexShort);

  function move(account: bigint, id: number, delta: bigint, price: bigint, fee: bigint): bigint {
    const before = books.positions.get(positionKey(account, id)) ?? FLAT;
    const index = (lots: bigint) => indexOf(id, lots > 0n);
    const direction = sign(before.lots);
    const closed = before.lots * delta < 0n ? min(abs(delta), abs(before.lots)) : 0n;
    const opened = delta + direction * closed;
    const kept = before.lots - direction * closed;
    const moved = closed === 0n ? 0n : mulDivFloor(before.quote, closed, abs(before.lots)); // (1): all of it at the last lot
    const proceeds = moved + direction * closed * (price - index(before.lots));
    const lots = kept + opened;
    const quote = before.quote - moved - opened * (price - index(opened)); // (2)
    add(books.cash, account, closed > 0n ? proceeds - fee : 0n); // (3)
    books.positions.set(positionKey(account, id), { lots, quote: closed > 0n ? quote : quote - fee });
    return max(lots, 0n) - max(before.lots, 0n); // (4)
  }

  const handlers: Record<string, (args: Arguments, moment: Moment) => void> = {
    Deposited({ account, amount }) {
      add(books.cash, account, amount * tokenUnit);
      books.internalBalance += amount;
    },
    Withdrawn({ account, paid, claimed }) {
      add(books.cash, account, -(paid * tokenUnit + claimed));
      add(books.claims, account, claimed);
      books.totalClaims += claimed;
      books.internalBalance -= paid;
    },
    Transferred({ from, to, amount }) {
      add(books.cash, from, -amount);
      add(books.cash, to, amount);
    },
    Filled({ market: index, buyer, seller, lots, price, buyerFee, sellerFee }, { transaction }) {
      const id = Number(index);
      const fills = waiting.transaction === transaction ? waiting.fills : [];
      waiting = { transaction, fills: [...fills, { market: id, buyer, seller, lots, buyerFee, sellerFee }] };
      const longs = move(buyer, id, lots, price, buyerFee) + move(seller, id, -lots, price, sellerFee);
      const { openInterest, bucket } = market(id);
      patch(id, { openInterest: openInterest + longs, bucket: bucket + buyerFee + sellerFee });
    },
    PositionSettled({ market: index, account, isLong, lots, price }) {
      const id = Number(index);
      const [buyer, seller] = isLong ? [index, account] : [account, index]; // the inventory's account has the market's number
      const longs = move(buyer, id, lots, price, 0n) + move(seller, id, -lots, price, 0n);
      patch(id, { openInterest: market(id).openInterest + longs });
      const before = side(id, isLong);
      const { openInterest } = market(id);
      const own = books.positions.get(positionKey(index, id))?.lots ?? 0n;
      const held = openInterest - max(0n, isLong ? own : -own); // stored with others than the pool
      const pending = held === 0n ? 0n : max(0n, before.pending - lots);
      const shifted = price - indexOf(id, isLong);
      const pendingQuote = pending === 0n ? 0n : before.pendingQuote - lots * shifted;
      books.sides.set(sideKey(id, isLong), { ...before, pending, pendingQuote });
    },
    Deleveraged({ market: index, isLong, lots, price, survival }) {
      const id = Number(index);
      agree("the price of the closing", price, market(id).price);
      const { pending, pendingQuote } = side(id, isLong);
      books.sides.set(sideKey(id, isLong), {
        product: survival.product,
        value: survival.value,
        epoch: survival.epoch,
        pending: pending + lots,
        pendingQuote: pendingQuote + lots * (price - indexOf(id, isLong)),
      });
    },
    Synced({ market: index, state, premium }, { timestamp }) {
      const id = Number(index);
      const next = marketOf(state);
      const before = market(id);
      agree("open interest", next.openInterest, before.openInterest); // what others move is told by others
      agree("the bucket", next.bucket, before.bucket);
      agree("the status", next.status, before.status);
      books.markets.set(id, next);
      add(books.cash, FEES, premium);
      if (next.syncedAt === NO_SYNC) return; // the settlement price, not the oracle's
      if (next.state >= BOUND) recover(id, { badAt: timestamp });
      const { targetBps = 0n, fromBps = 0n, rampStartedAt = timestamp } = terms.get(id) ?? {};
      books.maintenanceBps.set(id, min(targetBps, fromBps + (timestamp - rampStartedAt) / 360n));
    },
    SettlementPriceSet({ market: index, price }) {
      agree("the settlement price", price, market(Number(index)).price);
    },
    ClockSet({ account, since }) {
      books.clocks.set(account, since);
    },
    LossShared({ market: index, isLong, perLot, collected }, { timestamp }) {
      const id = Number(index);
      const { indexLong, indexShort, openInterest } = market(id);
      agree("what the share collected", collected, perLot * openInterest);
      patch(id, isLong ? { indexLong: indexLong + perLot } : { indexShort: indexShort - perLot });
      collectedByShare += collected;
      const hour = timestamp / HALF_LIFE;
      const { shared, sharedBefore, hour: last } = recovery(id);
      const [now, before] = hour === last ? [shared, sharedBefore] : [0n, hour === last + 1n ? shared : 0n];
      recover(id, { shared: now + perLot, sharedBefore: before, hour });
    },
    ShortfallCovered({ market: index, account, shortfall, byBucket, byPool, byShare, toDeficit, excess }) {
      const id = Number(index);
      agree("the sum of the layers", byBucket + byPool + byShare + toDeficit, shortfall);
      patch(id, { bucket: market(id).bucket - byBucket + excess });
      add(books.deficits, id, toDeficit);
      add(books.cash, account, shortfall);
      books.internalBalance += (byPool + byShare + excess - collectedByShare) / tokenUnit;
      collectedByShare = 0n;
    },
    TakenOver({ account, rewardAccount, equity, reward }, { transaction }) {
      const [lowest] = fillsOfTakeover(waiting.transaction === transaction ? waiting.fills : [], account);
      if (equity < 0n && lowest !== undefined) {
        const first = lowest.market;
        patch(first, { bucket: market(first).bucket - reward }); // ShortfallCovered made it whole
      } else {
        add(books.cash, account, -reward); // the rest went to the inventories by Transferred
      }
      add(books.cash, rewardAccount, reward);
      waiting = { transaction, fills: [] };
    },
    DeficitReduced({ market: index, amount, left }) {
      const id = Number(index);
      add(books.deficits, id, -amount);
      agree(`the deficit of ${id}`, left, books.deficits.get(id));
    },
    EngineDeficitCovered({ writtenOff }) {
      books.internalBalance -= writtenOff; // what the pool paid only fills the hole
      add(books.deficits, ENGINE, writtenOff * tokenUnit);
    },
    EngineDeficitRepaid({ amount }) {
      books.internalBalance += amount; // DeficitReduced tells of the deficit
    },
    ClaimsPaid({ amount, left }) {
      add(books.cash, CLAIMS, amount);
      books.totalClaims -= amount;
      agree("the sum of the claims", left, books.totalClaims);
    },
    ClaimCollected({ account, amount, left }) {
      add(books.cash, CLAIMS, -amount);
      add(books.cash, account, amount);
      add(books.claims, account, -amount);
      agree(`the claim of ${account}`, left, books.claims.get(account));
    },
    IncomeCollected({ market: index, fromInventory, fromBucket, toClaims, toDeficits, paid }) {
      const id = Number(index);
      add(books.cash, index, -fromInventory);
      patch(id, { bucket: market(id).bucket - fromBucket });
      add(books.cash, FEES, fromInventory + fromBucket - toClaims - toDeficits - paid * tokenUnit);
      books.internalBalance -= paid;
    },
    MarketSet({ market: index, rules }) {
      const id = Number(index);
      if (market(id).status === 0n) patch(id, { status: ACTIVE });
      terms.set(id, {
        targetBps: rules.maintenanceTargetBps,
        fromBps: rules.maintenanceFromBps,
        rampStartedAt: rules.rampStartedAt,
      });
    },
    StatusSet({ market: index, status }, { timestamp }) {
      patch(Number(index), { status });
      if (status >= WINDING_DOWN) recover(Number(index), { since: timestamp });
    },
    InventoryCapSet({ market: index, cap }) {
      books.inventoryCaps.set(Number(index), { lots: cap.lots, bps: cap.bps });
    },
    // say what others have already moved, or nothing about the books
    Liquidated() {
      waiting = { transaction: "", fills: [] };
    },
    OperatorSet() {},
    Connected() {},
    AuthorityUpdated() {},
  };

  return {
    books,
    apply({ name, args }: LogDescription, moment: Moment): void {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`No way to replay ${name}`);
      handler(args as unknown as Arguments, moment); // decoded by the ABI that names them
    },
  };
}
