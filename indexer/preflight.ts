/** What can be known to be wrong before Ponder starts: the node's chain, and contracts that are not there. */

import { CONTRACTS } from "../sdk/src/deployment.ts";
import type { Config } from "./config.ts";
import { ConfigError } from "./config.ts";
import { call } from "./rpc.ts";

/** @throws ConfigError with every fault */
export async function preflight({ deployment, rpcUrl }: Config): Promise<void> {
  const { chainId, contracts, network } = deployment;
  const host = new URL(rpcUrl).host; // the URL may hold a key
  let answered: number;
  try {
    answered = Number(await call(rpcUrl, "eth_chainId", []));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`RPC_URL: the node at ${host} does not answer: ${reason}`]);
  }
  if (answered !== chainId)
    throw new ConfigError([
      `RPC_URL: the node at ${host} is of chain ${answered}, the record of ${network} of ${chainId}`,
    ]);
  const codes = await Promise.all(
    CONTRACTS.map(async (name) => ({ name, code: await call(rpcUrl, "eth_getCode", [contracts[name], "latest"]) })),
  );
  const missing = codes.filter(({ code }) => code === "0x");
  if (missing.length > 0)
    throw new ConfigError(
      missing.map(({ name }) => `There is no code at ${contracts[name]}, where the record of ${network} has ${name}`),
    );
}
