/** The story's market ends with a dead feed and a challenge; losses of the engine are repaid to the stakers who paid for them. */
import assert from "node:assert/strict";
import { everyAccount } from "../../../test/helpers/conservation.ts";
import { dollars } from "../../../test/helpers/fixture.ts";
import { updateFor } from "../../../test/helpers/lockstep/second.ts";
import { DAY, HOUR } from "../../../test/helpers/time.ts";
import { pass, STORY, type Stage } from "./cast.ts";

export async function playEnding(stage: Stage): Promise<void> {
  const { fx } = stage;
  const { engine, oracle, connection } = fx;
  const { time } = connection.networkHelpers;
  await pass(stage, DAY);
  await engine.windDown(STORY);
  await time.increase(4 * DAY); // the feed is dead
  await engine.fixSettlementPrice(STORY);
  const { since } = await engine.recovery(STORY);
  await time.increase(HOUR);
  await oracle.recordSecondPrice(STORY, since, [updateFor(STORY, dollars(1_350n), since + 10n)]);
  await engine.challengeSettlementPrice(STORY);
  await time.increase(2 * HOUR);
  for (const account of await everyAccount(fx))
    if (account >> 96n !== 0n && (await engine.positions(account, STORY)).lots !== 0n)
      await engine.close(STORY, account);
  await engine.coverInventory(STORY);
  await engine.collectIncome(STORY);
  assert.equal((await engine.markets(STORY)).openInterest, 0n, "everybody is closed");
}

/** The treasury's part of income, and tokens for who paid when the engine lost some. */
export async function playRepayments({ fx }: Stage): Promise<void> {
  const { stack, junior, pool, token, unit, staker } = fx;
  if ((await stack.treasuryOwed()) > 0n) await stack.payTreasury();
  await token.mint(staker, 10n * unit);
  await token.connect(staker).approve(stack, 10n * unit);
  await stack.connect(staker).repay(10n * unit);
  for (const [isJunior, tranche] of [
    [true, junior],
    [false, pool],
  ] as const)
    for (let id = 1n; id <= (await tranche.recordedLosses()); ++id)
      if ((await stack.repaymentOf(isJunior, id, staker)) > 0n) await stack.payRepayment(isJunior, id, staker);
}
