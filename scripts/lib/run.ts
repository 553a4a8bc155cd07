/** Runs a command of node_modules/.bin or npm itself, as the tooling scripts beside this folder need it. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";

export interface Outcome {
  readonly code: number;
  /** Standard output and standard error as they came, without colours. */
  readonly output: string;
}

/**
 * `echo` passes the output on while it comes; given as text, line by line with the text before each. Standard input is closed: nothing
 * here may wait for an answer.
 */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly echo: boolean | string; readonly env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  const { echo } = options;
  const colour = echo !== false && process.stdout.isTTY && process.env.NO_COLOR === undefined;
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32", // finds the .cmd wrappers
    env: {
      ...process.env,
      HARDHAT_DISABLE_TELEMETRY: "true",
      ...(colour ? { FORCE_COLOR: "1" } : {}),
      ...options.env,
    },
  });

  const chunks: Buffer[] = [];
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    from.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (echo === true) to.write(chunk);
    });
    if (typeof echo === "string") createInterface({ input: from }).on("line", (line) => to.write(`${echo}${line}\n`));
  }

  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code: code ?? 1, output: stripVTControlCharacters(Buffer.concat(chunks).toString("utf8")) }),
    );
  });
}
