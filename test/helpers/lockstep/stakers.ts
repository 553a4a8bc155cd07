/** Operations on the pool. The ledger has no part in them: the model is told what the pool holds. */
import { usd } from "../../../sdk/src/units.ts";
import type { Rng } from "../../../sdk/test/helpers/rng.ts";
import type { Action, Cast, Scene } from "./actions.ts";
import type { World } from "./world.ts";

export function createStakerActions({ fx, model, poolAt }: World, { staker, governor }: Cast, rng: Rng, scene: Scene) {
  const pool = fx.pool.interface;
  const token = (dollars: number): bigint => (usd(1) * BigInt(dollars)) / model.tokenUnit;
  const send = (data: string, from = staker): Action => ({ from, to: poolAt, data });

  /** An open request, mostly. */
  async function request(): Promise<{ id: bigint; shares: bigint }> {
    const { closed, last } = await fx.pool.requestIds(staker);
    const id = rng.chance(0.05) ? last + 1n : rng.big(closed + 1n < last ? closed + 1n : last, last);
    return { id, shares: (await fx.pool.exitRequest(staker, id)).shares };
  }

  return {
    stake: (): Action => send(pool.encodeFunctionData("deposit", [rng.big(token(1), token(500)), staker])),
    requestExit: async (): Promise<Action> => {
      const held = await fx.pool.balanceOf(staker);
      const shares = rng.chance(0.05) ? held + 1n : rng.big(0n, held / (rng.chance(0.1) ? 1n : 20n));
      return send(pool.encodeFunctionData("requestRedeem", [shares, staker, staker]));
    },
    claimExit: async (): Promise<Action> => {
      const { id, shares } = await request();
      const part = rng.chance(0.3) ? rng.big(0n, shares) : shares;
      return send(pool.encodeFunctionData("claimExit", [staker, id, part, staker]));
    },
    cancelExit: async (): Promise<Action> => {
      const { id } = await request();
      const from = rng.chance(0.5) ? governor : staker; // anyone may, once it has lapsed
      return send(pool.encodeFunctionData("cancelExit", [staker, id]), from);
    },
    budgets: (): Action => {
      const [day, week] = scene.crisis ? [500, 700] : [rng.int(5_000, 9_000), 10_000];
      return send(pool.encodeFunctionData("setBudgets", [day, week]), governor);
    },
  };
}

/** How often each is drawn. */
export const STAKER_WEIGHTS = { stake: 15, requestExit: 12, claimExit: 12, cancelExit: 5, budgets: 12 } as const;
