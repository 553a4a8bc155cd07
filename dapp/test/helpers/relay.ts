/** The node as the indexer sees it: what it says, or what it said at a block where time stands still for whoever asks here. */
import type { EthereumProvider } from "hardhat/types/providers";
import { rpc } from "../../../test/helpers/nodes.ts";
import { serve } from "../../../test/helpers/serve.ts";

export interface Relay {
  readonly url: string;
  /** From now on the newest block is the one that is newest now. */
  hold(): Promise<void>;
  release(): void;
  stop(): Promise<void>;
}

export async function startRelay(nodeUrl: string): Promise<Relay> {
  let held: string | undefined;
  const request: EthereumProvider["request"] = ({ method, params }) => {
    const given: readonly unknown[] = Array.isArray(params) ? params : [];
    const isNewest = method === "eth_getBlockByNumber" && given[0] === "latest";
    return rpc(nodeUrl, method, isNewest && held !== undefined ? [held, ...given.slice(1)] : given);
  };
  const { url, stop } = await serve({ request });
  return {
    ...{ url, stop },
    hold: async () => {
      held = String(await rpc(nodeUrl, "eth_blockNumber"));
    },
    release: () => {
      held = undefined;
    },
  };
}
