/** Compiler, networks, paths and test profiles. solc comes from npm by path, so a build downloads nothing. */
import { createRequire } from "node:module";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";
import type { HttpNetworkUserConfig } from "hardhat/types/config";
import gasMargin from "./scripts/gas-margin.plugin.ts";
import quickTests from "./scripts/quick-tests.plugin.ts";
import quiet from "./scripts/quiet.plugin.ts";

const require = createRequire(import.meta.url);

// Written out for both profiles: Hardhat derives `production` from a flat config without its settings.
const compilation = {
  compilers: [
    {
      version: "0.8.35",
      path: require.resolve("solc/soljson.js"),
      // In the order of Hardhat's `production`: the input is hashed as text, and two orders would be two builds.
      settings: { optimizer: { enabled: true, runs: 500 }, viaIR: true, evmVersion: "cancun" },
    },
  ],
};

/** Coverage instruments the artifacts, so it builds into directories of its own. */
const suffix = process.env.COV === "1" ? "-cov" : "";

/** The hardfork follows `evmVersion`; Hardhat's own default is a later one. */
const local = { type: "edr-simulated", chainType: "l1", hardfork: "cancun" } as const;

/** A chain where mistakes cost money. URL and key come from the environment or the keystore, and only when the network is used. */
const live = (chainType: "l1" | "op" | "generic", chainId: number, url: string): HttpNetworkUserConfig => ({
  type: "http",
  chainType,
  chainId,
  url: configVariable(url),
  accounts: [configVariable("DEPLOYER_KEY")],
});

export default defineConfig({
  plugins: [toolbox, quiet, quickTests, gasMargin],
  paths: {
    sources: "./contracts",
    tests: { mocha: "./test/integration", solidity: "./test" },
    ignition: "./deploy",
    artifacts: `./artifacts${suffix}`,
    cache: `./cache${suffix}`,
  },
  solidity: {
    // What the modules of deploy/ deploy and no contract of ours imports.
    npmFilesToBuild: [
      "@openzeppelin/contracts/access/manager/AccessManager.sol",
      "@openzeppelin/contracts/governance/TimelockController.sol",
      "@pythnetwork/pyth-sdk-solidity/MockPyth.sol",
    ],
    // The same for both, down to the compiler's input: what is deployed is what was tested, and nothing is built twice.
    profiles: { default: compilation, production: { ...compilation, isolated: false, toolVersionsInBuildInfo: false } },
  },
  test: {
    mocha: { timeout: 120_000 },
    solidity: {
      profiles: {
        default: {
          fuzz: { runs: 256, seed: "0x1234" },
          invariant: { runs: 64, depth: 64, failOnRevert: true, shrinkRunLimit: 200 },
        },
        deep: {
          fuzz: { runs: 10_000 },
          invariant: { runs: 256, depth: 256, failOnRevert: true },
        },
        /** One chunk of scripts/campaign.ts. */
        campaign: {
          fuzz: { seed: process.env.CAMPAIGN_SEED ?? "0x1" },
          invariant: {
            runs: Number(process.env.CAMPAIGN_RUNS ?? 64),
            depth: Number(process.env.CAMPAIGN_DEPTH ?? 64),
            failOnRevert: true,
            shrinkRunLimit: 200,
          },
        },
      },
    },
  },
  networks: {
    default: local, // `network.create()`
    node: local, // `hardhat node`
    localhost: { type: "http", chainType: "l1", url: process.env.LOCALHOST_URL ?? "http://127.0.0.1:8545" },
    anvil: { type: "http", chainType: "l1", url: process.env.ANVIL_URL ?? "http://127.0.0.1:8546" },
    sepolia: live("l1", 11_155_111, "SEPOLIA_URL"),
    "base-sepolia": live("op", 84_532, "BASE_SEPOLIA_URL"),
    "arbitrum-sepolia": live("generic", 421_614, "ARBITRUM_SEPOLIA_URL"),
  },
  verify: {
    etherscan: { apiKey: configVariable("ETHERSCAN_KEY") }, // one key for all chains
    blockscout: { enabled: true },
    sourcify: { enabled: true },
  },
  ignition: { requiredConfirmations: 1, blockPollingInterval: 500 },
  typechain: { outDir: "./typechain-types" },
});
