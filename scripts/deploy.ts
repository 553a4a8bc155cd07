/** `npm run deploy -- --network NAME`: deploys, or goes on where an interrupted run stopped, and writes the addresses. */
import path from "node:path";
import { parseArgs } from "node:util";
import { formatEther, parseUnits } from "ethers";
import { network as hardhat } from "hardhat";
import { DeployError, runCommand } from "../deploy/errors.ts";
import { NETWORKS } from "../deploy/networks.ts";
import { type DeploymentSettings, messageOf, readSettings } from "../deploy/parameters.ts";
import { checkMoney, checkParameters, connect, deployerOf } from "../deploy/preflight.ts";
import { buildRecord, forget, hasJournal, readGenesis, writeGenesis, writeRecord } from "../deploy/record.ts";
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
  --json             a dry run's result as one JSON object
  --help             this text
`;

interface Options {
  readonly network: string;
  readonly handOver: boolean;
  readonly dryRun: boolean;
  readonly gasPrice: bigint; // {wei}
  readonly parameters: string | undefined;
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
    json: values.json,
  };
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

async function deploy(settings: DeploymentSettings, { network, handOver }: Options): Promise<number> {
  if (handOver && settings.governor === undefined)
    throw new DeployError(`The parameters of ${network} name nobody to hand over to: add Timelock or HandOver.`);
  const provider = await connect(network);
  const deployer = await deployerOf(network, provider);
  await checkParameters(provider, settings, deployer);
  const genesis = (await provider.getBlock(0))?.hash ?? "";
  await checkChain(network, genesis);
  say(`Deployer   ${deployer}`);
  if (!hasJournal(network)) say(`Needs      ${await checkMoney(provider, network, deployer)}`);
  else say(`Goes on    with what deploy/deployments/${network} records`);
  provider.destroy();

  await writeGenesis(network, genesis);
  const connection = await hardhat.create(network);
  try {
    await deployStages(connection, settings, {
      deploymentId: network,
      handOver,
      onStage: (name) => say(`Deploying  ${name}`),
    });
  } catch (error) {
    throw new DeployError(`The deployment stopped. ${messageOf(error)}\nRun the same command again to go on.`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }

  const record = buildRecord(settings);
  const file = await writeRecord(record);
  for (const [name, at] of Object.entries(record.contracts)) say(`${name.padEnd(10)} ${at}`);
  if (record.timelock !== null) say(`${"timelock".padEnd(10)} ${record.timelock}`);
  say(`Written    ${path.relative(process.cwd(), file)}`);
  say(`Next       npm run inspect -- --network ${network}`);
  return 0;
}

/** A journal is about one chain. A local one that was started afresh has nothing of what it says. */
async function checkChain(network: string, genesis: string): Promise<void> {
  const known = readGenesis(network);
  if (known === undefined || known === genesis) return;
  if (NETWORKS[network]?.local !== true)
    throw new DeployError(
      `deploy/deployments/${network} is about a chain that begins with block ${known}; this one begins with ${genesis}.`,
    );
  say(`Afresh     this is another chain than the last time`);
  await forget(network);
}

const say = (line: string) => process.stdout.write(`${line}\n`);

await runCommand(main);
