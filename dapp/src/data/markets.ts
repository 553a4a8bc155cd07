/** Every market of the deployment, at one block. {u} = 1e-12 USD, prices {u/lot}. */
import { CapitalStackAbi, MarginEngineAbi, OracleAbi } from "../../../sdk/src/abi.ts";
import type { Market, MarketParams, PriceState } from "../../../sdk/src/types.ts";
import { MarketStatus } from "../../../sdk/src/types.ts";
import type { Moment, Reader } from "./reader.ts";
import { snapshotAt } from "./reader.ts";

export interface MarketView {
  readonly index: number;
  readonly name: string;
  readonly lotDecimals: number;
  readonly market: Market;
  readonly params: MarketParams;
  readonly shockBps: bigint;
  readonly bucketTarget: bigint; // {USD}
  readonly premiumRate: bigint; // {1e-9 per 8 h} of notional, of each side, now
  readonly utilisation: bigint; // {1e-6}
  readonly inventory: { readonly lots: bigint; readonly equity: bigint; readonly cap: bigint };
  readonly deficit: bigint; // {u}
  readonly absorbable: bigint; // {asset} that one draw would pay at most now
  readonly drawnToday: bigint; // {asset}
  readonly oracle: { readonly state: PriceState; readonly price: bigint; readonly validUntil: bigint };
}

export const PRICE_STATES = ["OK", "WIDE", "STALE", "JUMP", "BOUND", "BAD"] as const;

async function readMarket({ client, deployment }: Reader, index: number, name: string, block: Moment) {
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi, args: [index] } as const;
  const oracle = { address: deployment.contracts.oracle, abi: OracleAbi, args: [index] } as const;
  const stack = { address: deployment.contracts.stack, abi: CapitalStackAbi, args: [index] } as const;
  const [market, params, rules, premium, inventory, deficit, feed, quote, absorbable, drawn] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...engine, functionName: "markets" },
      { ...engine, functionName: "marketParams" },
      { ...engine, functionName: "marketRules" },
      { ...engine, functionName: "premiumOf" },
      { ...engine, functionName: "inventory" },
      { ...engine, functionName: "deficit" },
      { ...oracle, functionName: "feed" },
      { ...oracle, functionName: "quote" },
      { ...stack, functionName: "absorbable" },
      { ...stack, functionName: "drawn" },
    ],
  });
  const view: MarketView = {
    ...{ index, name, lotDecimals: feed.lotDecimals, deficit, inventory, absorbable, drawnToday: drawn[0] },
    market: {
      ...market,
      ...{ indexLong: market.indexLong, indexShort: market.indexShort },
      ...{ validUntil: BigInt(market.validUntil), syncedAt: BigInt(market.syncedAt), level: BigInt(market.level) },
      ...{ edgeBps: BigInt(market.edgeBps), fundingRate: BigInt(market.fundingRate) },
      ...{ openInterest: BigInt(market.openInterest), openInterestCap: BigInt(market.openInterestCap) },
      ...{ premiumRemainder: BigInt(market.premiumRemainder), fundingRemainder: BigInt(market.fundingRemainder) },
      ...{ state: stateOf(market.state), status: statusOf(market.status) },
    },
    params: {
      ...{ initialBps: BigInt(params.initialBps), maintenanceBps: BigInt(params.maintenanceBps) },
      ...{ rampNotional: BigInt(params.rampNotional), bandBps: BigInt(params.bandBps) },
      ...{ minLots: BigInt(params.minLots), takerFeePpm: BigInt(params.takerFeePpm) },
      ...{ makerRebatePpm: BigInt(params.makerRebatePpm), discountBps: BigInt(params.discountBps) },
      ...{ liquidatorShareBps: BigInt(params.liquidatorShareBps), takeoverReward: params.takeoverReward },
    },
    ...{ shockBps: BigInt(rules.shockBps), bucketTarget: BigInt(rules.bucketTarget) },
    ...{ utilisation: premium[0], premiumRate: premium[1] },
    oracle: { state: stateOf(quote.state), price: quote.price, validUntil: BigInt(quote.validUntil) },
  };
  return view;
}

export const readMarkets = (reader: Reader, block: Moment): Promise<MarketView[]> =>
  Promise.all(reader.deployment.markets.map(({ index, name }) => readMarket(reader, index, name, block)));

const STATES: readonly PriceState[] = [0, 1, 2, 3, 4, 5];
const STATUSES: readonly MarketStatus[] = Object.values(MarketStatus);

function stateOf(value: number): PriceState {
  const found = STATES.find((state) => state === value);
  if (found === undefined) throw new RangeError(`${value} is no state of a price`);
  return found;
}

function statusOf(value: number): MarketStatus {
  const found = STATUSES.find((status) => status === value);
  if (found === undefined) throw new RangeError(`${value} is no status of a market`);
  return found;
}
