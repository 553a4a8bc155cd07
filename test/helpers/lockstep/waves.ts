/** Written sequences that chance does not find: deleveraging until an epoch ends, and of an account that is below zero. */
import { expect } from "chai";
import { usd } from "../../../sdk/src/units.ts";
import type { Action, Cast } from "./actions.ts";
import { answerOf } from "./actions.ts";
import { type Runner, text } from "./runner.ts";
import { signalOf } from "./signals.ts";
import type { World } from "./world.ts";

const HOUR = 3_600n;
const startOf = (outcome: string) => new RegExp(`^${outcome.replaceAll(/[()]/g, "\\$&")}`);

/** Verbs that must succeed on both sides, each in a block of its own. `accounts` are by their place in the cast. */
export async function createScript(world: World, cast: Cast, { step }: Runner) {
  const { fx, chain, model, engineAt, stackAt, poolAt, exchangeAt } = world;
  const [engine, pool, stack] = [fx.engine.interface, fx.pool.interface, fx.stack.interface];
  let now = ((await chain.timestamp()) / HOUR + 1n) * HOUR; // minutes are aligned whenever it is started
  const account = (i: number) => cast.accounts[i] ?? 0n;
  const token = (dollars: bigint): bigint => (usd(1) * dollars) / model.tokenUnit;

  async function act(name: string, action: Action, outcome = "success"): Promise<void> {
    now += 3n;
    expect(text(await step(name, action, now, `script, ${name} at ${now}`, true)), name).to.match(startOf(outcome));
  }
  const keep = (name: string, data: string, apply: () => unknown) =>
    act(name, { from: cast.staker, to: engineAt, data, apply });

  async function price(id: number, bps: number): Promise<void> {
    const answer = ((world.rounds.get(id)?.answer ?? 0n) * BigInt(10_000 + bps)) / 10_000n;
    await act("answer", answerOf(world, cast.governor, id, answer, now + 3n));
    await keep("sync", engine.encodeFunctionData("sync", [id]), () => model.sync(id));
  }

  return {
    account,
    wait: (seconds: bigint): void => {
      now += seconds;
    },
    /** {1e-8 USD/coin}, in `percent` of the market's last answer. */
    price: (id: number, percent = 100) => price(id, 100 * (percent - 100)),
    /** By {bps} of the market's last answer. */
    move: price,
    level: (id: number): bigint => model.state.market(id).level,
    signal: async (market: number, probability: bigint, life: bigint): Promise<void> =>
      act("signal", await signalOf(world, cast, { market, probability, life, now: now + 3n })),
    stake: (dollars: bigint) => {
      const data = pool.encodeFunctionData("deposit", [token(dollars), cast.staker]);
      return act("stake", { from: cast.staker, to: poolAt, data });
    },
    budgets: (bps: number) =>
      act("budgets", { from: cast.governor, to: stackAt, data: stack.encodeFunctionData("setBudgets", [bps, bps]) }),
    deposit: (i: number, dollars: bigint) =>
      keep("deposit", engine.encodeFunctionData("deposit", [account(i), token(dollars)]), () =>
        model.deposit(account(i), token(dollars)),
      ),
    withdraw: (i: number, dollars: bigint) => {
      const from = `0x${(account(i) >> 96n).toString(16).padStart(40, "0")}`;
      const data = engine.encodeFunctionData("withdraw", [account(i), token(dollars), 0n, from]);
      const apply = () => model.withdraw(BigInt(from), account(i), token(dollars));
      return act("withdraw", { from, to: engineAt, data, apply });
    },
    /** At the mark. */
    trade: (market: number, long: number, short: number, dollars: bigint, outcome = "success") => {
      const { price } = model.state.market(market);
      const sides = { buyer: account(long), seller: account(short), buyerIsTaker: true };
      const order = { market, ...sides, lots: (usd(1) * dollars) / price, price };
      const fill = { ...order, buyerReduceOnly: false, sellerReduceOnly: false };
      const data = engine.encodeFunctionData("fill", [fill]);
      const apply = () => model.fill(BigInt(exchangeAt), fill);
      return act("fill", { from: exchangeAt, to: engineAt, data, apply }, outcome);
    },
    takeover: (i: number, reward: number) =>
      keep("takeover", engine.encodeFunctionData("takeover", [account(i), account(reward)]), () =>
        model.takeover(account(i), account(reward)),
      ),
    capInventory: (id: number, lots: bigint) => {
      const cap = { lots, bps: 500n };
      const data = engine.encodeFunctionData("setInventoryCap", [id, cap]);
      const apply = () => model.setInventoryCap(id, cap);
      return act("setInventoryCap", { from: cast.governor, to: engineAt, data, apply });
    },
    deleverage: (id: number) =>
      keep("deleverage", engine.encodeFunctionData("deleverage", [id]), () => model.deleverage(id)),
    settle: (i: number) =>
      keep("settle", engine.encodeFunctionData("settle", [account(i)]), () => model.settle(account(i))),
  };
}

export type Script = Awaited<ReturnType<typeof createScript>>;

/** Shorts are taken over after a rise, and all but a lot of the longs is closed against the inventory: K falls to K / lots each time. */
export async function epochsByRescaling(script: Script, waves: number): Promise<void> {
  await script.capInventory(0, 1n);
  for (let i = 0; i < waves; ++i) {
    const [long, short] = [2 * i, 2 * i + 1];
    for (const who of [long, short]) await script.deposit(who, 2_000n);
    await script.price(0);
    script.wait(12n * HOUR); // the slow average follows, or the winning side is closed
    await script.price(0);
    await script.trade(0, long, short, 50_000n);
    await script.price(0, 115);
    await script.takeover(short, 13);
    await script.deleverage(0);
    if (i % 2 === 0) await script.settle(long);
  }
  for (let i = 0; i < 2 * waves; ++i) await script.settle(i);
}

/** The pool is drained, so that the cap is zero lots: all of a side is closed, among it an account below zero. */
export async function wholeSide(script: Script): Promise<void> {
  const [rich, doomed, drainer, late, counterpart] = [0, 2, 4, 6, 8] as const;
  await script.budgets(10_000);
  await script.withdraw(doomed, 2_900n);
  await script.withdraw(drainer, 2_750n);
  await script.withdraw(late, 2_975n);
  for (const id of [0, 1, 2]) await script.price(id);
  await script.trade(0, drainer, counterpart, 4_300n);
  await script.trade(2, doomed, counterpart, 430n);
  await script.trade(1, rich, doomed, 300n);
  await script.trade(1, late, doomed, 300n);
  await script.price(0, 10);
  await script.price(2, 20);
  await script.price(1, 85);
  await script.takeover(drainer, rich);
  await script.takeover(doomed, rich);
  await script.deleverage(1);
  await script.settle(late);
  await script.settle(rich);
}
