/** The drill with the keeper that runs in production: the same to the last unit in process, on a hardhat node and on anvil. */
import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { createLogger } from "../../keeper/src/logger.ts";
import { EPISODES } from "../../lab/src/episodes.ts";
import { STEPS_PER_BAR, stepsOf } from "../../lab/src/path.ts";
import { createProgram } from "../../lab/src/program.ts";
import { type Outcome, run } from "../../lab/src/run.ts";
import { DEFAULTS, type Settings } from "../../lab/src/settings.ts";
import { total } from "../../lab/src/tally.ts";
import { type NodeKind, startNode } from "../helpers/nodes.ts";

const SETTINGS: Settings = { ...DEFAULTS, traders: 12, keeper: "program" };
/** The fall from 168 to 123 is in the eleventh and twelfth. */
const HOURS = 13;

async function play(connection: NetworkConnection): Promise<Outcome> {
  const { seed, latency, pool } = SETTINGS;
  const steps = stepsOf(EPISODES["eth-2020-03-12"].bars, seed).slice(0, HOURS * STEPS_PER_BAR);
  return run(connection, {
    ...{ settings: SETTINGS, steps, staked: pool, onStep: () => {} },
    createKeeper: (world) => createProgram(world, { logger: createLogger("error"), latency }),
  });
}

async function onNode(kind: NodeKind): Promise<Outcome> {
  const node = await startNode(kind);
  try {
    return await play(await network.create({ network: "localhost", override: { url: node.url } }));
  } finally {
    await node.stop();
  }
}

/** Without the hash of the last transaction: two nodes estimate gas apart, and what was estimated is signed. */
const comparable = ({ tally: { fills, ...tally }, ...rest }: Outcome) => ({ ...rest, tally });

describe("the drill through the keeper's program", function () {
  this.timeout(600_000);
  let inProcess: Outcome;

  before(async () => {
    inProcess = await play(await network.create());
  });

  it("liquidates, takes over, and keeps every sum", () => {
    const { tally, failures, closing } = inProcess;
    expect(failures).to.deep.equal([]);
    expect(tally.liquidations, "liquidations").to.be.greaterThan(3);
    expect(tally.takeovers, "takeovers").to.be.greaterThan(0);
    expect(total(tally).shortfall > 0n, "a shortfall").to.equal(true);
    expect(closing.accountsLeft).to.equal(0);
  });

  for (const kind of ["hardhat", "anvil"] as const)
    it(`is the same on a node of ${kind}`, async () => {
      expect(comparable(await onNode(kind))).to.deep.equal(comparable(inProcess));
    });
});
