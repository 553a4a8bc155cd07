/** The program of keeper/ in the place of the drill's own keeper: it reads and sends through a node's JSON-RPC like anywhere. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createKeeper, type KeeperOptions, parseConfig } from "../../keeper/src/keeper.ts";
import type { Agent } from "./agent.ts";
import { createBridge } from "./bridge.ts";
import { keyOf } from "./keys.ts";
import type { World } from "./world.ts";

/** The account of the drill's keeper among those that the chain unlocks. */
const SEAT = 2;
/** Passes in one step at most, of a transaction each. */
const PASSES = 1_000;
const DRAIN = 60_000; // {ms}

export interface ProgramOptions {
  readonly logger: KeeperOptions["logger"];
  /** Steps between two looks, less one: it acts upon what it sees, so it can only be late in looking. */
  readonly latency: number;
}

/** One transaction at a time, so that two runs send in the same order. */
export async function createProgram(world: World, { logger, latency }: ProgramOptions): Promise<Agent> {
  const bridge = await createBridge(world.chain);
  const folder = await mkdtemp(path.join(tmpdir(), "backstop-keeper-"));
  const record = path.join(folder, "deployment.json");
  await writeFile(record, JSON.stringify(world.deployment));
  const config = parseConfig({
    KEEPER_RPC_URL: bridge.url,
    KEEPER_KEY: keyOf(SEAT),
    KEEPER_ADDRESSES: record,
    KEEPER_STATE: folder,
    KEEPER_PORT: "0",
    KEEPER_POLL: "50",
    KEEPER_NATIVE_USD: "200",
    KEEPER_IN_FLIGHT: "1",
  });
  const keeper = await createKeeper({ config, logger });
  let step = -1;
  return {
    latency,
    async act() {
      step += 1;
      if (step % (latency + 1) !== latency) return;
      for (let i = 0; i < PASSES; i += 1) {
        const { sent } = await keeper.pass();
        if (sent === 0) return;
        await keeper.drain(DRAIN);
      }
      throw new Error(`The keeper still sends after ${PASSES} passes`);
    },
    async collectIncome() {}, // of its own accord
    async stop() {
      await keeper.stop();
      await bridge.close();
      await rm(folder, { recursive: true });
    },
  };
}
