/** Operations of a market under stress and at its end: deleveraging, claims, the engine's own deficit, wind-down. */
import { MarketStatus } from "../../../sdk/src/types.ts";
import { usd } from "../../../sdk/src/units.ts";
import type { Rng } from "../../../sdk/test/helpers/rng.ts";
import type { Action, Cast, Scene } from "./actions.ts";
import { updateFor } from "./second.ts";
import { MARKET_IDS, type World } from "./world.ts";

const NOBODY = "0x000000000000000000000000000000000000dEaD";

export function createRecoveryActions(world: World, cast: Cast, rng: Rng, scene: Scene) {
  const { fx, model, engineAt, tokenAt, oracleAt, surplus } = world;
  const { state, tokenUnit } = model;
  const [engine, token] = [fx.engine.interface, fx.token.interface];
  const user = () => (rng.chance(0.01) ? rng.big(0n, 70n) : rng.pick(cast.accounts));
  const listed = () => (rng.chance(0.02) ? rng.pick([5, 63]) : rng.pick(MARKET_IDS));
  const cents = (most: number): bigint => (usd(1) * BigInt(rng.int(1, most))) / 100n / tokenUnit;
  const inStatus = (status: number) => MARKET_IDS.filter((id) => state.market(id).status === status);
  const mostly = <T>(found: readonly T[], any: () => T): T =>
    found.length > 0 && rng.chance(0.9) ? rng.pick(found) : any();
  const send = (from: string, data: string, apply: () => unknown): Action => ({ from, to: engineAt, data, apply });

  return {
    setInventoryCap: (): Action => {
      const id = listed();
      const cap = { lots: rng.chance(0.6) ? rng.big(0n, 3n) : rng.big(1n, 30_000n), bps: rng.big(480n, 5_020n) };
      const data = engine.encodeFunctionData("setInventoryCap", [id, cap]);
      return send(cast.governor, data, () => model.setInventoryCap(id, cap));
    },
    deleverage: (): Action => {
      const full = MARKET_IDS.filter((id) => {
        const { lots, cap } = model.inventory(id, 10n ** 30n);
        return (lots < 0n ? -lots : lots) > cap;
      });
      const id = mostly(full, listed);
      return send(cast.staker, engine.encodeFunctionData("deleverage", [id]), () => model.deleverage(id));
    },
    settleAccount: (): Action => {
      const account = user();
      return send(cast.staker, engine.encodeFunctionData("settle", [account]), () => model.settle(account));
    },
    collectClaim: (): Action => {
      const account = mostly(
        cast.accounts.filter((id) => model.claim(id) < state.claims.get(id)),
        user,
      );
      return send(cast.staker, engine.encodeFunctionData("collectClaim", [account]), () => model.collectClaim(account));
    },
    /** Tokens vanish from the engine, as after a failure of the token. */
    burn: (): Action => {
      const amount = cents(scene.crisis ? (rng.chance(0.35) ? 900_000 : 4_000) : 500);
      const data = token.encodeFunctionData("transfer", [NOBODY, amount]);
      const onSuccess = () => {
        surplus.tokens -= amount;
      };
      return { from: engineAt, to: tokenAt, data, onSuccess };
    },
    donate: (): Action => {
      const amount = cents(4_000);
      const onSuccess = () => {
        surplus.tokens += amount;
      };
      return { from: cast.staker, to: tokenAt, data: token.encodeFunctionData("mint", [engineAt, amount]), onSuccess };
    },
    coverEngine: (): Action => {
      const data = engine.encodeFunctionData("coverEngine");
      const balance = () => state.internalBalance;
      let before = 0n;
      const apply = () => {
        before = balance();
        model.coverEngine();
      };
      const onSuccess = () => {
        surplus.tokens = surplus.tokens < 0n ? 0n : surplus.tokens - (balance() - before);
      };
      return { from: cast.staker, to: engineAt, data, apply, onSuccess };
    },

    windDown: (): Action => {
      const id = mostly(
        MARKET_IDS.filter((market) => market !== scene.dead),
        listed,
      );
      return send(cast.governor, engine.encodeFunctionData("windDown", [id]), () => model.windDown(id));
    },
    windDownDead: (): Action => {
      const id = scene.dead !== undefined && rng.chance(0.8) ? scene.dead : listed();
      return send(cast.staker, engine.encodeFunctionData("windDownDead", [id]), () => model.windDownDead(id));
    },
    fixSettlementPrice: (): Action => {
      const id = mostly([...inStatus(MarketStatus.WINDING_DOWN), ...inStatus(MarketStatus.SETTLING)], listed);
      const data = engine.encodeFunctionData("fixSettlementPrice", [id]);
      return send(cast.staker, data, () => model.fixSettlementPrice(id));
    },
    /** Brings the second source's price of a market that is settling. */
    second: (): Action => {
      const id = mostly(inStatus(MarketStatus.SETTLING), () => rng.pick(MARKET_IDS));
      const { since } = state.recovery.get(BigInt(id));
      const { price } = state.market(id); // with lots of 1e-4 coin, u per lot are 1e-8 USD per coin
      const answer = (price * rng.big(9_500n, 10_500n)) / 10_000n;
      const confidence = rng.chance(0.1) ? answer / 50n : answer / 200n;
      const updates = [updateFor(id, answer, since + rng.big(0n, 30n), confidence)];
      const data = fx.oracle.interface.encodeFunctionData("recordSecondPrice", [id, since, updates]);
      const onSuccess = () => {
        world.seconds.set(`${id}:${since}`, world.priceOf(id, answer));
      };
      return { from: cast.staker, to: oracleAt, data, onSuccess };
    },
    challenge: (): Action => {
      const id = mostly(inStatus(MarketStatus.SETTLING), listed);
      const data = engine.encodeFunctionData("challengeSettlementPrice", [id]);
      return send(cast.staker, data, () => model.challengeSettlementPrice(id));
    },
    close: (): Action => {
      const open = inStatus(MarketStatus.SETTLED).flatMap((id) =>
        cast.accounts.filter((account) => state.position(account, id).lots !== 0n).map((account) => ({ id, account })),
      );
      const { id, account } = mostly(open, () => ({ id: listed(), account: user() }));
      return send(cast.staker, engine.encodeFunctionData("close", [id, account]), () => model.close(id, account));
    },
  };
}

/** How often each is drawn. */
export const RECOVERY_WEIGHTS = {
  setInventoryCap: 25,
  deleverage: 40,
  settleAccount: 20,
  collectClaim: 20,
  burn: 9,
  donate: 3,
  coverEngine: 12,
  windDown: 0,
  windDownDead: 0,
  fixSettlementPrice: 1,
  second: 0,
  challenge: 1,
  close: 2,
} as const;

/** In a crisis, now and then. */
export const PRESSING = [
  "jump",
  "jump",
  "takeover",
  "takeover",
  "deleverage",
  "collectIncome",
  "collectClaim",
] as const;

/** In the last part of a life, instead of everything else, every other time. */
export const ENDING = [
  ...(["windDown", "windDown", "windDownDead", "windDownDead", "fixSettlementPrice", "fixSettlementPrice"] as const),
  ...(["second", "challenge", "close", "close", "close", "close", "collectIncome"] as const),
];
