/** Who may act now: the connected account, and what stands in the way. */
import type { Address } from "viem";
import { useConnection } from "wagmi";
import { useBackstop } from "../backstop.ts";

export interface Actor {
  readonly address: Address | undefined;
  /** A sentence for a disabled button; undefined when nothing is in the way. */
  readonly obstacle: string | undefined;
}

export function useActor(): Actor {
  const { chain } = useBackstop();
  const { address, chainId } = useConnection();
  if (address === undefined) return { address, obstacle: "Connect a wallet first." };
  return { address, obstacle: chainId === chain.id ? undefined : `Switch the wallet to ${chain.name} first.` };
}
