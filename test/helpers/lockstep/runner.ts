/** One operation on both sides, and everything compared afterwards. */
import { expect } from "chai";
import type { Interface } from "ethers";
import { EngineError } from "../../../sdk/src/errors.ts";
import { broken } from "../../../sdk/src/invariants.ts";
import { ICapitalStack__factory, IMarginEngine__factory } from "../../../typechain-types/index.js";
import type { Action, Cast } from "./actions.ts";
import type { Revert } from "./chain.ts";
import { createComparison } from "./compare.ts";
import type { World } from "./world.ts";

/** These change what many accounts show, so that all are compared. */
const FAR_REACHING: readonly string[] = ["deleverage", "collectIncome", "coverEngine", "close"];

export const text = (revert: Revert | undefined) =>
  revert ? `${revert.name}(${revert.values.join(", ")})` : "success";

/** Runs the model's side; its error, if any, in the form of a revert. */
function applied(action: Action): Revert | undefined {
  try {
    action.apply?.();
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { name: error.error, values: error.values };
  }
}

export type Runner = ReturnType<typeof createRunner>;

export function createRunner(world: World, cast: Cast) {
  const { chain, model, fx, engineAt, stackAt, juniorAt, poolAt, tokenAt } = world;
  const sources: readonly (readonly [string, Interface])[] = [
    [engineAt, IMarginEngine__factory.createInterface()],
    [stackAt, ICapitalStack__factory.createInterface()],
    [world.oracleAt, fx.oracle.interface],
    [world.riskAt, fx.risk.interface],
  ];
  const comparison = createComparison(world);
  /** Operations that succeeded, errors and events, by name. */
  const counts = new Map<string, number>();
  let steps = 0;
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const freeStake = fx.pool.interface.encodeFunctionData("freeStake"); // of one pool
  const [unrepaid, totalAssets] = (["unrepaid", "totalAssets"] as const).map((name) =>
    fx.stack.interface.encodeFunctionData(name as "unrepaid"),
  );
  const balance = fx.token.interface.encodeFunctionData("balanceOf", [engineAt]);

  /** `now` {s} dates the block; `full` compares every row. */
  async function step(
    name: string,
    action: Action,
    now: bigint,
    where: string,
    full = false,
  ): Promise<Revert | undefined> {
    const look = async (needed: boolean, at: string, data: string | undefined) =>
      needed && data !== undefined ? chain.peek(at, data, now) : 0n;
    const isOurs = action.apply !== undefined;
    const stake = (await look(isOurs, juniorAt, freeStake)) + (await look(isOurs, poolAt, freeStake));
    const owed = await look(name === "coverEngine", stackAt, unrepaid);
    const assets = await look(name === "deleverage", stackAt, totalAssets);
    const held = await look(name === "coverEngine" || name === "deposit", tokenAt, balance);
    const outcome = await chain.send(action.from, action.to, action.data, now);

    const { commit, ...oracle } = world.quotes(now);
    const { isDone, ...stack } = world.payments(outcome);
    const { differences: unequal, keep, report, freeStake: free } = world.reports(stake, outcome);
    model.at({
      now,
      unrepaid: () => owed,
      totalAssets: () => assets,
      tokensHeld: () => held,
      ...oracle,
      ...stack,
      report,
      freeStake: free,
    });
    const revert = action.apply === undefined ? outcome.revert : applied(action);
    expect(text(outcome.revert), where).to.equal(text(revert));
    expect(isDone(), `${where}: the model asked the stack for everything`).to.equal(true);
    if (revert === undefined) {
      if (action.apply !== undefined) {
        expect(unequal(), `${where}: reports`).to.equal("");
        keep();
      }
      if (action.apply !== undefined) commit();
      action.onSuccess?.();
    }
    steps += 1;
    count(revert?.name ?? name);
    for (const log of outcome.logs) {
      const isFrom = (address: string) => log.address.toLowerCase() === address.toLowerCase();
      const abi = sources.find(([address]) => isFrom(address))?.[1];
      const event = abi?.parseLog(log) ?? null;
      if (event !== null) count(`event ${event.name}`);
      if (event?.name === "LevelSet") {
        count(event.args.to > event.args.from ? "level rose" : "level fell");
        count(`to level ${event.args.to}`);
      }
      if (event?.name === "SignalArmed") world.raisedUntil.set(Number(event.args.market), event.args.until);
      if (event?.name === "LossAbsorbed" && event.args.byJunior > 0n && event.args.bySenior > 0n)
        count("paid by both pools");
    }
    if (model.state.totalDeficit > 0n) count("with a deficit");

    const all = full || (revert === undefined && FAR_REACHING.includes(name));
    const differences = all ? await comparison.everything(full ? cast.accounts : []) : await comparison.touched();
    differences.push(...broken(model.state, model.tokenUnit));
    if (differences.length > 0) expect.fail(`${where}: ${differences.join("; ")}`);
    return revert;
  }
  return { step, counts, done: () => steps };
}
