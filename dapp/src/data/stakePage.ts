/** Everything that the stake page shows, at one block. */
import { queryOptions } from "@tanstack/react-query";
import { BackstopPoolAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { type Holder, readHolder } from "./holder.ts";
import { type Expected, readExpected } from "./income.ts";
import { type MarketView, readMarkets } from "./markets.ts";
import { type Pools, readPools, type TrancheName } from "./pools.ts";
import { latest, type Moment, type Reader, snapshotAt } from "./reader.ts";

export interface StakePageData {
  readonly block: Moment;
  readonly pools: Pools;
  readonly markets: readonly MarketView[];
  readonly expected: Expected;
  readonly holder: Holder | undefined;
  readonly gasPrice: bigint; // {wei}
}

export async function readStakePage(reader: Reader, address: Address | undefined): Promise<StakePageData> {
  const block = await latest(reader);
  const [pools, markets, holder, gasPrice] = await Promise.all([
    readPools(reader, block),
    readMarkets(reader, block),
    address === undefined ? undefined : readHolder(reader, address, block),
    reader.client.getGasPrice(),
  ]);
  const expected = await readExpected(reader, markets, pools, block);
  return { block, pools, markets, expected, holder, gasPrice };
}

export const stakePageQuery = (reader: Reader, address: Address | undefined) => ({
  queryKey: ["stake", reader.deployment.contracts.stack, address ?? "nobody"],
  queryFn: () => readStakePage(reader, address),
  refetchInterval: reader.client.pollingInterval,
});

export interface DepositPreview {
  readonly shares: bigint;
  readonly worth: bigint; // {asset} of them at the vested price, at once
}

/** What a deposit would bring now. */
export const depositPreviewQuery = (reader: Reader, tranche: TrancheName, assets: bigint, block: Moment) =>
  queryOptions({
    queryKey: ["preview", tranche, assets.toString(), block.number.toString()],
    queryFn: async (): Promise<DepositPreview> => {
      const pool = { address: reader.deployment.contracts[tranche], abi: BackstopPoolAbi } as const;
      const [shares] = await reader.client.multicall({
        ...snapshotAt(block),
        contracts: [{ ...pool, functionName: "previewDeposit", args: [assets] }],
      });
      const worth = await reader.client.readContract({
        ...{ ...pool, functionName: "convertToAssets", args: [shares] },
        blockNumber: block.number,
      });
      return { shares, worth };
    },
    placeholderData: (previous) => previous,
  });
