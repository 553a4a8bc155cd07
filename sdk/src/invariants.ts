/** I1 to I3 from the full state, as residuals: every figure must be zero after every call. docs/mechanism.md "Ledger". */
import { profitAt } from "./margin.ts";
import { max } from "./math.ts";
import type { State } from "./state.ts";
import { ENGINE_DEFICIT } from "./units.ts";

export interface MarketResidual {
  readonly market: number;
  readonly net: bigint; // {lot} SUM b
  readonly longs: bigint; // {lot} SUM max(b, 0) - OI
}

export interface Residuals {
  readonly I1: readonly MarketResidual[];
  readonly I2: bigint; // {u}
  readonly I3: bigint; // {u}
}

/** Exact differences between the two sides of I1, I2 and I3. Reads every account: for tests and audits, not for a hot path. */
export function residuals(state: State, tokenUnit: bigint): Residuals {
  const ids = state.marketIds;
  const net = new Map(ids.map((id) => [id, 0n]));
  const longs = new Map(ids.map((id) => [id, 0n]));
  let cash = 0n;
  let quotes = 0n;
  let profits = 0n;

  for (const [, account] of state.accounts.entries()) cash += account.cash;
  for (const [key, position] of state.positions.entries()) {
    const id = Number(key & 63n);
    const market = state.market(id);
    net.set(id, (net.get(id) ?? 0n) + position.lots);
    longs.set(id, (longs.get(id) ?? 0n) + max(position.lots, 0n));
    quotes += position.quote;
    profits += profitAt(position, market, market.price);
  }

  const held = tokenUnit * state.internalBalance;
  let buckets = -state.deficits.get(BigInt(ENGINE_DEFICIT));
  let shifted = 0n;
  for (const id of ids) {
    const market = state.market(id);
    buckets += market.bucket - state.deficits.get(BigInt(id));
    shifted += market.openInterest * (market.indexShort - market.indexLong);
  }
  return {
    I1: ids.map((id) => ({
      market: id,
      net: net.get(id) ?? 0n,
      longs: (longs.get(id) ?? 0n) - state.market(id).openInterest,
    })),
    I2: cash + quotes + shifted + buckets - held,
    I3: cash + profits + buckets - held,
  };
}

/** Names of the invariants that do not hold, with their residuals; empty when all do. */
export function broken(state: State, tokenUnit: bigint): string[] {
  const { I1, I2, I3 } = residuals(state, tokenUnit);
  return [
    ...I1.filter(({ net, longs }) => net !== 0n || longs !== 0n).map(
      (r) => `I1 market ${r.market}: ${r.net}, ${r.longs}`,
    ),
    ...(I2 === 0n ? [] : [`I2: ${I2}`]),
    ...(I3 === 0n ? [] : [`I3: ${I3}`]),
  ];
}
