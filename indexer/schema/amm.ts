/** Depth: curves with what the AMM remembers of their markets, trades, joins and leaves, shares, epochs. */
import { index, onchainTable, primaryKey } from "ponder";
import { moment } from "./moment.ts";

export const curve = onchainTable("curve", (t) => ({
  market: t.integer().primaryKey(),
  account: t.bigint().notNull(), // margin account of the curve
  base: t.bigint().notNull(), // {lot} virtual
  quote: t.bigint().notNull(), // {u} virtual
  feePpm: t.integer().notNull(),
  epoch: t.integer().notNull(),
  premium: t.bigint().notNull(), // {1e-7}; this and what follows: `Pulse` of sdk/src/auction.ts
  before: t.bigint().notNull(),
  average: t.bigint().notNull(), // {1e-9}
  sampledAt: t.bigint().notNull(), // {s}
  price: t.bigint().notNull(), // {u/lot}
  depth: t.bigint().notNull(), // {USD} average of a week
  calmSince: t.bigint().notNull(), // {s}
  hasPool: t.boolean().notNull(),
  jumpPpm: t.bigint().notNull(),
  jumpAt: t.bigint().notNull(), // {s}
  disarmedUntil: t.bigint().notNull(), // {s}
  usedAt: t.bigint().notNull(), // {s}
  used: t.bigint().notNull(), // {lot} of the bands in that block
  pool: t.bigint().notNull(), // {lot} position on auction
  hour: t.bigint().notNull(),
  sold: t.bigint().notNull(), // {lot} in that hour
}));

/** Where a trade, a liquidation, a join or a leave left the reserves. */
export const curveChange = onchainTable(
  "curve_change",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    cause: t.text({ enum: ["trade", "join", "leave"] }).notNull(),
    base: t.bigint().notNull(), // {lot}
    quote: t.bigint().notNull(), // {u}
    index: t.bigint().notNull(), // {u/lot} mark
  }),
  (table) => ({ byMarket: index().on(table.market, table.timestamp) }),
);

export const liquidityFlow = onchainTable(
  "liquidity_flow",
  (t) => ({
    ...moment(t),
    kind: t.text({ enum: ["join", "leave"] }).notNull(),
    market: t.integer().notNull(),
    epoch: t.integer().notNull(),
    account: t.bigint().notNull(), // margin account
    provider: t.hex().notNull(), // who sent it
    shares: t.bigint().notNull(),
    lots: t.bigint().notNull(), // {lot} that went to the account in kind
    cash: t.bigint().notNull(), // {u}
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

export const curveEpoch = onchainTable(
  "curve_epoch",
  (t) => ({
    market: t.integer().notNull(),
    epoch: t.integer().notNull(),
    shares: t.bigint().notNull(), // {share} all of it
    startedAt: t.bigint().notNull(), // {s}
  }),
  (table) => ({ pk: primaryKey({ columns: [table.market, table.epoch] }) }),
);

export const lpShare = onchainTable(
  "lp_share",
  (t) => ({
    market: t.integer().notNull(),
    epoch: t.integer().notNull(),
    holder: t.hex().notNull(),
    shares: t.bigint().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.market, table.epoch, table.holder] }),
    byHolder: index().on(table.holder),
  }),
);

/** Fees that a jump of the index adds, bands that shut, fees that governance sets. */
export const ammEvent = onchainTable("amm_event", (t) => ({
  ...moment(t),
  kind: t.text({ enum: ["jumped", "disarmed", "fee"] }).notNull(),
  market: t.integer().notNull(),
  feePpm: t.bigint(),
  until: t.bigint(), // {s}
}));
