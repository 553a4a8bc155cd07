/** Every market of the deployment, at one block. {u} = 1e-12 USD, prices {u/lot}. */
import { MarginEngineAbi, OracleAbi } from "../../../sdk/src/abi.ts";
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
  readonly bucketTarget: bigint; // {USD}
  readonly premiumRate: bigint; // {1e-9 per 8 h} of notional, of each side, now
  readonly inventory: { readonly lots: bigint; readonly equity: bigint; readonly cap: bigint };
  readonly oracle: { readonly state: PriceState; readonly price: bigint; readonly validUntil: bigint };
}

async function readMarket({ client, deployment }: Reader, index: number, name: string, block: Moment) {
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi, args: [index] } as const;
  const oracle = { address: deployment.contracts.oracle, abi: OracleAbi, args: [index] } as const;
  const [market, params, rules, premium, inventory, feed, quote] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { ...engine, functionName: "markets" },
      { ...engine, functionName: "marketParams" },
      { ...engine, functionName: "marketRules" },
      { ...engine, functionName: "premiumOf" },
      { ...engine, functionName: "inventory" },
      { ...oracle, functionName: "feed" },
      { ...oracle, functionName: "quote" },
    ],
  });
  const view: MarketView = {
    ...{ index, name, lotDecimals: feed.lotDecimals, inventory },
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
    ...{ bucketTarget: BigInt(rules.bucketTarget), premiumRate: premium[1] },
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
