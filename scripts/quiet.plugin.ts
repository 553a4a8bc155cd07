/** Hardhat plugin: hides compiler warnings located in dependencies, so that ours stand out, and compiles on all cores. */
import os from "node:os";
import type { HardhatPlugin } from "hardhat/types/plugins";

const FROM_DEPENDENCY = /node_modules\//;
const NOISE = /promoted to keyword|more than 256 warnings/;

/** Set by the continuous integration: a warning in our own code then fails the build. */
const STRICT = process.env.STRICT_WARNINGS === "1";

const plugin: HardhatPlugin = {
  id: "quiet-deps",
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        getCompilationJobErrors: async (context, job, output, next) =>
          (await next(context, job, output))
            .filter(
              ({ severity, message, formattedMessage }) =>
                severity === "error" || !(FROM_DEPENDENCY.test(formattedMessage ?? "") || NOISE.test(message)),
            )
            .map((error) => (STRICT && error.severity === "warning" ? { ...error, severity: "error" } : error)),
        build: async (context, roots, options, next) =>
          next(context, roots, { ...options, concurrency: os.availableParallelism() }),
      }),
    }),
  },
};

export default plugin;
