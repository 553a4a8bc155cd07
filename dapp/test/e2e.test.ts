/** The dApp in a real browser, against the contracts of a real deployment on a node, with the indexer: one journey after the other. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createStage, type Stage } from "./helpers/stage.ts";
import { accessJourneys } from "./journeys/access.ts";
import { journeysOn } from "./journeys/context.ts";
import { afterJourneys, crashJourneys, nodeJourneys } from "./journeys/crash.ts";
import { deficitJourneys } from "./journeys/deficit.ts";
import { deleveragingJourneys } from "./journeys/deleveraging.ts";
import { indexerJourneys, logJourneys } from "./journeys/history.ts";
import { keeperJourneys } from "./journeys/keeper.ts";
import { portfolioJourneys } from "./journeys/portfolio.ts";
import { stakeJourneys } from "./journeys/stake.ts";
import { stateJourneys } from "./journeys/states.ts";

describe("dApp", { timeout: 900_000 }, () => {
  let stage: Stage | undefined;
  const on = journeysOn(() => {
    if (stage === undefined) throw new Error("The stage is not set up");
    return stage;
  });

  before(async () => {
    stage = await createStage();
    await stage.world.pass(60);
    await stage.indexer.until(Number(await stage.world.request("eth_blockNumber")));
  });

  after(() => stage?.end());

  describe("logs", () => logJourneys(on));
  describe("stake", () => stakeJourneys(on));
  describe("portfolio", () => {
    before(() => on.leave()); // a window that nobody looks at reads the chain all the same
    portfolioJourneys(on);
  });
  describe("deleveraging", () => deleveragingJourneys(on));
  describe("keeper", () => keeperJourneys(on));
  describe("states", () => stateJourneys(on));
  describe("access", () => {
    before(() => on.leave());
    accessJourneys(on);
  });
  describe("crash", () => crashJourneys(on));
  describe("indexer", () => indexerJourneys(on)); // the last of them ends it: what follows is told by the chain
  describe("after the crash", () => afterJourneys(on));
  describe("a crash without stakers", () => {
    before(async () => {
      await on.leave();
      await on.stage.world.rewind();
    });
    deficitJourneys(on);
  });
  describe("without a node", () => nodeJourneys(on));

  it("never threw anything that nobody caught", () => assert.deepEqual(stage?.faults, []));
});
