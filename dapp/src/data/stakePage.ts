/** Everything that the stake page shows, at one block. */
import { BackstopPoolAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { type Deficit, readDeficit } from "./deficit.ts";
import { type Holder, readHolder } from "./holder.ts";
import { type Expected, readExpected } from "./income.ts";
import { type MarketView, readMarkets } from "./markets.ts";
import { type Pools, readPools, type TrancheName } from "./pools.ts";
import { latest, type Moment, type Reader } from "./reader.ts";
import { keepOf } from "./refusal.ts";

export interface StakePageData {
  readonly block: Moment;
  readonly pools: Pools;
  readonly markets: readonly MarketView[];
  readonly expected: Expected;
  readonly deficit: Deficit;
  readonly holder: Holder | undefined;
  readonly gasPrice: bigint; // {wei}
}

export async function readStakePage(reader: Reader, address: Address | undefined): Promise<StakePageData> {
  const block = await latest(reader);
  const [pools, markets, deficit, holder, gasPrice] = await Promise.all([
    readPools(reader, block),
    readMarkets(reader, block),
    readDeficit(reader, block),
    address === undefined ? undefined : readHolder(reader, address, block),
    reader.client.getGasPrice(),
  ]);
  const expected = await readExpected(reader, markets, pools, block);
  return { block, pools, markets, expected, deficit, holder, gasPrice };
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
export function depositPreviewQuery(reader: Reader, tranche: TrancheName, assets: bigint, block: Moment) {
  const subject = `${tranche} ${assets}`;
  const pool = { address: reader.deployment.contracts[tranche], abi: BackstopPoolAbi } as const;
  const at = { blockNumber: block.number } as const;
  const read = async (): Promise<DepositPreview> => {
    const shares = await reader.client.readContract({
      ...pool,
      ...at,
      functionName: "previewDeposit",
      args: [assets],
    });
    const worth = await reader.client.readContract({
      ...pool,
      ...at,
      functionName: "convertToAssets",
      args: [shares],
    });
    return { shares, worth };
  };
  return {
    queryKey: ["preview", subject, block.number.toString()],
    queryFn: read,
    placeholderData: keepOf(subject),
  };
}
