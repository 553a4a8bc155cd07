/** Everything that the risk page shows of now, at one block. */
import { BackstopAMMAbi, RiskEngineAbi } from "../../../sdk/src/abi.ts";
import { type Deficit, readDeficit } from "./deficit.ts";
import { type MarketView, readMarkets } from "./markets.ts";
import { type Pools, readPools } from "./pools.ts";
import { latest, type Moment, type Reader, snapshotAt } from "./reader.ts";

export interface Input {
  readonly value: bigint;
  readonly level: number; // what it asks for
  readonly upAt: bigint; // from which it asks for more; coverage: below which. MAX: it cannot
}

export const INPUTS = ["volatility", "use", "coverage", "divergence", "depletion", "funding"] as const;
export type InputName = (typeof INPUTS)[number];

export interface Report {
  readonly level: number;
  readonly wanted: number;
  readonly calmSince: bigint; // {s} 0: one input is not calm
  readonly fallsAt: bigint; // {s} 0: no fall is near
  readonly inputs: Readonly<Record<InputName, Input>>;
  readonly isCrowded: boolean;
  readonly isRaised: boolean;
}

export interface Band {
  readonly price: bigint; // {u/lot}
  readonly lots: bigint;
}

export interface Depth {
  readonly base: bigint; // {lot} of the curve
  readonly quote: bigint; // {u}
  readonly feePpm: bigint;
  readonly jumpFeePpm: bigint;
  readonly disarmedUntil: bigint; // {s}
  /** What the pool offers liquidations that sell, and that buy. */
  readonly bids: readonly Band[];
  readonly asks: readonly Band[];
}

export interface MarketRisk extends MarketView {
  readonly report: Report;
  readonly depth: Depth;
}

export interface RiskPageData {
  readonly block: Moment;
  readonly pools: Pools;
  readonly deficit: Deficit;
  readonly markets: readonly MarketRisk[];
}

async function readRisk({ client, deployment }: Reader, view: MarketView, block: Moment): Promise<MarketRisk> {
  const amm = { address: deployment.contracts.amm, abi: BackstopAMMAbi } as const;
  const { index } = view;
  const [report, curve, jumpFee, disarmedUntil, bids, asks] = await client.multicall({
    ...snapshotAt(block),
    contracts: [
      { address: deployment.contracts.risk, abi: RiskEngineAbi, functionName: "report", args: [index] },
      { ...amm, functionName: "curves", args: [index] },
      { ...amm, functionName: "jumpFeeOf", args: [index] },
      { ...amm, functionName: "disarmedUntil", args: [index] },
      { ...amm, functionName: "bands", args: [index, false, true] },
      { ...amm, functionName: "bands", args: [index, true, true] },
    ],
  });
  const { volatility, use, coverage, divergence, depletion, funding } = report;
  const { base, quote, feePpm } = curve;
  return {
    ...view,
    report: {
      ...{ level: report.level, wanted: report.wanted, isCrowded: report.isCrowded, isRaised: report.isRaised },
      ...{ calmSince: BigInt(report.calmSince), fallsAt: BigInt(report.fallsAt) },
      inputs: { volatility, use, coverage, divergence, depletion, funding },
    },
    depth: {
      ...{ base, quote, feePpm: BigInt(feePpm), jumpFeePpm: jumpFee, disarmedUntil },
      ...{ bids: bandsOf(bids), asks: bandsOf(asks) },
    },
  };
}

const bandsOf = ([prices, lots]: readonly [readonly bigint[], readonly bigint[]]): Band[] =>
  prices.flatMap((price, i) => {
    const size = lots[i];
    return size === undefined || size === 0n ? [] : [{ price, lots: size }];
  });

export async function readRiskPage(reader: Reader): Promise<RiskPageData> {
  const block = await latest(reader);
  const [pools, deficit, views] = await Promise.all([
    readPools(reader, block),
    readDeficit(reader, block),
    readMarkets(reader, block),
  ]);
  return { block, pools, deficit, markets: await Promise.all(views.map((view) => readRisk(reader, view, block))) };
}

export const riskPageQuery = (reader: Reader) => ({
  queryKey: ["risk", reader.deployment.contracts.engine],
  queryFn: () => readRiskPage(reader),
  refetchInterval: reader.client.pollingInterval,
});
