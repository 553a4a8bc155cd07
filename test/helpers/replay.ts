/** Rebuilds the engine's books from its event logs alone: docs/mechanism.md, eq. (1) to (4), (10) and (18). */
import type { LogDescription } from "ethers";
import { abs, max, min, mulDivFloor, sign } from "../../sdk/src/math.ts";
import { FEES } from "./actors.ts";
import type { Fixture } from "./fixture.ts";

export interface ReplayedPosition {
  readonly lots: bigint; // {lot}
  readonly quote: bigint; // {u}
}

export interface ReplayedMarket {
  readonly price: bigint; // {u/lot}
  readonly indexLong: bigint; // {u/lot}
  readonly indexShort: bigint; // {u/lot}
  readonly fundingRate: bigint; // {1e-9 per 8 h}
  readonly state: bigint;
  readonly status: bigint;
  readonly openInterest: bigint; // {lot}
  readonly bucket: bigint; // {u}
  readonly deficit: bigint; // {u}
  readonly maintenanceBps: bigint; // in force
}

/** What MarketSet fixes and the replay needs. */
interface Terms {
  readonly rampNotional: bigint;
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
    | "claimed"
    | "equity"
    | "excess"
    | "from"
    | "fromBucket"
    | "fromFees"
    | "fromInventory"
    | "fundingRate"
    | "indexLong"
    | "indexShort"
    | "left"
    | "lots"
    | "market"
    | "paid"
    | "premium"
    | "price"
    | "reward"
    | "rewardAccount"
    | "seller"
    | "sellerFee"
    | "shortfall"
    | "since"
    | "skimmed"
    | "state"
    | "status"
    | "to"
    | "toDeficit",
    bigint
  >
> & {
  readonly params: { readonly rampNotional: bigint };
  readonly rules: Readonly<Record<"maintenanceTargetBps" | "maintenanceFromBps" | "rampStartedAt", bigint>>;
};

export interface Books {
  readonly cash: Map<bigint, bigint>; // {u}
  readonly clocks: Map<bigint, bigint>; // {s}
  readonly claims: Map<bigint, bigint>; // {u}
  readonly positions: Map<string, ReplayedPosition>;
  readonly markets: Map<number, ReplayedMarket>;
  internalBalance: bigint; // {token}
}

export const positionKey = (account: bigint, market: number) => `${account}:${market}`;

const FLAT: ReplayedPosition = { lots: 0n, quote: 0n };
const UNLISTED: ReplayedMarket = {
  price: 0n,
  indexLong: 0n,
  indexShort: 0n,
  fundingRate: 0n,
  state: 0n,
  status: 0n,
  openInterest: 0n,
  bucket: 0n,
  deficit: 0n,
  maintenanceBps: 0n,
};

/** Applies every event of the engine, oldest first. */
export async function replay(fx: Pick<Fixture, "connection" | "engine">): Promise<Books> {
  const { provider } = fx.connection.ethers;
  const { engine } = fx;
  const logs = await provider.getLogs({ address: await engine.getAddress(), fromBlock: 0 });
  const replayer = createReplayer(await engine.tokenUnit());
  const times = new Map<number, bigint>();
  for (const log of logs) {
    const event = engine.interface.parseLog(log);
    if (event === null) throw new Error(`An event the engine's interface does not know: ${log.topics[0]}`);
    let timestamp = times.get(log.blockNumber);
    if (timestamp === undefined) {
      timestamp = BigInt((await provider.getBlock(log.blockNumber))?.timestamp ?? 0);
      times.set(log.blockNumber, timestamp);
    }
    replayer.apply(event, timestamp);
  }
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
    internalBalance: 0n,
  };
  const terms = new Map<number, Terms>();
  /** Positions that went to the inventory since the last TakenOver, lowest market first. */
  let surrendered: { market: number; lots: bigint }[] = [];

  const add = (map: Map<bigint, bigint>, key: bigint, amount: bigint) => map.set(key, (map.get(key) ?? 0n) + amount);
  const market = (id: number) => books.markets.get(id) ?? UNLISTED;
  const patch = (id: number, changes: Partial<ReplayedMarket>) => books.markets.set(id, { ...market(id), ...changes });

  function move(account: bigint, id: number, delta: bigint, price: bigint, fee: bigint): bigint {
    const before = books.positions.get(positionKey(account, id)) ?? FLAT;
    const { indexLong, indexShort } = market(id);
    const index = (lots: bigint) => (lots > 0n ? indexLong : indexShort);
    const side = sign(before.lots);
    const closed = before.lots * delta < 0n ? min(abs(delta), abs(before.lots)) : 0n;
    const opened = delta + side * closed;
    const kept = before.lots - side * closed;
    const moved = closed === 0n ? 0n : mulDivFloor(before.quote, closed, abs(before.lots)); // (1): all of it at the last lot
    const proceeds = moved + side * closed * (price - index(before.lots));
    const lots = kept + opened;
    const quote = before.quote - moved - opened * (price - index(opened)); // (2)
    add(books.cash, account, closed > 0n ? proceeds - fee : 0n); // (3)
    books.positions.set(positionKey(account, id), { lots, quote: closed > 0n ? quote : quote - fee });
    return max(lots, 0n) - max(before.lots, 0n); // (4)
  }

  const handlers: Record<string, (args: Arguments, timestamp: bigint) => void> = {
    Deposited({ account, amount }) {
      add(books.cash, account, amount * tokenUnit);
      books.internalBalance += amount;
    },
    Withdrawn({ account, paid, claimed }) {
      add(books.cash, account, -(paid * tokenUnit + claimed));
      add(books.claims, account, claimed);
      books.internalBalance -= paid;
    },
    Transferred({ from, to, amount }) {
      add(books.cash, from, -amount);
      add(books.cash, to, amount);
    },
    Filled({ market: index, buyer, seller, lots, price, buyerFee, sellerFee }) {
      const id = Number(index);
      if (buyer <= FEES) surrendered.push({ market: id, lots });
      if (seller <= FEES) surrendered.push({ market: id, lots: -lots });
      const longs = move(buyer, id, lots, price, buyerFee) + move(seller, id, -lots, price, sellerFee);
      const { openInterest, bucket } = market(id);
      patch(id, { openInterest: openInterest + longs, bucket: bucket + buyerFee + sellerFee });
    },
    Synced({ market: index, price, indexLong, indexShort, fundingRate, state, premium }, timestamp) {
      const id = Number(index);
      const { targetBps = 0n, fromBps = 0n, rampStartedAt = timestamp } = terms.get(id) ?? {};
      const maintenanceBps = min(targetBps, fromBps + (timestamp - rampStartedAt) / 360n);
      patch(id, { price, indexLong, indexShort, fundingRate, state, maintenanceBps });
      add(books.cash, FEES, premium);
    },
    ClockSet({ account, since }) {
      books.clocks.set(account, since);
    },
    ShortfallCovered({ market: index, account, shortfall, byBucket, byPool, toDeficit, excess }) {
      const id = Number(index);
      const { bucket, deficit } = market(id);
      patch(id, { bucket: bucket - byBucket + excess, deficit: deficit + toDeficit });
      add(books.cash, account, shortfall);
      books.internalBalance += (byPool + excess) / tokenUnit;
    },
    TakenOver({ account, rewardAccount, equity, reward }) {
      const [first] = surrendered;
      if (first === undefined) throw new Error(`Account ${account} was taken over without a position`);
      if (equity < 0n) {
        patch(first.market, { bucket: market(first.market).bucket - reward }); // ShortfallCovered made it whole
      } else {
        add(books.cash, account, -reward); // the rest went to the inventories by Transferred
      }
      add(books.cash, rewardAccount, reward);
      surrendered = [];
    },
    DeficitReduced({ market: index, amount, left }) {
      const id = Number(index);
      patch(id, { deficit: market(id).deficit - amount });
      if (market(id).deficit !== left)
        throw new Error(`Market ${id} has a deficit of ${left} left, not what was replayed`);
    },
    IncomeCollected({ market: index, fromInventory, fromBucket, fromFees, skimmed, paid }) {
      const id = Number(index);
      add(books.cash, BigInt(index), -fromInventory);
      patch(id, { bucket: market(id).bucket - fromBucket - skimmed });
      add(books.cash, FEES, fromInventory + skimmed - fromFees - paid * tokenUnit);
      books.internalBalance -= paid;
    },
    MarketSet({ market: index, params, rules }) {
      const id = Number(index);
      if (market(id).status === 0n) patch(id, { status: 1n });
      terms.set(id, {
        rampNotional: params.rampNotional,
        targetBps: rules.maintenanceTargetBps,
        fromBps: rules.maintenanceFromBps,
        rampStartedAt: rules.rampStartedAt,
      });
    },
    StatusSet({ market: index, status }) {
      patch(Number(index), { status });
    },
    // say what others have already moved, or nothing about the books
    Liquidated() {},
    OperatorSet() {},
    Connected() {},
    AuthorityUpdated() {},
  };

  return {
    books,
    apply({ name, args }: LogDescription, timestamp: bigint): void {
      const handler = handlers[name];
      if (handler === undefined) throw new Error(`No way to replay ${name}`);
      handler(args as unknown as Arguments, timestamp); // decoded by the ABI that names them
    },
  };
}
