/** `npm run verify -- --network NAME`: publishes the sources on Etherscan, Blockscout and Sourcify, the stack's two pools included. */
import { parseArgs } from "node:util";
import { verifyContract } from "@nomicfoundation/hardhat-verify/verify";
import hre from "hardhat";
import { DeployError, runCommand } from "../deploy/errors.ts";
import { NETWORKS } from "../deploy/networks.ts";
import { messageOf } from "../deploy/parameters.ts";
import { readRecord } from "../deploy/record.ts";
import type { Deployment } from "../sdk/src/deployment.ts";

const HELP = `Usage: npm run verify -- --network NAME [options]

Constructor arguments and libraries come from Ignition's journal in deploy/deployments/.

  --network NAME   ${Object.entries(NETWORKS)
    .filter(([, { local }]) => !local)
    .map(([name]) => name)
    .join(", ")}
  --deployment ID  another than the network's first
  --help           this text
`;

const PROVIDERS = ["etherscan", "blockscout", "sourcify"] as const;

async function main(): Promise<number> {
  const { network, deployment: id = network, help } = parse(process.argv.slice(2));
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (network === undefined || id === undefined) throw new DeployError(`--network is missing.\n\n${HELP}`);
  const known = NETWORKS[network];
  if (known === undefined) throw new DeployError(`No network "${network}".\n\n${HELP}`);
  if (known.local) throw new DeployError(`${network} is a chain on this machine: no explorer knows it.`);
  const deployment = await readRecord(id);

  hre.globalOptions.network = network; // what the task and `verifyContract` connect to
  await hre.tasks.getTask(["ignition", "verify"]).run({ deploymentId: id });
  let isDone = process.exitCode === undefined || process.exitCode === 0;
  for (const pool of pools(deployment))
    for (const provider of PROVIDERS)
      try {
        await verifyContract({ ...pool, provider }, hre);
      } catch (error) {
        isDone = false;
        process.stderr.write(`${provider}: ${messageOf(error)}\n`);
      }
  return isDone ? 0 : 1;
}

function parse(args: string[]) {
  try {
    const string = { type: "string" } as const;
    const options = {
      network: string,
      deployment: string,
      help: { type: "boolean", short: "h", default: false },
    } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new DeployError(`${messageOf(error)}\n\n${HELP}`, { cause: error });
  }
}

/** The stack makes its pools itself, so the journal has not their arguments. */
function pools({ contracts }: Deployment) {
  const { token, stack, engine, manager, junior, senior } = contracts;
  const contract = "contracts/BackstopPool.sol:BackstopPool";
  const of = (isJunior: boolean, name: string, symbol: string) => [
    token,
    stack,
    engine,
    isJunior,
    manager,
    name,
    symbol,
  ];
  return [
    { address: junior, contract, constructorArgs: of(true, "Junior Backstop share", "jBACK") },
    { address: senior, contract, constructorArgs: of(false, "Backstop share", "BACK") },
  ];
}

await runCommand(main);
