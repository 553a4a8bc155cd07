/** What happened to a live market since the last look, in lines for people. */

import { abi, curveAccount, readMarket, type Site, TOKEN_UNIT } from "../site.ts";
import { count, EMPTY, type Tally, total } from "../tally.ts";
import { dollars } from "../units.ts";

/** {u} assets of both pools together, what is reserved for claims left out. */
async function poolAssets({ chain, addresses }: Site): Promise<bigint> {
  const call = abi.pool.encodeFunctionData("totalAssets");
  const [junior, senior] = await Promise.all([chain.call(addresses.junior, call), chain.call(addresses.senior, call)]);
  return (BigInt(junior) + BigInt(senior)) * TOKEN_UNIT;
}

export interface Watch {
  /** One line about the market as it stands. */
  status(): Promise<string>;
  /** A line for each kind of thing that happened. */
  news(): Promise<string[]>;
}

export async function createWatch(site: Site): Promise<Watch> {
  const curve = await curveAccount(site);
  const logging = [site.addresses.engine, site.addresses.stack];
  await site.chain.newLogs(logging);
  let seen: Tally = EMPTY;
  return {
    status: async () => {
      const [market, assets] = await Promise.all([readMarket(site), poolAssets(site)]);
      const { price, openInterest, level } = market;
      return `ETH ${dollars(price * 10n ** 4n)}, open interest ${dollars(openInterest * price, 0)}, level ${level}, pools ${dollars(assets, 0)}`;
    },
    news: async () => {
      let tally = seen;
      for (const log of await site.chain.newLogs(logging)) tally = count(tally, log, TOKEN_UNIT, curve);
      const lines = newsOf(seen, tally);
      seen = tally;
      return lines;
    },
  };
}

/** What `after` has and `before` had not. */
export function newsOf(before: Tally, after: Tally): string[] {
  const lines: string[] = [];
  const more = (name: "liquidations" | "takeovers" | "insolvent" | "deleveragings") => after[name] - before[name];
  if (more("liquidations") > 0) {
    const { curve, bands, keeper } = after.taken;
    const by = {
      "the curve": curve - before.taken.curve,
      bands: bands - before.taken.bands,
      keepers: keeper - before.taken.keeper,
    };
    const taken = Object.entries(by).filter(([, amount]) => amount > 0n);
    lines.push(
      `${more("liquidations")} liquidated: ${taken.map(([who, amount]) => `${dollars(amount, 0)} to ${who}`).join(", ")}`,
    );
  }
  if (more("takeovers") > 0) {
    const amount = dollars(after.taken.takeover - before.taken.takeover, 0);
    lines.push(`${more("takeovers")} taken over for ${amount}, ${more("insolvent")} of them below zero`);
  }
  if (more("deleveragings") > 0)
    lines.push(`${more("deleveragings")} times winners were closed for what the pool holds`);
  const [was, is] = [total(before), total(after)];
  if (is.shortfall > was.shortfall) {
    const part = (layer: "bucket" | "pool" | "lossShare" | "deficit") => dollars(is[layer] - was[layer]);
    lines.push(
      `SHORTFALL ${dollars(is.shortfall - was.shortfall)} absorbed: bucket ${part("bucket")}, pools ${part("pool")}, winners ${part("lossShare")}, deficit ${part("deficit")}`,
    );
  }
  return lines;
}
