/** Transactions that an account has sent and nobody has mined, as far as the node knows. */
import { queryOptions, skipToken } from "@tanstack/react-query";
import type { Address } from "viem";
import type { Reader } from "./reader.ts";

export const unminedQuery = ({ client }: Reader, address: Address | undefined) =>
  queryOptions({
    queryKey: ["unmined", address ?? "nobody"],
    queryFn: address === undefined ? skipToken : () => readUnmined(client, address),
    refetchInterval: 2 * client.pollingInterval,
  });

async function readUnmined(client: Reader["client"], address: Address): Promise<number> {
  const [sent, mined] = await Promise.all([
    client.getTransactionCount({ address, blockTag: "pending" }),
    client.getTransactionCount({ address, blockTag: "latest" }),
  ]);
  return sent - mined;
}
