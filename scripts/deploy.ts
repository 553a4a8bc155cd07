/** `npm run deploy -- --network NAME`: deploys, or goes on where an interrupted run stopped, and writes the addresses. */
import path from "node:path";
import { parseArgs } from "node:util";
import { formatEther, parseUnits } from "ethers";
import { network as hardhat, tasks } from "hardhat";
import { DeployError, runCommand } from "../deploy/errors.ts";
import { NETWORKS } from "../deploy/networks.ts";
import { type DeploymentSettings, messageOf, readSettings } from "../deploy/parameters.ts";
import { checkMoney, checkParameters, connect, deployerOf } from "../deploy/preflight.ts";
import {
  buildRecord,
  failedSteps,
  forget,
  hasBegun,
  hasJournal,
  readDoubles,
  readGenesis,
  writeGenesis,
  writeRecord,
} from "../deploy/record.ts";
import { rehearse } from "../deploy/rehearse.ts";
import { deployStages } from "../deploy/stages.ts";

const HELP = `Usage: npm run deploy -- --network NAME [options]

Deploys Backstop with the parameters of deploy/parameters/NAME.json5 and writes the addresses to
deploy/addresses/NAME.json. Interrupted, it goes on where it stopped when it is run again.

  --network NAME     ${Object.keys(NETWORKS).join(", ")}
  --hand-over        gives the deployer's powers to the governor of the parameters, for good
  --dry-run          deploys to a chain in this process instead; prints gas and cost of every transaction
  --gas-price GWEI   for the cost of a dry run; 1 by default
  --parameters FILE  instead of the network's own
  --deployment ID    for a second deployment to the network: its folder in deploy/deployments/ and its file in
                     deploy/addresses/; NAME by default
  --json             a dry run's result as one JSON object
  --help             this text
`;

interface Options {
  readonly network: string;
  readonly handOver: boolean;
  readonly dryRun: boolean;
  readonly gasPrice: bigint; // {wei}
  readonly parameters: string | undefined;
  readonly id: string;
  readonly json: boolean;
}

function parse(args: string[]): Options | "help" {
  const boolean = { type: "boolean", default: false } as const;
  const string = { type: "string" } as const;
  let values: ReturnType<typeof read>;
  const read = () =>
    parseArgs({
      args,
      options: {
        network: string,
        "hand-over": boolean,
        "dry-run": boolean,
        "gas-price": string,
        parameters: string,
        deployment: string,
        json: boolean,
        help: { ...boolean, short: "h" },
      },
    }).values;
  try {
    values = read();
  } catch (error) {
    throw new DeployError(`${messageOf(error)}\n\n${HELP}`, { cause: error });
  }
  if (values.help) return "help";
  if (values.network === undefined) throw new DeployError(`--network is missing.\n\n${HELP}`);
  const gwei = values["gas-price"] ?? "1";
  if (!/^\d+(\.\d{1,9})?$/.test(gwei)) throw new DeployError(`--gas-price is "${gwei}"; it must be a number of gwei.`);
  return {
    network: values.network,
    handOver: values["hand-over"],
    dryRun: values["dry-run"],
    gasPrice: parseUnits(gwei, "gwei"),
    parameters: values.parameters,
    id: idOf(values.deployment ?? values.network),
    json: values.json,
  };
}

function idOf(id: string): string {
  if (/^[a-zA-Z][\w-]*$/.test(id)) return id;
  throw new DeployError(`--deployment is "${id}"; it must be letters, digits, - and _, a letter first.`);
}

async function main(): Promise<number> {
  const options = parse(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = await readSettings(options.network, options.parameters);
  return options.dryRun ? dryRun(settings, options) : deploy(settings, options);
}

async function dryRun(settings: DeploymentSettings, { gasPrice, json }: Options): Promise<number> {
  const { transactions, gas } = await rehearse(settings);
  const cost = (spent: bigint) => formatEther(spent * gasPrice);
  if (json) {
    const rows = transactions.map(({ what, gas: spent }) => ({ what, gas: Number(spent) }));
    process.stdout.write(`${JSON.stringify({ transactions: rows, gas: Number(gas), eth: cost(gas) })}\n`);
    return 0;
  }
  for (const { what, gas: spent } of transactions) process.stdout.write(`${String(spent).padStart(10)}  ${what}\n`);
  process.stdout.write(`${String(gas).padStart(10)}  in ${transactions.length} transactions: ${cost(gas)} ETH at `);
  process.stdout.write(`${Number(gasPrice) / 1e9} gwei, and on a rollup what the data costs on Ethereum\n`);
  return 0;
}

async function deploy(settings: DeploymentSettings, { network, handOver, id }: Options): Promise<number> {
  if (handOver && settings.governor === undefined)
    throw new DeployError(`The parameters of ${network} name nobody to hand over to: add Timelock or HandOver.`);
  const provider = await connect(network);
  const deployer = await deployerOf(network, provider);
  await checkParameters(provider, settings, deployer);
  const genesis = (await provider.getBlock(0))?.hash ?? "";
  await checkChain(network, id, genesis);
  say(`Deployer   ${deployer}`);
  if (!hasJournal(id)) say(`Needs      ${await checkMoney(provider, network, deployer)}`);
  else say(`Goes on    with what deploy/deployments/${id} records`);
  provider.destroy();

  await writeGenesis(id, genesis);
  for (const futureId of failedSteps(id)) await tasks.getTask(["ignition", "wipe"]).run({ deploymentId: id, futureId });
  const connection = await hardhat.create(network);
  try {
    await deployStages(connection, settings, {
      deploymentId: id,
      handOver: handOver || hasBegun(id, "Timelock") || hasBegun(id, "HandOver"),
      doubles: readDoubles(id),
      onStage: (name) => say(`Deploying  ${name}`),
    });
  } catch (error) {
    throw new DeployError(
      `The deployment stopped. ${messageOf(error)}\nMend what it says and run the same command again to go on.`,
      {
        cause: error,
      },
    );
  } finally {
    await connection.close();
  }

  const record = buildRecord(id, settings);
  const file = await writeRecord(id, record);
  for (const [name, at] of Object.entries(record.contracts)) say(`${name.padEnd(10)} ${at}`);
  if (record.timelock !== null) say(`${"timelock".padEnd(10)} ${record.timelock}`);
  say(`Written    ${path.relative(process.cwd(), file)}`);
  say(`Next       npm run inspect -- --network ${network}${id === network ? "" : ` --deployment ${id}`}`);
  return 0;
}

/** A journal is about one chain. A local one that was started afresh has nothing of what it says. */
async function checkChain(network: string, id: string, genesis: string): Promise<void> {
  const known = readGenesis(id);
  if (known === undefined || known === genesis) return;
  if (NETWORKS[network]?.local !== true)
    throw new DeployError(
      `deploy/deployments/${id} is about a chain that begins with block ${known}; this one begins with ${genesis}.`,
    );
  say(`Afresh     this is another chain than the last time`);
  await forget(id);
}

const say = (line: string) => process.stdout.write(`${line}\n`);

await runCommand(main);
