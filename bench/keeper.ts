/** The keeper: accounts tried against a new price, beside a plain loop over the sdk; blocks from a price to a liquidation. */
import { parseArgs } from "node:util";
import { BTC, ETH } from "../deploy/markets.ts";
import { createBook } from "../keeper/src/mirror/book.ts";
import { createMirror } from "../keeper/src/mirror/mirror.ts";
import { exact, lensOf, outlooks, refreshBook, unhealthy } from "../keeper/src/mirror/screen.ts";
import { createWorld } from "../keeper/test/helpers/world.ts";
import { KeyedSet } from "../sdk/src/keyed.ts";
import { positionKey } from "../sdk/src/state.ts";
import { type Market, MarketStatus, PriceState, type Quote } from "../sdk/src/types.ts";
import { accountOf } from "../test/helpers/actors.ts";
import { numbers } from "../test/helpers/amm.ts";
import { deposit, dollars, trade } from "../test/helpers/fixture.ts";

const ACCOUNTS = 100_000;
const TOKEN_UNIT = 10n ** 6n; // {u/token}
const NOW = 2_000_000n; // {s}
const MARKETS = [
  { config: ETH, price: 2_000n * 10n ** 8n },
  { config: BTC, price: 60_000n * 10n ** 8n },
] as const;
/** {USD} each three per cent below the one before. */
const PRICES = [2_000n, 1_940n, 1_882n, 1_825n, 1_770n];
const PATIENCE = 30_000; // {ms} for one liquidation
const LOTS = 100_000n; // {lot} 10 ETH

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const scan = scanning();
const blocks = await liquidating();
const result = { ...scan, blocksFromPriceToLiquidation: blocks };

if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  const per = (ms: number) =>
    `${ms.toFixed(1).padStart(8)} ms  ${Math.round((ACCOUNTS / ms) * 1_000)
      .toLocaleString("en")
      .padStart(12)} accounts/s`;
  process.stdout.write(
    [
      `A new price against ${ACCOUNTS.toLocaleString("en")} accounts with ${scan.positions.toLocaleString("en")} positions, ${scan.below} of them below margin`,
      `  sieve alone, one price         ${per(scan.sieve)}`,
      `  sieve at both ends and exact   ${per(scan.keeper)}`,
      `  plain loop over the sdk        ${per(scan.loop)}`,
      `Blocks from a price to the liquidation, a block a second: ${blocks.join(", ")}`,
      "",
    ].join("\n"),
  );
}
// The node is another process and gone; what is left are idle connections.
process.exit();

/** The best of three of each: what the machine does besides is not the question. */
function scanning() {
  const mirror = createMirror(TOKEN_UNIT);
  const { state } = mirror;
  const draw = numbers(7);
  const quotes = new Map<number, Quote>();
  for (const [id, { config, price }] of MARKETS.entries()) {
    const quote = {
      price,
      low: price,
      high: price,
      slow: price,
      validUntil: NOW + 3_600n,
      edgeBps: 25n,
      state: PriceState.OK,
    };
    quotes.set(id, { ...quote, price: (price * 97n) / 100n });
    const rest = {
      indexLong: 0n,
      indexShort: 0n,
      openInterestCap: 1n << 47n,
      level: 0n,
      bucket: 0n,
      premiumRemainder: 0n,
    };
    const market: Market = {
      ...quote,
      ...rest,
      syncedAt: NOW - 60n,
      openInterest: 1n << 40n,
      fundingRemainder: 0n,
      fundingRate: 100_000n,
      status: MarketStatus.ACTIVE,
    };
    state.markets.set(BigInt(id), market);
    state.params.set(id, whole(config.params));
    state.rules.set(id, { ...whole(config.rules), maintenanceFromBps: 310n });
  }
  let positions = 0;
  const accounts: bigint[] = [];
  for (let i = 0; i < ACCOUNTS; i++) {
    const account = BigInt(i + 1) << 96n;
    let [markets, cash] = [0n, 0n];
    for (const [id, { price }] of MARKETS.entries()) {
      if (id > 0 && draw(3n) > 0n) continue; // a third is in both
      const lots = (draw(2n) === 0n ? 1n : -1n) * (100n + draw(100_000n));
      state.positions.set(positionKey(account, id), { lots, quote: -lots * price });
      cash += ((lots < 0n ? -lots : lots) * price * (550n + draw(20_000n))) / 10_000n; // 5.5 % of margin and more
      markets |= 1n << BigInt(id);
      positions += 1;
    }
    state.accounts.set(account, { cash, markets, unhealthySince: 0n });
    accounts.push(account);
  }
  mirror.note(accounts, []);
  const book = createBook();
  refreshBook(mirror, book, new KeyedSet());

  const until = NOW + 180n;
  const ends = outlooks(state, quotes, until);
  const [first] = ends;
  if (first === undefined) throw new Error("There is no outlook");
  let below = 0;
  const sieve = best(() => book.screen(first.map(lensOf)));
  const keeper = best(() => {
    below = unhealthy(mirror, book, outlooks(state, quotes, until)).length;
  });
  let belowInLoop = 0;
  const loop = best(() => {
    belowInLoop = exact(mirror, [first], accounts).length;
  });
  if (below < belowInLoop) throw new Error(`The sieve finds ${below}, the loop ${belowInLoop}`);
  return { accounts: ACCOUNTS, positions, below, sieve, keeper, loop };
}

/** {block} between a feed's answer and the end of who does not survive it. */
async function liquidating(): Promise<number[]> {
  const world = await createWorld("anvil");
  const { fx } = world;
  const { provider } = fx.connection.ethers;
  const found: number[] = [];
  try {
    await deposit(fx, fx.maker, 1_000_000n);
    const victims: bigint[] = [];
    for (const [i, before] of PRICES.slice(0, -1).entries()) {
      const account = accountOf(fx.alice, BigInt(i));
      const margin = 10n * (2_000n - before) + (10n * before * 50n) / 1_000n + 100n;
      await deposit(fx, fx.alice, margin, account);
      await trade(fx, { long: fx.alice, short: fx.maker, lots: LOTS, longOrder: { account } });
      victims.push(account);
    }
    await world.request("evm_setAutomine", false);
    await world.request("evm_setIntervalMining", 1);
    const keeper = await world.keeper({ KEEPER_POLL: "100" });
    const running = keeper.run();
    const engine = await fx.engine.getAddress();
    for (const [i, price] of PRICES.slice(1).entries()) {
      const sent = await fx.feeds[0]?.setAnswer(dollars(price));
      const told = (await sent?.wait())?.blockNumber ?? 0;
      const account = `0x${(victims[i] ?? 0n).toString(16).padStart(64, "0")}`;
      const topics = [
        ["Liquidated", "TakenOver"].map((name) => fx.engine.interface.getEvent(name as "Liquidated").topicHash),
        account,
      ];
      const giveUp = Date.now() + PATIENCE;
      for (let done = false; !done; ) {
        if (Date.now() > giveUp) throw new Error(`Nobody closes account ${account} at ${price}`);
        const [log] = await provider.getLogs({ address: engine, topics, fromBlock: told });
        if (log !== undefined) found.push(log.blockNumber - told);
        done = log !== undefined;
        if (!done) await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    await keeper.stop();
    await running;
  } finally {
    await world.close();
  }
  return found;
}

/** {ms} */
function best(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function whole<T extends object>(from: T): { readonly [K in keyof T]: bigint } {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, BigInt(value)])) as {
    readonly [K in keyof T]: bigint;
  };
}
