/**
 * Hardhat plugin: compiles tests that call deployed contracts by the older code generator without optimiser, eight times as fast. What
 * they deploy comes from test/helpers/Deployer.sol, which is compiled as it goes to a chain. Tests of libraries contain the library,
 * so they are compiled like the contracts, with the mocks in a job of their own: the longest job is what a build takes.
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ArtifactManager } from "hardhat/types/artifacts";
import type { HardhatPlugin } from "hardhat/types/plugins";

const cwd = path.resolve(import.meta.dirname, "..");
const callers = globSync("test/**/*.sol", { cwd }).filter((file) => !/Deployer\.sol$|Lib\.t\.sol$/.test(file));
const apart = globSync(["test/**/*Lib.t.sol", "contracts/mocks/*.sol"], { cwd });

/** Source names of what is compiled as it goes to a chain. */
const DEPLOYED = /^project\/(?:contracts\/(?:libraries\/)?\w+|test\/helpers\/Deployer)\.sol$/;

/** A network reads the output of every build before its first block, for its traces: it never runs a test of this kind. */
async function isOfNetworks(artifacts: ArtifactManager, id: string): Promise<boolean> {
  const file = await artifacts.getBuildInfoPath(id);
  return file === undefined || JSON.parse(await readFile(file, "utf8")).input.settings.viaIR === true;
}

const plugin: HardhatPlugin = {
  id: "quick-tests",
  hookHandlers: {
    hre: async () => ({
      default: async () => ({
        created: async (_context, { artifacts }) => {
          const all = artifacts.getAllBuildInfoIds.bind(artifacts);
          artifacts.getAllBuildInfoIds = async () => {
            const ids = [...(await all())];
            const used = await Promise.all(ids.map((id) => isOfNetworks(artifacts, id)));
            return new Set(ids.filter((_, i) => used[i]));
          };
        },
      }),
    }),
    config: async () => ({
      default: async () => ({
        resolveUserConfig: async (user, resolve, next) => {
          const config = await next(user, resolve);
          for (const { compilers, overrides } of Object.values(config.solidity.profiles)) {
            // What shares an object is compiled in one job.
            const [first] = compilers;
            if (first === undefined) continue;
            const quick = structuredClone(first);
            Object.assign(quick.settings, { viaIR: false, optimizer: { enabled: false } });
            for (const file of callers) overrides[file] = quick;
            const same = structuredClone(first);
            for (const file of apart) overrides[file] = same;
          }
          return config;
        },
      }),
    }),
    solidity: async () => ({
      default: async () => ({
        invokeSolc: async (context, compiler, input, config, next) => {
          if (input.settings.viaIR === true) return next(context, compiler, input, config);
          // Hardhat asks for all that a job contains. What is deployed has artifacts of its own; a file without its tree would keep
          // traces from being read.
          const { "*": all = {} } = input.settings.outputSelection;
          const wanted = Object.keys(input.sources).filter((source) => !DEPLOYED.test(source));
          const outputSelection = Object.fromEntries(wanted.map((source) => [source, all]));
          const settings = { ...input.settings, outputSelection };
          const output = await next(context, compiler, { ...input, settings }, config);
          const sources = Object.entries(output.sources).filter(([, { ast }]) => ast !== undefined);
          return { ...output, sources: Object.fromEntries(sources) };
        },
      }),
    }),
  },
};

export default plugin;
