/** Reads the whole ledger in few calls, as numbers for the checks and views for the keeper. */
import type { Entry, Prices, Totals } from "./checks.ts";
import type { View } from "./keeper.ts";
import { abi, MARKET, TOKEN_UNIT } from "./site.ts";
import type { World } from "./world.ts";

/** The pool's position in the market. */
export interface Held {
  readonly held: bigint; // {lot} by the pool, what is not settled yet included
  readonly holds: bigint; // {lot} at most, before winners are closed
}

export interface Overview extends Totals, Held {
  readonly cap: bigint; // {lot} at level 0
  readonly level: number; // of intervention, 0 to 4
  readonly poolAssets: bigint; // {u} what the shares of both pools are worth together
  readonly juniorAssets: bigint; // {u} of it those of the junior one
  readonly sharePrice: bigint; // {u} of one senior share
  readonly juniorSharePrice: bigint; // {u} of one junior share
}

export interface Reader {
  /** Of all accounts, in the order of `world.accounts`. */
  ledger(): Promise<Entry[]>;
  entries(accounts: readonly bigint[]): Promise<Entry[]>;
  overview(): Promise<Overview>;
  prices(): Promise<Prices>;
  held(): Promise<Held>;
  views(accounts: readonly bigint[]): Promise<View[]>;
}

const WORD = 64; // hex digits

/** The words of an ABI-encoded int256[], without the cost of a general decoder. */
function words(encoded: string): bigint[] {
  const start = 2 + 2 * WORD; // 0x, offset, length
  return Array.from({ length: (encoded.length - start) / WORD }, (_, i) =>
    BigInt.asIntN(256, BigInt(`0x${encoded.slice(start + i * WORD, start + (i + 1) * WORD)}`)),
  );
}

/** Groups of `size`, each made into a record. */
function grouped<T>(flat: readonly bigint[], size: number, make: (group: bigint[]) => T): T[] {
  return Array.from({ length: flat.length / size }, (_, i) => make(flat.slice(i * size, (i + 1) * size)));
}

export function createReader({ chain, addresses, accounts }: Pick<World, "chain" | "addresses" | "accounts">): Reader {
  const { engine, junior, senior, probe } = addresses;
  const encodeLedger = (of: readonly bigint[]) => abi.probe.encodeFunctionData("ledger", [engine, MARKET, [...of]]);
  const ledgerCall = encodeLedger(accounts);
  const marketCall = abi.engine.encodeFunctionData("markets", [MARKET]);
  const inventoryCall = abi.engine.encodeFunctionData("inventory", [MARKET]);
  const overviewOf = async (pool: string) => {
    const call = abi.probe.encodeFunctionData("overview", [engine, pool, MARKET]);
    return abi.probe.decodeFunctionResult("overview", await chain.call(probe, call))[0];
  };
  const read = async (call: string): Promise<Entry[]> =>
    grouped(words(await chain.call(probe, call)), 3, ([cash = 0n, lots = 0n, quote = 0n]) => ({ cash, lots, quote }));

  const held = async (): Promise<Held> => {
    const [inventory] = abi.engine.decodeFunctionResult("inventory", await chain.call(engine, inventoryCall));
    return { held: inventory.lots, holds: inventory.cap };
  };

  return {
    held,
    prices: async () => {
      const [market] = abi.engine.decodeFunctionResult("markets", await chain.call(engine, marketCall));
      return { price: market.price, indexLong: market.indexLong, indexShort: market.indexShort };
    },
    ledger: () => read(ledgerCall),
    entries: (of) => read(encodeLedger(of)),
    overview: async () => {
      const [found, below] = [await overviewOf(senior), await overviewOf(junior)];
      const { market } = found;
      return {
        price: market.price,
        indexLong: market.indexLong,
        indexShort: market.indexShort,
        openInterest: market.openInterest,
        cap: market.openInterestCap,
        level: Number(market.level),
        bucket: market.bucket,
        deficit: found.totalDeficit,
        internalBalance: found.internalBalance,
        tokenBalance: found.tokenBalance,
        tokenUnit: TOKEN_UNIT,
        ...(await held()),
        poolAssets: (found.poolAssets + below.poolAssets) * TOKEN_UNIT,
        juniorAssets: below.poolAssets * TOKEN_UNIT,
        sharePrice: (found.sharePrice * TOKEN_UNIT) / 10n ** 12n, // down
        juniorSharePrice: (below.sharePrice * TOKEN_UNIT) / 10n ** 12n, // down
      };
    },
    views: async (of) => {
      if (of.length === 0) return [];
      const flat = words(await chain.call(probe, abi.probe.encodeFunctionData("healths", [engine, [...of]])));
      const views = grouped(flat, 4, ([equity = 0n, favourable = 0n, maintenance = 0n, unhealthySince = 0n]) => ({
        equity,
        favourable,
        maintenance,
        unhealthySince,
      }));
      return views.flatMap((view, i) => {
        const account = of[i];
        return account === undefined ? [] : [{ account, ...view }];
      });
    },
  };
}
