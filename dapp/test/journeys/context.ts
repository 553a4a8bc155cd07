/** What the journeys share: one stage, the window of each visitor, what the chain says. */
import type { Page } from "playwright-core";
import { createPrices } from "../../../lab/src/live/prices.ts";
import { abi, MARKET, TOKEN_UNIT } from "../../../lab/src/site.ts";
import { accountOf } from "../../../lab/src/world.ts";
import { usd } from "../../../sdk/src/units.ts";
import { connect, type Stage } from "../helpers/stage.ts";
import { PRICE, SEATS } from "../helpers/world.ts";

export const DAY = 86_400; // {s}
/** {1e-8 USD} what the feed says in the worst hours of March 2020, every eight minutes until it is down by a quarter. */
export const CRASH = { seconds: 480, prices: crash(8, 0.77) } as const;
export const [ANNA, BEN, CARA] = SEATS.visitors;
function crash(minutes: number, until: number): bigint[] {
  const feed = createPrices(1);
  feed.obey("crash");
  const factors: number[] = [];
  for (let minute = 0; (factors.at(-1) ?? 1) > until; minute += 1) {
    const { factor } = feed.next();
    if (minute % minutes === 0) factors.push(factor);
  }
  return factors.map((factor) => BigInt(Math.round(Number(PRICE) * factor)));
}

/** {token} of whole USD */
export const tokens = (amount: number): bigint => usd(amount) / TOKEN_UNIT;

const PRICES = 'figure:has(strong:text-is("Price")) [data-points]';

const PAUSE = {
  pause: abi.pool.encodeFunctionData("pause"),
  unpause: abi.pool.encodeFunctionData("unpause"),
} as const;

export type Journeys = ReturnType<typeof journeysOn>;

/** @param get the stage, which is set up before the first journey */
export function journeysOn(get: () => Stage) {
  const windows = new Map<number, Page>();
  const contract = (name: "token" | "junior" | "senior" | "engine") => get().world.deployment.contracts[name];

  const account = (seat: number): bigint => accountOf(get().world.seat(seat));
  const send = (seat: number, to: "token" | "junior" | "senior" | "engine", data: string): Promise<void> =>
    get().world.site.chain.send(get().world.seat(seat), contract(to), data);

  return {
    account,
    /** A transaction without a page. */
    send,
    /** Pays margin in without a page. @param margin {u} */
    fund: async (seat: number, margin: bigint): Promise<void> => {
      const amount = margin / TOKEN_UNIT;
      await send(seat, "token", abi.token.encodeFunctionData("approve", [contract("engine"), amount]));
      await send(seat, "engine", abi.engine.encodeFunctionData("deposit", [account(seat), amount]));
    },
    /** Lets quiet hours pass until the market's level is 1 at most. */
    calm: async (): Promise<void> => {
      const { site, pass } = get().world;
      const call = abi.engine.encodeFunctionData("markets", [MARKET]);
      const level = async () =>
        abi.engine.decodeFunctionResult("markets", await site.chain.call(contract("engine"), call))[0].level;
      for (let hours = 0; (await level()) > 1n; hours += 1) {
        if (hours > 200) throw new Error(`The market is at level ${await level()} after ${hours} quiet hours`);
        await pass(3_600);
      }
    },
    /** Trades against the AMM without a page. @param lots {lot} positive buys */
    trade: async (seat: number, lots: bigint): Promise<void> => {
      const order = { account: account(seat), market: MARKET, lots, limit: lots > 0n ? usd(10_000_000) : 0n };
      const terms = { ...order, deadline: get().world.site.chain.now() + DAY, reduceOnly: false };
      await send(seat, "engine", abi.engine.encodeFunctionData("trade", [terms]));
    },
    get stage() {
      return get();
    },
    contract,
    /** The window of one visitor at a page, opened once; what its last transaction said is closed. */
    visit: async (seat: number, path = "/stake"): Promise<Page> => {
      const known = windows.get(seat);
      if (known === undefined) {
        const page = await get().open(path, { seat });
        await connect(page);
        windows.set(seat, page);
        return page;
      }
      const close = known.locator(".flow").getByRole("button", { name: "Close" });
      if (await close.isVisible()) await close.click();
      if (new URL(known.url()).pathname !== path) await known.locator(`nav a[href="${path}"]`).click();
      return known;
    },
    /** Everybody closes his window. */
    leave: async () => {
      await Promise.all([...windows.values()].map((page) => page.context().close()));
      windows.clear();
    },
    balanceOf: async (seat: number, of: "token" | "junior" | "senior" = "token"): Promise<bigint> => {
      const { site, seat: account } = get().world;
      return BigInt(await site.chain.call(contract(of), abi.token.encodeFunctionData("balanceOf", [account(seat)])));
    },
    /** {u} cash of a visitor's margin account */
    cashOf: async (seat: number): Promise<bigint> => {
      const { site, seat: account } = get().world;
      const call = abi.engine.encodeFunctionData("accounts", [accountOf(account(seat))]);
      return abi.engine.decodeFunctionResult("accounts", await site.chain.call(contract("engine"), call))[0].cash;
    },
    guardian: (to: "junior" | "senior", name: keyof typeof PAUSE, more: object = {}) =>
      get().world.request("eth_sendTransaction", {
        ...{ from: get().world.seat(SEATS.guardian), to: contract(to), gas: "0xf4240", data: PAUSE[name] },
        ...more,
      }),
    /** Of the chart of prices on the risk page. */
    pointsOf: async (page: Page): Promise<number> => Number(await page.locator(PRICES).getAttribute("data-points")),
    untilPoints: (page: Page, points: number) => page.locator(`${PRICES}[data-points="${points}"]`).waitFor(),
    /** Anybody may let income reach the pools. */
    collect: () =>
      get().world.request("eth_sendTransaction", {
        ...{ from: get().world.deployment.deployer, to: contract("engine"), gas: "0x1e8480" },
        data: abi.engine.encodeFunctionData("collectIncome", [MARKET]),
      }),
    choose: (page: Page, pool: "Junior" | "Senior") =>
      page.getByRole("radio", { name: new RegExp(`^${pool} pool`) }).check(),
    stake: (page: Page) => page.getByRole("button", { name: "Stake", exact: true }),
    requests: (page: Page) => page.getByRole("table", { name: "Your open exit requests" }),
  };
}
