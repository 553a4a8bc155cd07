/**
 * Hardhat plugin: transactions get a fifth more gas than was estimated. Ignition takes estimates as they are and sends several
 * steps at once, but a step may find another state or a later time than its estimate did (a new second or minute costs a market
 * more), and the oracle reverts a call that leaves its feed too little gas. What is not used costs nothing.
 */
import type { NetworkHooks } from "hardhat/types/hooks";
import type { HardhatPlugin } from "hardhat/types/plugins";

const PERCENT = 120n;
const MOST = 2n ** 24n; // {gas} of a transaction since EIP-7825

export function withMargin(estimate: bigint): bigint {
  const most = estimate > MOST ? estimate : MOST;
  const wanted = (estimate * PERCENT) / 100n;
  return wanted < most ? wanted : most;
}

async function createHooks(): Promise<Partial<NetworkHooks>> {
  return {
    onRequest: async (context, connection, request, next) => {
      const response = await next(context, connection, request);
      if (request.method !== "eth_estimateGas" || !("result" in response)) return response;
      if (typeof response.result !== "string") return response;
      return { ...response, result: `0x${withMargin(BigInt(response.result)).toString(16)}` };
    },
  };
}

const plugin: HardhatPlugin = {
  id: "gas-margin",
  hookHandlers: { network: async () => ({ default: createHooks }) },
};

export default plugin;
