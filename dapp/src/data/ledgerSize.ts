/** What the ledger holds of positions that deleveraging has reduced and nobody has settled: the sum of what was traded. {lot} */
import { getAbiItem } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { MarginAccount } from "./account.ts";
import { firstBlock, inPieces } from "./logs.ts";
import type { Moment, Reader } from "./reader.ts";

/** A change of a position in the ledger. */
export interface Change {
  readonly market: number;
  readonly lots: bigint; // {lot} positive: bought, or of a short that was closed
}

/** {lot} by market, zeros left out. */
export function sumsOf(changes: readonly Change[]): ReadonlyMap<number, bigint> {
  const sums = new Map<number, bigint>();
  for (const { market, lots } of changes) sums.set(market, (sums.get(market) ?? 0n) + lots);
  return new Map([...sums].filter(([, lots]) => lots !== 0n));
}

/** {lot} by market; undefined when the account may have traded before the first block that is looked at. */
async function readSizes(reader: Reader, id: bigint, block: Moment): Promise<ReadonlyMap<number, bigint> | undefined> {
  const first = firstBlock(reader, block.number);
  if (first > BigInt(reader.deployment.startBlock)) return undefined;
  const { client, deployment } = reader;
  const engine = { address: deployment.contracts.engine, strict: true } as const;
  const filled = getAbiItem({ abi: MarginEngineAbi, name: "Filled" });
  const settled = getAbiItem({ abi: MarginEngineAbi, name: "PositionSettled" });
  const changes = await inPieces(first, block.number, async (fromBlock, toBlock): Promise<Change[]> => {
    const range = { ...engine, fromBlock, toBlock };
    const [bought, sold, closed] = await Promise.all([
      client.getLogs({ ...range, event: filled, args: { buyer: id } }),
      client.getLogs({ ...range, event: filled, args: { seller: id } }),
      client.getLogs({ ...range, event: settled, args: { account: id } }),
    ]);
    return [
      ...bought.map(({ args: { market, lots } }) => ({ market, lots })),
      ...sold.map(({ args: { market, lots } }) => ({ market, lots: -lots })),
      ...closed.map(({ args: { market, isLong, lots } }) => ({ market, lots: isLong ? -lots : lots })),
    ];
  });
  return sumsOf(changes);
}

/** Asked again only when a position or what is unsettled has changed: it may be a long way back through the logs. */
export const ledgerSizeQuery = (reader: Reader, { id, holdings, unsettled }: MarginAccount, block: Moment) => ({
  queryKey: [
    ...["ledger", reader.deployment.contracts.engine, id.toString()],
    ...holdings.map(({ view, position }) => `${view.index}:${position.lots}`),
    ...unsettled.map(({ view, pending }) => `${view.index}:${pending}`),
  ],
  queryFn: () => readSizes(reader, id, block),
  enabled: unsettled.length > 0,
  staleTime: Number.POSITIVE_INFINITY,
});
