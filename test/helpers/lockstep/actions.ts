/** Random operations: the transaction and what the model does for it. Mostly sensible, some of them wrong on purpose. */
import { Wallet } from "ethers";
import type { Liquidation } from "../../../sdk/src/rescue.ts";
import { MarketStatus, Valuation } from "../../../sdk/src/types.ts";
import { accountId, isSystem, ownerOf, usd } from "../../../sdk/src/units.ts";
import type { Rng } from "../../../sdk/test/helpers/rng.ts";
import { matchOf, nonceOf, orderOf } from "../orders.ts";
import { addressOf } from "./chain.ts";
import { createRecoveryActions, ENDING, PRESSING, RECOVERY_WEIGHTS } from "./recovery.ts";
import { signalOf } from "./signals.ts";
import { createStakerActions, STAKER_WEIGHTS } from "./stakers.ts";
import { MARKET_IDS, MARKETS, type World } from "./world.ts";

export interface Action {
  readonly from: string;
  readonly to: string;
  readonly data: string;
  /** The model's side of it; absent when the ledger is not involved. */
  readonly apply?: () => unknown;
  /** Runs when both succeeded. */
  readonly onSuccess?: () => void;
}

const OWNERS = 7;
/** By how much the moves of a calm market are smaller. */
const CALM = 20;
const START: readonly bigint[] = MARKETS.map(({ answer }) => answer);

/** `crisis`: the stack's budgets are small and prices jump, so that deficits and haircuts occur. */
export interface Scene {
  now: bigint; // {s}
  crisis: boolean;
  ending: boolean; // markets are wound down
  calm?: boolean; // prices hardly move, so that levels fall
  dead?: number; // market whose feed has answered for the last time
}

export interface Cast {
  readonly owners: readonly Wallet[];
  readonly accounts: readonly bigint[];
  readonly governor: string;
  readonly staker: string;
}

export function createCast(world: World): Cast {
  const owners = Array.from({ length: OWNERS }, (_, i) => new Wallet(`0x${(i + 1).toString(16).padStart(64, "a")}`));
  const accounts = owners.flatMap(({ address }) => [0n, 1n].map((subId) => accountId(BigInt(address), subId)));
  return { owners, accounts, governor: world.fx.governor.address, staker: world.fx.staker.address };
}

/** A new round of the market's feed. */
export function answerOf(world: World, from: string, id: number, next: bigint, updatedAt: bigint): Action {
  const feed = world.fx.feeds[id];
  const old = world.rounds.get(id);
  if (feed === undefined || old === undefined) throw new Error(`market ${id} has no feed`);
  const round = { roundId: old.roundId + 1n, answer: next, updatedAt };
  const data = feed.interface.encodeFunctionData("setRound", [round.roundId, round.answer, round.updatedAt]);
  return { from, to: String(feed.target), data, onSuccess: () => world.rounds.set(id, round) };
}

export function createActions(world: World, cast: Cast, rng: Rng, scene: Scene) {
  const { fx, model, engineAt, exchangeAt } = world;
  const { accounts } = cast;
  const { state, tokenUnit } = model;
  const engine = fx.engine.interface;
  const token = (dollars: number): bigint => (usd(1) * BigInt(dollars)) / tokenUnit;
  const ownerAt = (account: bigint) => addressOf(ownerOf(account));
  /** Now and then somebody else's name, the wrong kind of account or a market that is not there. */
  const caller = (account: bigint) =>
    isSystem(account) || rng.chance(0.02) ? rng.pick(cast.owners).address : ownerAt(account);
  const user = () => (rng.chance(0.005) ? rng.big(0n, 64n) : rng.pick(accounts));
  const listed = () => (rng.chance(0.01) ? rng.pick([5, 64, 200]) : rng.pick(MARKET_IDS));
  const lotsIn = (account: bigint, market: number) => state.position(account, market).lots;
  let sequence = 0n;

  const unhealthy = () =>
    accounts.filter((account) => {
      const { equity, maintenance } = model.health(account, Valuation.FAVOURABLE);
      return equity < maintenance;
    });

  const flagged = () => accounts.filter((account) => state.accounts.get(account).unhealthySince !== 0n);

  /** Mostly somebody under maintenance margin, as a keeper would look for; of these those that the call is for. */
  function weak(isFor: (equity: bigint) => boolean = () => true): bigint {
    const all = unhealthy();
    const wanted = all.filter((account) => isFor(model.health(account, Valuation.MARK).equity));
    const found = wanted.length > 0 && rng.chance(0.9) ? wanted : all;
    return found.length > 0 && rng.chance(0.9) ? rng.pick(found) : user();
  }

  /** Mostly one of those with most room above initial margin. */
  function rich(): bigint {
    const room = (account: bigint) => {
      const { equity, initial } = model.health(account, Valuation.MARK);
      return equity - initial;
    };
    const best = accounts
      .map((account) => ({ account, room: room(account) }))
      .sort((a, b) => (a.room < b.room ? 1 : -1));
    return rng.chance(0.8) ? rng.pick(best.slice(0, 4)).account : user();
  }

  const answer = (id: number, next: bigint, age = 0n) => answerOf(world, cast.governor, id, next, scene.now - age);

  const alive = (id: number) => (id === scene.dead ? (id + 1) % MARKET_IDS.length : id);

  function move(from: number, bps: number): Action {
    const id = alive(from);
    const start = START[id] ?? 1n;
    const by = scene.calm === true ? Math.trunc(bps / CALM) : bps;
    const next = ((world.rounds.get(id)?.answer ?? 1n) * BigInt(10_000 + by)) / 10_000n;
    return answer(id, next > start * 4n || next < start / 4n ? start : next);
  }

  /** A step of the price, as often as not against the account nearest to liquidation. */
  function drift(): Action {
    const worst = accounts
      .map((account) => ({ account, health: model.health(account, Valuation.MARK) }))
      .filter(({ health }) => health.maintenance > 0n)
      .map(({ account, health }) => ({ account, ratio: (health.equity * 1_000n) / health.maintenance }))
      .reduce((a, b) => (b.ratio < a.ratio ? b : a), { account: accounts[0] ?? 0n, ratio: 1n << 128n });
    const held = MARKET_IDS.filter((id) => lotsIn(worst.account, id) !== 0n);
    if (held.length === 0 || rng.chance(0.4)) return move(rng.pick(MARKET_IDS), rng.int(-250, 250));
    const id = rng.pick(held);
    return move(id, (lotsIn(worst.account, id) > 0n ? -1 : 1) * rng.int(0, 300));
  }

  function trade(): { order: Parameters<typeof model.fill>[1]; buyer: bigint; seller: bigint } {
    const market = listed();
    const price = state.market(market).price;
    const [buyer, seller] = [user(), user()];
    const off = BigInt(rng.chance(0.9) ? rng.int(-20, 20) : rng.int(-600, 600));
    const held = lotsIn(buyer, market);
    const wanted = usd(rng.int(5, 15_000)) / (price === 0n ? 1n : price);
    const closing = held < 0n && rng.chance(0.7);
    const order = {
      market,
      buyer,
      seller,
      lots: rng.chance(0.01) ? 0n : closing ? -held : wanted,
      price: (price * (10_000n + off)) / 10_000n,
      buyerIsTaker: rng.chance(0.5),
      buyerReduceOnly: rng.chance(0.03),
      sellerReduceOnly: rng.chance(0.03),
    };
    return { order, buyer, seller };
  }

  const actions = {
    ...createRecoveryActions(world, cast, rng, scene),
    ...createStakerActions(world, cast, rng, scene),
    fill: (): Action => {
      const { order } = trade();
      const from = rng.chance(0.01) ? rng.pick(cast.owners).address : exchangeAt;
      return {
        from,
        to: engineAt,
        data: engine.encodeFunctionData("fill", [order]),
        apply: () => model.fill(BigInt(from), order),
      };
    },
    /** The same through signatures. */
    settle: async (): Promise<Action> => {
      const { order } = trade();
      const [buyer, seller] = [rng.pick(accounts), rng.pick(accounts)];
      const signer = (account: bigint) => {
        const found = cast.owners.find(({ address }) => BigInt(address) === ownerOf(account));
        if (found === undefined) throw new Error("nobody owns this account");
        return found;
      };
      const side = (account: bigint, lane: bigint, lots: bigint, reduceOnly: boolean) => {
        sequence += 1n;
        const { price } = order;
        const flags = reduceOnly ? 1n : 0n;
        const terms = { account, lots, price, market: BigInt(order.market), nonce: nonceOf(lane, sequence), flags };
        return { order: orderOf(terms), signer: signer(account) };
      };
      const lots = order.lots === 0n ? 1n : order.lots;
      const bought = side(buyer, 0n, lots, order.buyerReduceOnly);
      const sold = side(seller, 1n, -lots, order.sellerReduceOnly);
      const pair = await matchOf(
        fx.exchange,
        ...(order.buyerIsTaker ? ([sold, bought] as const) : ([bought, sold] as const)),
      );
      return {
        from: rng.pick(cast.owners).address,
        to: exchangeAt,
        data: fx.exchange.interface.encodeFunctionData("settle", [pair]),
        apply: () => model.fill(BigInt(exchangeAt), { ...order, buyer, seller, lots }),
      };
    },
    deposit: (): Action => {
      const [account, amount] = [
        rng.chance(0.3) ? rng.pick([...flagged(), weak()]) : user(),
        rng.chance(0.02) ? 0n : rng.big(1n, token(2_000)),
      ];
      const data = engine.encodeFunctionData("deposit", [account, amount]);
      const from = rng.pick(cast.owners).address;
      return { from, to: engineAt, data, apply: () => model.deposit(account, amount) };
    },
    withdraw: (): Action => {
      const account = user();
      const from = caller(account);
      const all = state.accounts.get(account).cash / tokenUnit;
      const amount = rng.chance(0.05) ? (all < 0n ? 0n : all + 1n) : rng.big(1n, token(500));
      const minPaid = rng.chance(0.05) ? amount : 0n;
      const data = engine.encodeFunctionData("withdraw", [account, amount, minPaid, cast.owners[0]?.address ?? from]);
      return { from, to: engineAt, data, apply: () => model.withdraw(BigInt(from), account, amount, minPaid) };
    },
    transfer: (): Action => {
      const [source, target] = [user(), user()];
      const from = caller(source);
      const amount = rng.chance(0.02) ? 0n : rng.big(1n, usd(700));
      const data = engine.encodeFunctionData("transfer", [source, target, amount]);
      return { from, to: engineAt, data, apply: () => model.transfer(BigInt(from), source, target, amount) };
    },
    drift,
    jump: (): Action => move(rng.pick(MARKET_IDS), scene.crisis ? rng.int(-4_000, 4_000) : rng.int(-900, 900)),
    /** Answers that must not be believed, and late ones. */
    spoil: (): Action => {
      const id = alive(rng.pick(MARKET_IDS));
      return rng.chance(0.5)
        ? answer(id, rng.pick([0n, -5n, 1n, 10n ** 30n]))
        : answer(id, START[id] ?? 1n, BigInt(rng.int(1, 5_000)));
    },
    sync: (): Action => {
      const market = listed();
      const data = engine.encodeFunctionData("sync", [market]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.sync(market) };
    },
    flag: (): Action => {
      const account = weak();
      const data = engine.encodeFunctionData("flag", [account]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.flag(account) };
    },
    unflag: (): Action => {
      const found = flagged();
      const account = found.length > 0 && rng.chance(0.9) ? rng.pick(found) : user();
      const data = engine.encodeFunctionData("unflag", [account]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.unflag(account) };
    },
    liquidate: (): Action => {
      const account = weak((equity) => equity >= 0n);
      const into = rich();
      const from = caller(into);
      const held = MARKET_IDS.filter((id) => lotsIn(account, id) !== 0n);
      const call: Liquidation = {
        account,
        market: held.length > 0 ? rng.pick(held) : listed(),
        into,
        maxLots: rng.chance(0.7) ? 1n << 55n : rng.big(0n, 60_000n),
        minDiscount: rng.chance(0.05) ? 10n ** 16n : 0n,
      };
      const { market, maxLots, minDiscount } = call;
      const data = engine.encodeFunctionData("liquidate", [account, market, into, maxLots, minDiscount]);
      return { from, to: engineAt, data, apply: () => model.liquidate(BigInt(from), call) };
    },
    takeover: (): Action => {
      const [account, rewardAccount] = [weak((equity) => equity < 0n), user()];
      const data = engine.encodeFunctionData("takeover", [account, rewardAccount]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.takeover(account, rewardAccount) };
    },
    coverInventory: (): Action => {
      const market = listed();
      const data = engine.encodeFunctionData("coverInventory", [market]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.coverInventory(market) };
    },
    collectIncome: (): Action => {
      const market = listed();
      const data = engine.encodeFunctionData("collectIncome", [market]);
      return { from: cast.staker, to: engineAt, data, apply: () => model.collectIncome(market) };
    },
    /** New terms: margins up or down, so that maintenance margin ramps, and other fees. */
    setMarket: (): Action => {
      const id = rng.pick(MARKET_IDS);
      const [params, rules] = [state.params.get(id), state.rules.get(id)];
      if (params === undefined || rules === undefined) throw new Error(`market ${id} is not listed`);
      const initialBps = BigInt(rng.int(600, 1_200));
      const ramp = BigInt(rng.int(rng.chance(0.1) ? -1 : 0, 1_000));
      const next = {
        ...params,
        initialBps,
        maintenanceBps: BigInt(rng.int(250, 450)),
        rampNotional: params.rampNotional + ramp,
        takerFeePpm: BigInt(rng.int(300, 800)),
        takeoverReward: usd(rng.int(0, 5)),
      };
      const bucketTarget = BigInt(rng.int(0, 300));
      const nextRules = { ...rules, premiumRate: BigInt(rng.int(0, 100_000)), bucketTarget };
      const data = engine.encodeFunctionData("setMarket", [id, next, nextRules]);
      return { from: cast.governor, to: engineAt, data, apply: () => model.setMarket(id, next, nextRules) };
    },
    /** A forecast for a market that has levels. */
    signal: (): Promise<Action> => {
      const market = rng.pick([...state.limits.keys()]);
      const probability = rng.big(0n, rng.chance(0.5) ? 10_000n : 1_500n);
      return signalOf(world, cast, { market, probability, life: rng.big(300n, 21_600n), now: scene.now });
    },
    /** Levels further up or down. */
    setLimits: (): Action => {
      const market = rng.pick([...state.limits.keys()]);
      const [level1, scale] = [rng.big(14_000n, 23_000n), rng.big(13n, 14n)];
      const [level2, level3] = [(level1 * scale) / 10n, (level1 * scale ** 2n) / 100n];
      const level4 = rng.chance(0.1) ? level3 : (level1 * scale ** 3n) / 1_000n; // not above the third: refused
      const limits = { level1, level2, level3, level4, initial: 12_000n };
      const data = fx.risk.interface.encodeFunctionData("setVolatilityLimits", [market, limits]);
      const apply = () => model.setVolatilityLimits(market, limits);
      return { from: cast.governor, to: world.riskAt, data, apply };
    },
    setStatus: (): Action => {
      const [id, status] = [rng.pick(MARKET_IDS), rng.chance(0.8) ? 1 : 2] as const;
      const data = engine.encodeFunctionData("setStatus", [id, status]);
      return { from: cast.governor, to: engineAt, data, apply: () => model.setStatus(id, status) };
    },
    pause: (): Action => {
      const id = listed();
      const data = engine.encodeFunctionData("pauseMarket", [id]);
      const apply = () => model.setStatus(id, MarketStatus.REDUCE_ONLY);
      return { from: fx.guardian.address, to: engineAt, data, apply };
    },
  };
  const names = Object.entries(WEIGHTS).flatMap(([name, n]) => new Array<ActionName>(n).fill(name as ActionName));

  /** The next operation: a keeper's, often, when there is somebody to act on. */
  async function draw(): Promise<{ name: ActionName; action: Action }> {
    const keeper = rng.chance(0.4) && unhealthy().length > 0;
    const quiet = rng.pick(["drift", "sync"] as const);
    if (scene.calm === true && rng.chance(0.7)) return { name: quiet, action: actions[quiet]() };
    const name = keeper
      ? rng.pick(["flag", "liquidate", "liquidate", "takeover", "takeover"] as const)
      : rng.pick(names);
    const cured = !keeper && flagged().length > 0 && rng.chance(0.2);
    const pressed = scene.crisis && rng.chance(0.15) ? rng.pick(PRESSING) : name;
    const ended = scene.ending && rng.chance(0.4) ? rng.pick(ENDING) : pressed;
    const repaid = world.surplus.tokens > 0n ? rng.chance(0.3) : rng.chance(0.01); // what had vanished comes back
    const returned = state.totalDeficit > 0n && repaid;
    const owing = state.totalDeficit > 0n || state.totalClaims > 0n;
    if (owing && rng.chance(0.25)) {
      const due = rng.pick(["withdraw", "withdraw", "collectIncome", "collectClaim"] as const); // claims arise, are paid, collected
      return { name: due, action: actions[due]() };
    }
    const chosen = returned
      ? world.surplus.tokens > 0n
        ? "coverEngine"
        : "donate"
      : cured
        ? rng.pick(["deposit", "unflag"] as const)
        : ended;
    return { name: chosen, action: await actions[chosen]() };
  }
  return { draw, actions };
}

/** How often each is drawn. */
export const WEIGHTS = {
  ...RECOVERY_WEIGHTS,
  ...STAKER_WEIGHTS,
  fill: 400,
  settle: 40,
  deposit: 40,
  withdraw: 60,
  transfer: 30,
  drift: 110,
  jump: 20,
  spoil: 5,
  sync: 110,
  flag: 10,
  unflag: 25,
  liquidate: 20,
  takeover: 10,
  coverInventory: 30,
  collectIncome: 15,
  setMarket: 5,
  setStatus: 5,
  pause: 2,
  signal: 12,
  setLimits: 4,
} as const;

export type ActionName = keyof typeof WEIGHTS;
