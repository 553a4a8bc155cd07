/** `npm run keeper`: arguments, environment, signals, exit codes. */
import { parseArgs } from "node:util";
import { runCommand } from "../../deploy/errors.ts";
import { parseConfig, VARIABLES } from "./config.ts";
import { KeeperError, messageOf } from "./errors.ts";
import { createKeeper, type Keeper } from "./keeper.ts";
import { createLogger } from "./logger.ts";

const HELP = `Usage: npm run keeper -- [options]

Liquidates, takes over, deleverages, syncs and settles, for what it pays and so that nobody else has to.
Exit code 0: done. 1: yours to fix. 75: worth retrying.

  --once     one pass, then waits for what it has sent
  --dry-run  says what it would send and sends nothing
  --json     with --once: the pass as one JSON object on standard output; logs go to standard error
  --help     this text

Environment, with [defaults]:

${Object.entries(VARIABLES)
  .map(([name, text]) => `  ${name.padEnd(22)} ${text}`)
  .join("\n")}
`;

function parse(args: string[]) {
  const boolean = { type: "boolean", default: false } as const;
  const options = { once: boolean, "dry-run": boolean, json: boolean, help: { ...boolean, short: "h" } } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new KeeperError(`${messageOf(error)}\n\n${HELP}`, { cause: error });
  }
}

async function main(): Promise<number> {
  const values = parse(process.argv.slice(2));
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.json && !values.once) throw new KeeperError("--json says what one pass did: it needs --once.");
  const config = parseConfig(process.env);
  let keeper: Keeper | undefined;
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    void keeper?.stop();
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  keeper = await createKeeper({ config, logger: createLogger(config.log), dryRun: values["dry-run"] });
  try {
    if (isStopped) return 0; // it was told to while it was getting ready
    if (values.once) {
      const report = await keeper.pass();
      if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      else
        process.stdout.write(
          `Block ${report.block}: ${report.unhealthy} of ${report.accounts} accounts below margin, ${report.sent} sent.\n`,
        );
    } else await keeper.run();
  } finally {
    await keeper.stop();
    process.off("SIGTERM", stop).off("SIGINT", stop);
  }
  return 0;
}

await runCommand(main);
