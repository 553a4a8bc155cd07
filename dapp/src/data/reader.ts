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

/**
 * {bytes} of calldata in one call of a node: about 60 questions. Without a contract it is a deployment that is tried: its code, which is
 * the questions, may have 49,152 bytes (EIP-3860), and what is deployed, which is the answers, 24,576 (EIP-170).
 */
const BATCH = 4_096;

/** Options of a multicall that needs no contract on the chain and reads everything at one block, in as many calls as it takes. */
export const snapshotAt = (block: Moment) =>
  ({ allowFailure: false, deployless: true, blockNumber: block.number, batchSize: BATCH }) as const;

export async function latest({ client }: Reader): Promise<Moment> {
  const { number, timestamp } = await client.getBlock({ blockTag: "latest" });
  return { number, timestamp };
}
