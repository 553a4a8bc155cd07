/** A random life of the model: traders, a small pool, jumping prices. Valid and invalid calls alike. */
import { createEngine } from "../../src/engine.ts";
import { EngineError } from "../../src/errors.ts";
import { min } from "../../src/math.ts";
import type { Quote } from "../../src/types.ts";
import { PriceState, Valuation } from "../../src/types.ts";
import { accountId, usd } from "../../src/units.ts";
import { paramsWith, quoteWith, rulesWith } from "./market.ts";
import { createRng } from "./rng.ts";

const MARKETS = [0, 3, 7] as const;
const START: Readonly<Record<number, bigint>> = { 0: 200_000_000_000n, 3: 6_000_000_000_000n, 7: 1_234_567n };
const EXCHANGE = 99n;

export interface Walk {
  readonly engine: ReturnType<typeof createEngine>;
  /** From now on markets are wound down. */
  end(): void;
  /** Succeeded calls and thrown errors, by name. */
  readonly counts: Map<string, number>;
  step(): void;
}

export function createWalk(seed: number, tokenDecimals = 6): Walk {
  const rng = createRng(seed);
  const engine = createEngine({ tokenDecimals, exchange: EXCHANGE });
  const counts = new Map<string, number>();
  const token = (dollars: number): bigint => (usd(1) * BigInt(dollars)) / engine.tokenUnit;
  const accounts = Array.from({ length: 12 }, (_, i) => accountId(BigInt(1_000 + (i >> 1)), BigInt(i & 1)));
  const owner = (account: bigint) => account >> 96n;
  const quotes = new Map<number, Quote>(MARKETS.map((id) => [id, quoteWith(START[id] ?? 1n)]));
  let ending = false;
  let now = 1_800_000_000n;
  let pool = token(20_000);
  let surplus = 0n; // {token}

  const look = () =>
    engine.at({
      now,
      quote: (id) => quotes.get(id) ?? quoteWith(1n),
      report: () => {},
      freeStake: () => token(2_000_000),
      isRaised: () => false,
      unrepaid: () => 0n,
      repay: () => 0n,
      totalAssets: () => pool,
      countLoss: () => {},
      tokensHeld: () => engine.state.internalBalance + surplus,
      twap: (id) => quotes.get(id)?.slow ?? 1n,
      lastTwap: (id) => quotes.get(id)?.slow ?? 1n,
      feedSince: () => 0n,
      secondPrice: (id) => quotes.get(id)?.price ?? 0n,
      absorb: (_, requested) => {
        const paid = min(requested, pool);
        pool -= paid;
        return paid;
      },
    });

  function movePrice(id: number): void {
    const old = quotes.get(id) ?? quoteWith(1n);
    const by = rng.chance(0.05) ? rng.int(-4_000, 4_000) : rng.int(-300, 300);
    const price = (old.price * BigInt(10_000 + by)) / 10_000n + 1n;
    const start = START[id] ?? 1n;
    const kept = price > start * 10n || price < start / 10n ? start : price;
    const slow = (old.slow * 9n + kept) / 10n;
    const [least, most] = kept < slow ? [kept, slow] : [slow, kept];
    const edgeBps = BigInt(rng.int(0, 60));
    const state = rng.chance(0.05) ? PriceState.STALE : PriceState.OK;
    const low = (least * (10_000n - edgeBps)) / 10_000n;
    const high = (most * (10_000n + edgeBps)) / 10_000n + 1n;
    quotes.set(id, { price: kept, low, high, slow, edgeBps, state, validUntil: now + BigInt(rng.int(0, 4_000)) });
    look();
  }

  /** Mostly somebody who is under maintenance margin, as a keeper would look for. */
  function weak(): bigint {
    const found = accounts.filter((account) => {
      const { equity, maintenance } = engine.health(account, Valuation.FAVOURABLE);
      return equity < maintenance;
    });
    return found.length > 0 && rng.chance(0.8) ? rng.pick(found) : rng.pick(accounts);
  }

  const actions: Readonly<Record<string, () => unknown>> = {
    deposit: () => engine.deposit(rng.pick(accounts), rng.big(0n, token(3_000))),
    withdraw: () => {
      const account = rng.pick(accounts);
      return engine.withdraw(owner(account), account, rng.big(1n, token(400)));
    },
    transfer: () => {
      const from = rng.pick(accounts);
      return engine.transfer(owner(from), from, rng.pick(accounts), rng.big(0n, usd(500)));
    },
    fill: () => trade(0.9),
    open: () => trade(1),
    openMore: () => trade(1),
    openMost: () => trade(1),
    price: () => movePrice(rng.pick(MARKETS)),
    time: () => {
      now += BigInt(rng.chance(ending ? 0.6 : 0.1) ? rng.int(0, 90_000) : rng.int(0, 120));
      look();
    },
    sync: () => engine.sync(rng.pick(MARKETS)),
    flag: () => engine.flag(weak()),
    unflag: () => {
      const running = accounts.filter((account) => engine.state.accounts.get(account).unhealthySince !== 0n);
      return engine.unflag(rng.pick(running.length > 0 ? running : accounts));
    },
    liquidate: () => {
      const into = rng.pick(accounts);
      const maxLots = rng.chance(0.7) ? 1n << 55n : rng.big(0n, 50_000n);
      const account = weak();
      const held = MARKETS.filter((id) => engine.state.position(account, id).lots !== 0n);
      const market = rng.pick(held.length > 0 ? held : MARKETS);
      return engine.liquidate(owner(into), { account, market, into, maxLots, minDiscount: 0n });
    },
    takeover: () => engine.takeover(weak(), rng.pick(accounts)),
    coverInventory: () => engine.coverInventory(rng.pick(MARKETS)),
    collectIncome: () => engine.collectIncome(rng.pick(MARKETS)),
    collectClaim: () => engine.collectClaim(rng.pick(accounts)),
    deleverage: () => engine.deleverage(rng.pick(MARKETS)),
    deleverageMore: () => engine.deleverage(rng.pick(MARKETS)),
    settle: () => engine.settle(rng.pick(accounts)),
    setInventoryCap: () =>
      engine.setInventoryCap(rng.pick(MARKETS), { lots: rng.big(1n, 20_000n), bps: rng.big(500n, 5_000n) }),
    burn: () => {
      if (rng.chance(0.05)) surplus -= token(rng.int(1, 5));
    },
    coverEngine: () => {
      const before = engine.state.internalBalance;
      engine.coverEngine();
      surplus = surplus < 0n ? 0n : surplus - (engine.state.internalBalance - before);
    },
    windDown: () => engine.windDown(rng.pick(MARKETS)),
    windDownDead: () => engine.windDownDead(rng.pick(MARKETS)),
    fixSettlementPrice: () => engine.fixSettlementPrice(rng.pick(MARKETS)),
    challenge: () => engine.challengeSettlementPrice(rng.pick(MARKETS)),
    close: () => {
      const market = rng.pick(MARKETS);
      const open = accounts.filter((account) => engine.state.position(account, market).lots !== 0n);
      return engine.close(market, rng.pick(open.length > 0 ? open : accounts));
    },
    stake: () => {
      pool += rng.big(0n, token(2_000));
    },
    drain: () => {
      if (rng.chance(0.2)) pool = 0n;
    },
  };
  const atEnd = ["windDown", "windDownDead", "fixSettlementPrice", "challenge", "close"];
  const names = Object.keys(actions).filter((name) => !atEnd.includes(name));
  const more = atEnd.flatMap((name) => [name, name, name]);

  function trade(fair: number): void {
    const market = rng.pick(MARKETS);
    const price = quotes.get(market)?.price ?? 1n;
    const dollars = usd(rng.int(20, 15_000));
    const [buyer, seller] = [rng.pick(accounts), rng.pick(accounts)];
    const off = BigInt(rng.chance(fair) ? rng.int(-40, 40) : rng.int(-600, 600));
    const held = engine.state.position(buyer, market).lots;
    const closes = held < 0n && rng.chance(0.5);
    engine.fill(EXCHANGE, {
      market,
      buyer,
      seller,
      lots: closes ? -held : dollars / price,
      price: (price * (10_000n + off)) / 10_000n,
      buyerIsTaker: rng.chance(0.5),
      buyerReduceOnly: rng.chance(0.05),
      sellerReduceOnly: rng.chance(0.05),
    });
  }

  look();
  for (const id of MARKETS) {
    const premiumRate = BigInt(rng.int(0, 60_000));
    engine.setMarket(id, paramsWith({ minLots: id === 7 ? 1_000n : 10n }), rulesWith({ premiumRate }));
  }
  for (const account of accounts) engine.deposit(account, token(2_000));

  function step(): void {
    const name = rng.pick(ending ? [...names, ...more] : names);
    const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
    try {
      actions[name]?.();
      count(name);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      count(error.error);
    }
  }
  const end = () => {
    ending = true;
  };
  return { engine, counts, step, end };
}
