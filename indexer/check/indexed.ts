/** What the contracts would answer, from the index alone: names with values. Pure. */
import { jumpFeeAt } from "../../sdk/src/amm.ts";
import { type PoolSide, type Pulse, poolSide } from "../../sdk/src/auction.ts";
import { outstanding } from "../../sdk/src/claims.ts";
import { settledView } from "../../sdk/src/deleverage.ts";
import { max } from "../../sdk/src/math.ts";
import { freeStakeOf, poolTimeAt, totalAssetsAt, unvestedAt } from "../../sdk/src/pool.ts";
import { inventoryCap, inventoryEquity, inventoryLots } from "../../sdk/src/side.ts";
import type { State } from "../../sdk/src/state.ts";
import { PriceState } from "../../sdk/src/types.ts";
import { CLAIMS, ENGINE_DEFICIT, FEES, isSystem, U_PER_USD } from "../../sdk/src/units.ts";
import type { Facts } from "./facts.ts";
import type { Row, Rows } from "./rows.ts";
import { isTrue, of, stateOf } from "./state.ts";

const DAY = 86_400n;

/** @param now {s} of the block */
export function indexedFacts(rows: Rows, now: bigint): Facts {
  const facts = new Map<string, string>();
  const state = stateOf(rows);
  const tokenUnit = BigInt(rows.ledger[0]?.token_unit ?? 0);
  const put = (name: string, value: bigint | boolean | string) => facts.set(name, String(value));
  const assets = rows.pool.reduce((sum, row) => sum + totalAssetsAt(fundsOf(row), now), 0n) * tokenUnit;
  put("token unit", tokenUnit);
  put("internal balance", state.internalBalance);
  put("total claims", state.totalClaims);
  put("total deficit", state.totalDeficit);
  put("deficit of the engine", state.deficits.get(BigInt(ENGINE_DEFICIT)));
  for (const id of accountIds(rows)) accountFacts(put, state, rows, id);
  for (const row of rows.market) marketFacts(put, state, row, assets);
  for (const row of rows.pool) poolFacts(put, rows, row, now, U_PER_USD / tokenUnit);
  for (const row of rows.stack) stackFacts(put, rows, row, now);
  for (const row of rows.curve) curveFacts(put, state, rows, row, { now, assets, tokenUnit });
  return facts;
}

/** Those of the system too: nothing may have happened to them. */
export const accountIds = (rows: Rows): Set<bigint> =>
  new Set([...rows.market.map(({ id }) => BigInt(id)), FEES, CLAIMS, ...rows.account.map(({ id }) => BigInt(id))]);

type Put = (name: string, value: bigint | boolean | string) => void;

function accountFacts(put: Put, state: State, rows: Rows, id: bigint): void {
  const { account, position } = isSystem(id)
    ? { account: state.accounts.get(id), position: (market: number) => state.position(id, market) }
    : settledView({ state }, id);
  put(`account ${id} cash`, account.cash);
  put(`account ${id} markets`, account.markets);
  put(`account ${id} unhealthySince`, account.unhealthySince);
  put(`account ${id} claim`, outstanding(state, id));
  for (const { id: market } of rows.market) {
    const { lots, quote } = position(Number(market));
    put(`position ${id} ${market} lots`, lots);
    put(`position ${id} ${market} quote`, quote);
  }
}

function marketFacts(put: Put, state: State, row: Row<"market">, assets: bigint): void {
  const id = Number(row.id);
  for (const [field, value] of Object.entries(state.market(id))) put(`market ${id} ${field}`, BigInt(value));
  for (const [field, value] of Object.entries(state.recovery.get(BigInt(id)))) put(`market ${id} ${field}`, value);
  put(`market ${id} deficit`, state.deficits.get(BigInt(id)));
  put(`market ${id} maintenanceBps`, row.maintenance_bps);
  put(`market ${id} risk level`, row.risk_level);
  put(`market ${id} inventory lots`, inventoryLots(state, id));
  put(`market ${id} inventory equity`, inventoryEquity(state, id));
  put(`market ${id} inventory cap`, inventoryCap(state, id, assets, state.market(id).price));
  put(`market ${id} reported`, `${row.pending_gain} ${row.pending_loss} ${row.at_risk}`);
  for (const isLong of [true, false]) {
    const { survival, pending, pendingQuote } = state.side(id, isLong);
    const { product, value, epoch } = survival;
    put(`market ${id} ${isLong ? "longs" : "shorts"}`, [product, value, epoch, pending, pendingQuote].join(" "));
  }
}

const fundsOf = (row: Row<"pool">) => {
  const at = of(row);
  return { booked: at("booked"), unvested: at("unvested"), vestStart: at("vest_start"), vestEnd: at("vest_end") };
};

/** @param floor {asset} one token */
function poolFacts(put: Put, rows: Rows, row: Row<"pool">, now: bigint, floor: bigint): void {
  const name = isTrue(row.is_junior) ? "junior" : "senior";
  const at = of(row);
  const funds = fundsOf(row);
  const total = totalAssetsAt(funds, now);
  const stopped = { stoppedAt: at("stopped_at"), stoppedBefore: at("stopped_before") };
  const clock = { ...stopped, pauseEnd: at("pause_end"), gateEnd: at("gate_end") };
  put(`${name} booked`, funds.booked);
  put(`${name} totalAssets`, total);
  put(`${name} unvested`, unvestedAt(funds, now));
  put(`${name} shares`, row.shares);
  put(`${name} queued`, row.queued);
  put(`${name} free stake`, freeStakeOf(total, at("shares"), at("queued"), floor));
  put(`${name} pending`, `${row.pending_gain} ${row.pending_loss}`);
  put(`${name} rescalings`, row.rescalings);
  put(`${name} gateEnd`, row.gate_end);
  put(`${name} pausedUntil`, row.pause_end);
  put(`${name} poolTime`, poolTimeAt(clock, now));
  put(`${name} exit clocks`, `${row.cooldown} ${row.claim_window}`);
  for (const { pool, holder, shares } of rows.share_balance)
    if (pool === row.id) put(`${name} shares of ${holder}`, shares);
  for (const request of rows.exit_request.filter(({ pool }) => pool === row.id)) {
    const { controller, request_id, status, shares, value_cap, claimable_at, lapses_at } = request;
    const isOpen = status === "open" && shares !== "0";
    const left = isOpen ? [shares, value_cap, claimable_at, lapses_at].join(" ") : "closed";
    put(`${name} request ${controller} ${request_id}`, left);
  }
}

function stackFacts(put: Put, rows: Rows, row: Row<"stack">, now: bigint): void {
  put("stack budgets", `${row.market_day_bps} ${row.window_bps}`);
  put("stack tranches", `${row.attachment_bps} ${row.junior_weight_bps} ${row.treasury_bps}`);
  put("stack treasury owed", row.treasury_owed);
  put("stack inventory losses", `${row.junior_paid} ${row.senior_paid}`);
  put("stack unrepaid", row.unrepaid);
  const inWindow = rows.budget_window.find(({ window }) => BigInt(window) === now / (7n * DAY))?.used ?? "0";
  for (const { id } of rows.market) put(`stack drawn ${id}`, `${usedToday(rows, id, now)} ${inWindow}`);
}

const usedToday = (rows: Rows, id: string, now: bigint): bigint =>
  BigInt(rows.budget_day.find(({ market, day }) => market === id && BigInt(day) === now / DAY)?.used ?? 0);

const pulseOf = (row: Row<"curve">): Pulse => {
  const at = of(row);
  return {
    ...{ premium: at("premium"), before: at("before"), average: at("average"), sampledAt: at("sampled_at") },
    ...{ price: at("price"), depth: at("depth"), calmSince: at("calm_since"), hasPool: isTrue(row.has_pool) },
    ...{ jumpPpm: at("jump_ppm"), jumpAt: at("jump_at"), disarmedUntil: at("disarmed_until"), usedAt: at("used_at") },
    ...{ used: at("used"), pool: at("pool"), hour: at("hour"), sold: at("sold") },
  };
};

const EVERY = [true, false].flatMap((isBuy) => [true, false].map((isLiquidation) => ({ isBuy, isLiquidation })));

export const stepsText = (steps: PoolSide["steps"]): string =>
  steps.flatMap(({ price, lots }) => (lots === 0n ? [] : [`${lots} at ${price}`])).join(", ");

function curveFacts(
  put: Put,
  state: State,
  rows: Rows,
  row: Row<"curve">,
  { now, assets, tokenUnit }: Readonly<Record<"now" | "assets" | "tokenUnit", bigint>>,
): void {
  const id = Number(row.market);
  const market = state.market(id);
  const pulse = pulseOf(row);
  put(`curve ${id}`, `${row.base} ${row.quote} ${row.fee_ppm} ${row.epoch}`);
  put(`curve ${id} jump fee`, jumpFeeAt(pulse.jumpPpm, now - pulse.jumpAt));
  put(`curve ${id} disarmedUntil`, row.disarmed_until);
  const cost = usedToday(rows, row.market, now) * tokenUnit + max(0n, -inventoryEquity(state, id));
  const depth = {
    ...{ now, cost, level: market.level, price: market.price, pool: inventoryLots(state, id) },
    ...{ cap: inventoryCap(state, id, assets, market.price), isWide: market.state === PriceState.WIDE },
    isPriceOk: market.state <= PriceState.WIDE && now <= market.validUntil,
  };
  for (const { isBuy, isLiquidation } of EVERY)
    put(
      `bands ${id} ${isBuy ? "buy" : "sell"}${isLiquidation ? " in a liquidation" : ""}`,
      stepsText(poolSide(pulse, { ...depth, isBuy, isLiquidation }).steps),
    );
  for (const one of rows.curve_epoch)
    if (one.market === row.market) put(`curve ${id} shares of epoch ${one.epoch}`, one.shares);
  for (const one of rows.lp_share)
    if (one.market === row.market) put(`curve ${id} shares of epoch ${one.epoch} of ${one.holder}`, one.shares);
}
