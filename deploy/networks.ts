/** The chains that the project can be deployed to. URLs and keys are in hardhat.config.ts, addresses in deploy/parameters/. */

export interface Network {
  readonly chainId: number;
  /** A node on this machine: token and feeds are doubles, and what was deployed before is worth nothing. */
  readonly local: boolean;
  /** Blocks come from a sequencer, whose uptime feed the oracle should ask. */
  readonly rollup: boolean;
}

export const NETWORKS: Readonly<Record<string, Network>> = {
  localhost: { chainId: 31_337, local: true, rollup: false },
  anvil: { chainId: 31_337, local: true, rollup: false },
  sepolia: { chainId: 11_155_111, local: false, rollup: false },
  "base-sepolia": { chainId: 84_532, local: false, rollup: true },
  "arbitrum-sepolia": { chainId: 421_614, local: false, rollup: true },
};

/** {gas} of a deployment with its hand-over, without the doubles of a local chain, and a few per cent; the dry run measures it. */
export const DEPLOYMENT_GAS = 62_000_000n;
