/** A keeper that is started, passes until nothing is left to do, and is stopped; what it did, as the chain has it. */

import { BackstopPool__factory, CapitalStack__factory, Oracle__factory } from "../../../typechain-types/index.js";
import { engineAbi } from "../../src/acts/simulate.ts";
import type { KeeperOptions } from "../../src/keeper.ts";
import type { World } from "./world.ts";

const ABIS = [
  engineAbi,
  CapitalStack__factory.createInterface(),
  BackstopPool__factory.createInterface(),
  Oracle__factory.createInterface(),
];

export interface Acted {
  /** Names of the events of its own transactions, in order. */
  readonly events: readonly string[];
  readonly sent: number;
  readonly passes: number;
  readonly metrics: string;
}

export async function act(
  world: World,
  changes: Readonly<Record<string, string | undefined>> = {},
  options: Partial<KeeperOptions> & { readonly passes?: number } = {},
): Promise<Acted> {
  const { provider } = world.fx.connection.ethers;
  const from = await provider.getBlockNumber(); // its last block is somebody else's
  const { passes: most = 6, ...ports } = options;
  const keeper = await world.keeper(changes, ports);
  let [sent, passes, metrics] = [0, 0, ""];
  try {
    for (; passes < most; ) {
      const report = await keeper.pass();
      passes += 1;
      await keeper.drain(10_000);
      sent += report.sent;
      if (report.sent === 0) break;
    }
    metrics = await (await fetch(`${keeper.url}/metrics`)).text();
  } finally {
    await keeper.stop();
  }
  const events: string[] = [];
  for (const log of await provider.getLogs({ fromBlock: from })) {
    if (log.blockNumber === from) continue;
    const transaction = await provider.getTransaction(log.transactionHash);
    if (transaction?.from !== keeper.address) continue;
    const event = ABIS.map((abi) => abi.parseLog(log)).find((found) => found !== null);
    if (event) events.push(event.name);
  }
  return { events, sent, passes, metrics };
}

/** Value of a metric, summed over its labels that contain `labels`. */
export function metric(text: string, name: string, labels = ""): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`backstop_keeper_${name}`) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
