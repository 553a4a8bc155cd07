/** Compiler, networks, paths and test profiles. solc comes from npm by path, so a build downloads nothing. */
import { createRequire } from "node:module";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";
import quickTests from "./scripts/quick-tests.plugin.ts";
import quiet from "./scripts/quiet.plugin.ts";

const require = createRequire(import.meta.url);

// Written out for both profiles: Hardhat derives `production` from a flat config without its settings.
const compilation = {
  compilers: [
    {
      version: "0.8.35",
      path: require.resolve("solc/soljson.js"),
      settings: { viaIR: true, optimizer: { enabled: true, runs: 500 }, evmVersion: "cancun" },
    },
  ],
};

/** Coverage instruments the artifacts, so it builds into directories of its own. */
const suffix = process.env.COV === "1" ? "-cov" : "";

/** The hardfork follows `evmVersion`; Hardhat's own default is a later one. */
const local = { type: "edr-simulated", chainType: "l1", hardfork: "cancun" } as const;

export default defineConfig({
  plugins: [toolbox, quiet, quickTests],
  paths: {
    sources: "./contracts",
    tests: { mocha: "./test/integration", solidity: "./test" },
    ignition: "./deploy",
    artifacts: `./artifacts${suffix}`,
    cache: `./cache${suffix}`,
  },
  solidity: {
    // What the modules of deploy/ deploy and no contract of ours imports.
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
    profiles: {
      default: compilation,
      production: { isolated: true, ...compilation },
    },
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
    localhost: { type: "http", chainType: "l1", url: "http://127.0.0.1:8545" },
    sepolia: {
      type: "http",
      chainType: "l1",
      url: configVariable("RPC_URL"),
      accounts: [configVariable("DEPLOYER_KEY")],
    },
  },
  ignition: { requiredConfirmations: 1, blockPollingInterval: 500 },
  typechain: { outDir: "./typechain-types" },
});
