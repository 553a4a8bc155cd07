/** Hardhat plugin: hides compiler warnings located in dependencies, so that ours stand out, and compiles on all cores. */
import os from "node:os";
import { HardhatPluginError } from "hardhat/plugins";
import type { SolidityHooks } from "hardhat/types/hooks";
import type { HardhatPlugin } from "hardhat/types/plugins";

const ID = "quiet-deps";
const FROM_DEPENDENCY = /node_modules\//;
/** Sizes are judged by scripts/check-sizes.ts, which knows that test contracts are never deployed to a network. */
const NOISE = /promoted to keyword|more than 256 warnings|Contract (init)?code size is/;

/** Set by the continuous integration: a warning in our own code then fails the build that compiles it. */
const STRICT = process.env.STRICT_WARNINGS === "1";

async function createHooks(): Promise<Partial<SolidityHooks>> {
  let warnings = 0;

  return {
    getCompilationJobErrors: async (context, job, output, next) => {
      const ours = (await next(context, job, output)).filter(
        ({ severity, message, formattedMessage }) =>
          severity === "error" || !(FROM_DEPENDENCY.test(formattedMessage ?? "") || NOISE.test(message)),
      );
      warnings += ours.filter(({ severity }) => severity === "warning").length;
      return ours;
    },

    build: async (context, roots, options, next) => {
      const results = await next(context, roots, { ...options, concurrency: os.availableParallelism() });
      if (STRICT && warnings > 0) throw new HardhatPluginError(ID, `compiler warnings in our own code: ${warnings}`);
      return results;
    },
  };
}

const plugin: HardhatPlugin = {
  id: ID,
  hookHandlers: { solidity: async () => ({ default: createHooks }) },
};

export default plugin;
