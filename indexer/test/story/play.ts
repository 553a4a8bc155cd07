/** All of it: the story in its market, the random session in the others, and what can only come last. */
import { setPrice } from "../../../test/helpers/fixture.ts";
import { MARKETS, playOn, prepare, prologue } from "../../../test/helpers/session.ts";
import type { Stage } from "./cast.ts";
import { playBands, playCrash, playCurve, playLiquidations } from "./depth.ts";
import { playEnding, playRepayments } from "./ending.ts";
import { addSecondSource, playSignals } from "./forecasts.ts";
import { playStaking, rescaleJunior } from "./staking.ts";

/** What touches every contract, within a few minutes of chain time and some hundred transactions. */
export async function playStory(stage: Stage): Promise<void> {
  await stage.fx.stack.setTranches(0, 20_000, 1_000);
  await playStaking(stage);
  await playSignals(stage);
  await playCurve(stage);
  await playLiquidations(stage);
  await playBands(stage);
  await playCrash(stage);
}

/** The random session of the replay, beside the story. */
export async function playSession({ fx }: Stage): Promise<void> {
  for (const [id, { answer }] of MARKETS.entries()) await setPrice(fx, answer, id); // the story has taken weeks
  await prepare(fx);
  await prologue(fx);
  await playOn(fx);
}

export async function playEnd(stage: Stage): Promise<void> {
  await playEnding(stage);
  await playRepayments(stage);
  await rescaleJunior(stage);
}

export { addSecondSource };
