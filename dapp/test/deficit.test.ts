/** The dApp when nobody stands behind the market any more: a world of its own, for its stakers leave before the crash. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createStage, type Stage } from "./helpers/stage.ts";
import { journeysOn } from "./journeys/context.ts";
import { deficitJourneys } from "./journeys/deficit.ts";

describe("dApp without stakers", { timeout: 600_000 }, () => {
  let stage: Stage | undefined;
  const on = journeysOn(() => {
    if (stage === undefined) throw new Error("The stage is not set up");
    return stage;
  });

  before(async () => {
    stage = await createStage();
  });

  after(() => stage?.end());

  describe("deficit", () => deficitJourneys(on));

  it("never threw anything that nobody caught", () => assert.deepEqual(stage?.faults, []));
});
