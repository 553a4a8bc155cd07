/** Operations on stack and pools. The ledger has no part in them: the model is told what the stack holds. */
import { usd } from "../../../sdk/src/units.ts";
import type { Rng } from "../../../sdk/test/helpers/rng.ts";
import type { Action, Cast, Scene } from "./actions.ts";
import type { World } from "./world.ts";

export function createStakerActions(world: World, { staker, governor }: Cast, rng: Rng, scene: Scene) {
  const { fx, model, stackAt, juniorAt, poolAt } = world;
  const [pool, stack] = [fx.pool.interface, fx.stack.interface]; // both pools have the same
  const token = (dollars: number): bigint => (usd(1) * BigInt(dollars)) / model.tokenUnit;
  const send = (to: string, data: string, from = staker): Action => ({ from, to, data });
  /** The senior pool, mostly: the junior one is small enough to be used up. */
  const tranche = () => (rng.chance(0.25) ? ([fx.junior, juniorAt] as const) : ([fx.pool, poolAt] as const));

  /** An open request, mostly. */
  async function request(): Promise<{ at: string; id: bigint; shares: bigint }> {
    const [contract, at] = tranche();
    const { closed, last } = await contract.requestIds(staker);
    const id = rng.chance(0.05) ? last + 1n : rng.big(closed + 1n < last ? closed + 1n : last, last);
    return { at, id, shares: (await contract.exitRequest(staker, id)).shares };
  }

  return {
    stake: (): Action =>
      send(tranche()[1], pool.encodeFunctionData("deposit", [rng.big(token(1), token(500)), staker])),
    requestExit: async (): Promise<Action> => {
      const [contract, at] = tranche();
      const held = await contract.balanceOf(staker);
      const shares = rng.chance(0.05) ? held + 1n : rng.big(0n, held / (rng.chance(0.1) ? 1n : 20n));
      return send(at, pool.encodeFunctionData("requestRedeem", [shares, staker, staker]));
    },
    claimExit: async (): Promise<Action> => {
      const { at, id, shares } = await request();
      const part = rng.chance(0.3) ? rng.big(0n, shares) : shares;
      return send(at, pool.encodeFunctionData("claimExit", [staker, id, part, staker]));
    },
    cancelExit: async (): Promise<Action> => {
      const { at, id } = await request();
      const from = rng.chance(0.5) ? governor : staker; // anyone may, once it has lapsed
      return send(at, pool.encodeFunctionData("cancelExit", [staker, id]), from);
    },
    budgets: (): Action => {
      const [day, week] = scene.crisis ? [500, 700] : [rng.int(5_000, 9_000), 10_000];
      return send(stackAt, stack.encodeFunctionData("setBudgets", [day, week]), governor);
    },
  };
}

/** How often each is drawn. */
export const STAKER_WEIGHTS = { stake: 20, requestExit: 12, claimExit: 12, cancelExit: 5, budgets: 12 } as const;
