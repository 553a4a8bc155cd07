/** The index as the sdk's state. Pure. */
import { positionKey, State, sideKey } from "../../sdk/src/state.ts";
import { MarketStatus, PriceState } from "../../sdk/src/types.ts";
import { ENGINE_DEFICIT } from "../../sdk/src/units.ts";
import type { Row, Rows } from "./rows.ts";

export const isTrue = (text: string): boolean => text === "true" || text === "t";

/** Numbers of a row: `of(row)("cash")`. */
export const of =
  <C extends string>(row: Readonly<Record<C, string>>) =>
  (column: C): bigint =>
    BigInt(row[column]);

export function stateOf(rows: Rows): State {
  const state = new State();
  for (const row of rows.account) addAccount(state, row);
  for (const row of rows.position) {
    const at = of(row);
    const key = positionKey(at("account"), Number(row.market));
    state.positions.set(key, { lots: at("lots"), quote: at("quote") });
    state.checkpoints.set(key, { product: at("product"), value: at("value"), epoch: at("epoch") });
  }
  for (const row of rows.market) addMarket(state, row);
  for (const row of rows.side) {
    const at = of(row);
    const survival = { product: at("product"), value: at("value"), epoch: at("epoch") };
    const key = sideKey(Number(row.market), isTrue(row.is_long));
    state.sides.set(key, { survival, pending: at("pending"), pendingQuote: at("pending_quote") });
  }
  for (const row of rows.side_epoch)
    state.setSideEnd(Number(row.market), isTrue(row.is_long), of(row)("epoch"), of(row)("value"));
  for (const row of rows.ledger) {
    const at = of(row);
    const claimSurvival = { product: at("claim_product"), value: 0n, epoch: at("claim_epoch") };
    state.totals.set(0n, {
      internalBalance: at("internal_balance"),
      totalClaims: at("total_claims"),
      claimSurvival,
    });
    state.deficits.set(BigInt(ENGINE_DEFICIT), at("engine_deficit"));
  }
  return state;
}

function addAccount(state: State, row: Row<"account">): void {
  const at = of(row);
  const id = at("id");
  state.accounts.set(id, { cash: at("cash"), markets: at("markets"), unhealthySince: at("unhealthy_since") });
  state.claims.set(id, at("claim"));
  state.claimCheckpoints.set(id, { product: at("claim_product"), value: 0n, epoch: at("claim_epoch") });
}

function addMarket(state: State, row: Row<"market">): void {
  const at = of(row);
  const id = at("id");
  const priceState = Object.values(PriceState).find((one) => one === Number(row.state));
  const status = Object.values(MarketStatus).find((one) => one === Number(row.status));
  if (priceState === undefined || status === undefined) throw new RangeError(`market ${id} has no such state`);
  state.markets.set(id, {
    ...{ price: at("price"), low: at("low"), high: at("high"), slow: at("slow"), edgeBps: at("edge_bps") },
    ...{ state: priceState, status, level: at("level"), indexLong: at("index_long"), indexShort: at("index_short") },
    ...{ validUntil: at("valid_until"), syncedAt: at("synced_at"), openInterest: at("open_interest") },
    ...{ openInterestCap: at("open_interest_cap"), fundingRate: at("funding_rate"), bucket: at("bucket") },
    ...{ premiumRemainder: at("premium_remainder"), fundingRemainder: at("funding_remainder") },
  });
  state.deficits.set(id, at("deficit"));
  state.recovery.set(id, {
    ...{ shared: at("shared"), sharedBefore: at("shared_before"), hour: at("hour") },
    ...{ badAt: at("bad_at"), since: at("since") },
  });
  state.inventoryCaps.set(id, { lots: at("inventory_cap_lots"), bps: at("inventory_cap_bps") });
}
