/** Hardhat plugin: hides compiler warnings located in dependencies, so that ours stand out, and compiles on all cores. */
import os from "node:os";
import type { HardhatPlugin } from "hardhat/types/plugins";

const FROM_DEPENDENCY = /node_modules\//;
const NOISE = /promoted to keyword|more than 256 warnings/;

const plugin: HardhatPlugin = {
  id: "quiet-deps",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        getCompilationJobErrors: async (context, job, output, next) =>
          (await next(context, job, output)).filter(
            (e) =>
              e.severity === "error" || !(FROM_DEPENDENCY.test(e.formattedMessage ?? "") || NOISE.test(e.message)),
          ),
        build: async (context, roots, options, next) =>
          next(context, roots, { ...options, concurrency: os.availableParallelism() }),
      }),
    }),
  },
};

export default plugin;
