/** The keeper's hands: reads the chain, asks keeper.ts what to do, simulates, sends. Takes what the chain refuses as an answer. */
import { type Entry, equityOf, type Prices } from "./checks.ts";
import { type Action, actionsFor, createMemory, isUnhealthy, type View, worstFirst } from "./keeper.ts";
import type { Reader } from "./reader.ts";
import { abi, INVENTORY, MARKET } from "./site.ts";
import type { World } from "./world.ts";

/** Accounts in one transaction; most have nothing to settle. */
const SETTLED_AT_ONCE = 50;
const MAX_LOTS = 2n ** 56n - 1n;
/** Accounts with less equity than this share of their notional are looked at: thrice the maintenance margin. */
const NEAR_BPS = 1_000n;
/** Below the mark, what the keeper gives to a maker who takes its lots. {bps} */
const UNWIND_DISCOUNT = 10n;

export interface Agent {
  /** Steps until it does something about what it sees. */
  readonly latency: number;
  /** Whatever is due now. @param entries the ledger after the last step */
  act(entries: readonly Entry[]): Promise<void>;
  collectIncome(): Promise<void>;
  /** Nothing is asked of it any more. */
  stop(): Promise<void>;
}

/** The drill's own keeper, which acts late. */
export function createAgent(world: World, reader: Reader, latency: number): Agent {
  const { chain, addresses, keeper, makers } = world;
  const memory = createMemory(latency);
  const trySend = (data: string) => chain.trySend(keeper.address, addresses.engine, data);

  const encode: Record<Action, (account: bigint) => string> = {
    liquidateToAmm: (account) =>
      abi.engine.encodeFunctionData("liquidateToAmm", [account, MARKET, keeper.account, MAX_LOTS, 0n]),
    liquidate: (account) => abi.engine.encodeFunctionData("liquidate", [account, MARKET, keeper.account, MAX_LOTS, 0n]),
    takeover: (account) => abi.engine.encodeFunctionData("takeover", [account, keeper.account]),
    flag: (account) => abi.engine.encodeFunctionData("flag", [account]),
  };

  /** What the AMM has no depth for is left to what comes next. */
  async function close(view: View, now: bigint): Promise<void> {
    for (const action of actionsFor(view, now)) {
      if (!(await trySend(encode[action](view.account)))) continue;
      if (action !== "liquidateToAmm") return;
      const [left] = await reader.views([view.account]);
      if (left === undefined || !isUnhealthy(left)) return;
    }
  }

  /** Hands what the keeper holds to makers, at a small loss: it is there to liquidate, not to speculate. */
  async function unwind(price: bigint): Promise<void> {
    const [mine, ...theirs] = await reader.entries([keeper.account, ...makers.map(({ account }) => account)]);
    let held = mine?.lots ?? 0n;
    const long = held > 0n;
    const discount = (price * UNWIND_DISCOUNT) / 10_000n; // down
    const appetite = makers
      .map((maker, i) => ({ maker, closes: (theirs[i]?.lots ?? 0n) * (long ? -1n : 1n) }))
      .sort((a, b) => compare(b.closes, a.closes));

    for (const { maker, closes } of appetite) {
      if (held === 0n) return;
      const all = held < 0n ? -held : held;
      const lots = closes > 0n && closes < all ? closes : all;
      const pair = await world.pair(maker, keeper, long, lots, long ? price - discount : price + discount);
      const settle = abi.exchange.encodeFunctionData("settle", [pair]);
      if (await chain.trySend(keeper.address, addresses.exchange, settle)) held += long ? -lots : lots;
    }
  }

  /** Closes winners for what the pool holds beyond its cap, then brings every position of theirs up to date. */
  async function deleverage(): Promise<void> {
    const { held, holds } = await reader.held();
    if ((held < 0n ? -held : held) <= holds) return;
    if (!(await trySend(abi.engine.encodeFunctionData("deleverage", [MARKET])))) return;
    const users = world.accounts.filter((account) => account >> 96n !== 0n);
    for (let i = 0; i < users.length; i += SETTLED_AT_ONCE) {
      const calls = users
        .slice(i, i + SETTLED_AT_ONCE)
        .map((account) => abi.engine.encodeFunctionData("settle", [account]));
      await chain.send(keeper.address, addresses.engine, abi.multicall.encodeFunctionData("multicall", [calls]));
    }
  }

  return {
    latency,
    async act(entries) {
      const now = await reader.prices();
      const views = await reader.views([
        INVENTORY,
        ...world.accounts.filter((account, i) => account !== INVENTORY && isNear(entries[i], now)),
      ]);
      const inventory = views.shift();
      const unhealthy = worstFirst(views);
      const known = memory.observe(unhealthy);
      const due = unhealthy.filter(({ account }) => known.has(account));
      if (due.length > 0) {
        const time = BigInt(chain.now());
        for (const view of due) await close(view, time);
        await unwind(now.price);
      }
      if (inventory !== undefined && inventory.equity < 0n)
        await trySend(abi.engine.encodeFunctionData("coverInventory", [MARKET]));
      await deleverage();
    },
    async collectIncome() {
      await trySend(abi.engine.encodeFunctionData("collectIncome", [MARKET]));
    },
    async stop() {},
  };
}

/** A sieve, so that not everybody's health is asked for at every step: what passes is judged by the chain's own view. */
function isNear(entry: Entry | undefined, now: Prices): boolean {
  if (entry === undefined || entry.lots === 0n) return false;
  const notional = (entry.lots < 0n ? -entry.lots : entry.lots) * now.price;
  return equityOf(entry, now) * 10_000n < notional * NEAR_BPS;
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
