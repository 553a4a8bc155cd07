/** Where data comes from: the chain through one client, each snapshot at one block. */
import type { Chain, PublicClient, Transport } from "viem";
import type { Deployment } from "../../../sdk/src/deployment.ts";

export type Client = PublicClient<Transport, Chain>;

export interface Reader {
  readonly client: Client;
  readonly deployment: Deployment;
}

/** The block that a snapshot was read at. */
export interface Moment {
  readonly number: bigint;
  readonly timestamp: bigint; // {s}
}

/** Options of a multicall that needs no contract on the chain and reads everything at one block. */
export const snapshotAt = (block: Moment) =>
  ({ allowFailure: false, deployless: true, blockNumber: block.number, batchSize: 0 }) as const;

export async function latest({ client }: Reader): Promise<Moment> {
  const { number, timestamp } = await client.getBlock({ blockTag: "latest" });
  return { number, timestamp };
}
