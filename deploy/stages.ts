/** Deploys in stages, each of which resumes what an interrupted run left: doubles (local chains), Backstop, further markets, hand-over. */
import type { NetworkConnection } from "hardhat/types/network";
import Alt from "./modules/Alt.ts";
import Backstop from "./modules/Backstop.ts";
import Doubles from "./modules/Doubles.ts";
import { handOverModule } from "./modules/HandOver.ts";
import { timelockModule } from "./modules/Timelock.ts";
import type { DeploymentSettings, Sources } from "./parameters.ts";
import type { IgnitionModule } from "./wiring.ts";

export type Addresses = Readonly<Record<string, string>>;

export interface StageOptions {
  /** The folder of Ignition's journal, under deploy/deployments/; not used in process. */
  readonly deploymentId?: string;
  readonly handOver: boolean;
  /** Those of an earlier run: Ignition calls a run failed as long as any later stage is not done. */
  readonly doubles?: Addresses | undefined;
  readonly onStage?: (name: string) => void;
}

/** Returns the addresses of every contract by its name in the modules' results. */
export async function deployStages(
  { ignition, networkConfig }: NetworkConnection,
  settings: DeploymentSettings,
  { deploymentId, handOver, doubles: earlier, onStage }: StageOptions,
): Promise<Addresses> {
  const isLocal = settings.sources === undefined;
  const parameters: Record<string, Record<string, string | number | string[]>> = {};

  async function deploy(module: IgnitionModule): Promise<Addresses> {
    onStage?.([...new Set([...module.submodules].map(({ id }) => id)), module.id].join(", "));
    const contracts: Record<string, { getAddress(): Promise<string> }> = await ignition.deploy(module, {
      parameters,
      config: isLocal && networkConfig.type === "http" ? { blockPollingInterval: 50 } : {},
      ...(deploymentId === undefined ? {} : { deploymentId }),
    });
    return Object.fromEntries(
      await Promise.all(Object.entries(contracts).map(async ([name, at]) => [name, await at.getAddress()] as const)),
    );
  }

  const doubles = isLocal ? (earlier ?? (await deploy(Doubles))) : {};
  const { guardian, treasury, sequencer, feedMaxAge, alt, governor } = settings;
  const sources = settings.sources ?? sourcesOf(doubles);
  parameters.Backstop = { ...sources, guardian, treasury, sequencer, feedMaxAge };
  if (alt !== undefined) {
    const { priceId } = alt;
    const feed = alt.feed ?? named(doubles, "altUsdFeed");
    const pyth = alt.pyth ?? sources.pyth;
    parameters.Alt = { feed, pyth, priceId, sequencer: alt.sequencer, feedMaxAge: alt.feedMaxAge };
  }
  if (governor?.kind === "timelock") {
    const { delay, proposers, executors } = governor;
    parameters.Timelock = { delay, proposers: [...proposers], executors: [...executors] };
  } else if (governor !== undefined) parameters.HandOver = { governor: governor.address };

  const markets = alt === undefined ? Backstop : Alt;
  if (!handOver || governor === undefined) return { ...doubles, ...(await deploy(markets)) };
  const last = governor.kind === "timelock" ? timelockModule(markets) : handOverModule(markets);
  return { ...doubles, ...(await deploy(last)) };
}

const named = (contracts: Addresses, name: string): string => {
  const found = contracts[name];
  if (found === undefined) throw new Error(`The doubles have no ${name}`);
  return found;
};

const sourcesOf = (doubles: Addresses): Sources => ({
  token: named(doubles, "token"),
  ethUsdFeed: named(doubles, "ethUsdFeed"),
  btcUsdFeed: named(doubles, "btcUsdFeed"),
  pyth: named(doubles, "pyth"),
});
