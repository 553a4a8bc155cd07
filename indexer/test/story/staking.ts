/** Stakers come, ask for their shares, claim, change their mind, forget; the guardian pauses; all shares are divided. */
import { stake } from "../../../test/helpers/fixture.ts";
import { DAY } from "../../../test/helpers/time.ts";
import { pass, STORY, type Stage } from "./cast.ts";

/** Joins of both pools, requests, a claim in two parts, a cancelled and a lapsed request, a transfer, a pause that is ended. */
export async function playStaking(stage: Stage): Promise<void> {
  const { fx, people } = stage;
  const { junior, pool, guardian } = fx;
  await stake(fx, people.junior, 20_000n, junior);
  const shares = await stake(fx, people.senior, 800_000n);
  const own = pool.connect(people.senior);
  const { address } = people.senior;
  for (let i = 0; i < 4; ++i) await own.requestRedeem(shares / 10n, address, address);
  await junior.connect(people.junior).requestRedeem(10n ** 12n, people.junior, people.junior);
  await own.cancelExit(address, 2n);
  await own.transfer(people.stranger, shares / 20n);
  await pass(stage, 7 * DAY + 60);
  await own.claimExit(address, 1n, shares / 30n, address);
  await own.claimExit(address, 1n, shares / 10n - shares / 30n, people.stranger);
  await own.redeem(shares / 20n, address, address); // of the oldest that is due
  await junior.connect(guardian).pause();
  await pass(stage, DAY);
  await junior.connect(guardian).unpause();
  await pass(stage, 3 * DAY);
  await pool.connect(people.stranger).cancelExit(address, 3n); // it has lapsed
  await pool.setExitClocks(8 * DAY, 2 * DAY);
}

/** The junior pool is drained to its floor from so much that all of its shares are divided, those in a request too. */
export async function rescaleJunior({ fx, people }: Stage): Promise<void> {
  const { connection, engine, stack, junior, unit } = fx;
  const { networkHelpers, ethers } = connection;
  await stack.setBudgets(10_000, 10_000);
  await networkHelpers.time.increase(8 * DAY); // new budgets
  const shares = await stake(fx, people.junior, 60_000_000n, junior);
  await junior.connect(people.junior).requestRedeem(shares / 3n, people.junior, people.junior);
  const at = await engine.getAddress();
  await networkHelpers.setBalance(at, 10n ** 18n);
  await networkHelpers.impersonateAccount(at);
  const asEngine = stack.connect(await ethers.getSigner(at));
  await asEngine.absorb(STORY, 70_000_000n * unit, 0); // more than both have: what the engine's own calls cannot come to in a test
  await asEngine.countLoss(STORY, 5n * unit);
  await networkHelpers.stopImpersonatingAccount(at);
}
