/** The one chain of a deployment, and wagmi's connection to it: wallets of the browser by EIP-6963, WalletConnect when configured. */
import { type Chain, defineChain } from "viem";
import { arbitrumSepolia, baseSepolia, sepolia } from "viem/chains";
import { createConfig, http } from "wagmi";
import { walletConnect } from "wagmi/connectors/walletConnect";
import type { Settings } from "./config.ts";

const KNOWN: readonly Chain[] = [sepolia, baseSepolia, arbitrumSepolia];

export function chainOf({ deployment, rpcUrl, explorerUrl }: Settings): Chain {
  const known = KNOWN.find(({ id }) => id === deployment.chainId);
  const explorer =
    explorerUrl === undefined ? {} : { blockExplorers: { default: { name: "Explorer", url: explorerUrl } } };
  if (known !== undefined) return { ...known, rpcUrls: { default: { http: [rpcUrl] } }, ...explorer };
  return defineChain({
    ...explorer,
    id: deployment.chainId,
    name: `${deployment.network} (${deployment.chainId})`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
}

export function wagmiConfigOf(settings: Settings) {
  const chain = chainOf(settings);
  const { walletConnectId, rpcUrl, pollingInterval } = settings;
  return createConfig({
    chains: [chain],
    connectors: walletConnectId === undefined ? [] : [walletConnect({ projectId: walletConnectId })],
    transports: { [chain.id]: http(rpcUrl, { batch: true }) },
    pollingInterval,
  });
}

/** Address of a transaction in the chain's explorer; undefined where there is none. */
export function explorerLink(chain: Chain, hash: string): string | undefined {
  const explorer = chain.blockExplorers?.default.url;
  return explorer === undefined ? undefined : `${explorer.replace(/\/$/, "")}/tx/${hash}`;
}
