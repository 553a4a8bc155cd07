/** `npm run inspect -- --network NAME`: reads a deployment back, prints who holds what, and fails if anything is off. */
import { parseArgs } from "node:util";
import { DeployError, runCommand } from "../deploy/errors.ts";
import { inspect } from "../deploy/inspect/index.ts";
import type { Report } from "../deploy/inspect/report.ts";
import { NETWORKS } from "../deploy/networks.ts";
import { messageOf, readSettings } from "../deploy/parameters.ts";
import { connect } from "../deploy/preflight.ts";
import { readRecord } from "../deploy/record.ts";
import type { Deployment } from "../sdk/src/deployment.ts";

const HELP = `Usage: npm run inspect -- --network NAME [options]

Compares a deployment with this repository: code, wiring, terms, feeds, and who may do what. Needs no key.
Exit code 0: all is as it should be, and the deployer has kept no power. 1: the sentences say what is off.

  --network NAME     ${Object.keys(NETWORKS).join(", ")}
  --parameters FILE  instead of the network's own
  --deployment ID    another than the network's first
  --json             one JSON object
  --help             this text
`;

async function main(): Promise<number> {
  const values = parse(process.argv.slice(2));
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.network === undefined) throw new DeployError(`--network is missing.\n\n${HELP}`);
  const settings = await readSettings(values.network, values.parameters);
  const deployment = await readRecord(values.deployment ?? values.network);
  const provider = await connect(values.network);
  const block = await provider.getBlockNumber();
  const report = await inspect(provider, deployment, settings);
  provider.destroy();
  process.stdout.write(values.json ? asJson(deployment, block, report) : asText(deployment, block, report));
  return report.wrong.length === 0 ? 0 : 1;
}

function parse(args: string[]) {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  const options = {
    network: string,
    parameters: string,
    deployment: string,
    json: boolean,
    help: { ...boolean, short: "h" },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new DeployError(`${messageOf(error)}\n\n${HELP}`, { cause: error });
  }
}

function asJson({ network, chainId }: Deployment, block: number, report: Report): string {
  const { checks, wrong, notes, holders, powers } = report;
  return `${JSON.stringify({ network, chainId, block, ok: wrong.length === 0, checks, wrong, notes, holders, powers })}\n`;
}

function asText({ network, chainId }: Deployment, block: number, report: Report): string {
  const { checks, wrong, notes, holders, powers } = report;
  const roles = [...new Set(powers.map(({ role }) => role))];
  const callable = (role: string) => powers.filter((power) => power.role === role).map((power) => power.function);
  return [
    `${network}, chain ${chainId}, block ${block}`,
    "",
    ...holders.map(({ role, account, who }) => `${role.padEnd(26)} ${account}  ${who}`.trimEnd()),
    "",
    ...roles.map((role) => `${role} may call ${callable(role).join(", ")}`),
    "",
    ...notes.map((note) => `Note: ${note}`),
    ...wrong.map((sentence) => `Wrong: ${sentence}`),
    wrong.length === 0 ? `All ${checks} checks passed.` : `${wrong.length} of ${checks} checks failed.`,
    "",
  ].join("\n");
}

await runCommand(main);
