/** The engine's books: accounts, positions, markets, sides, and the figures there is one of. Amounts in u = 1e-12 USD. */
import { index, onchainTable, primaryKey, relations } from "ponder";
import { moment } from "./moment.ts";

/** As last settled: deleveraging and payments on claims reach a row when the account is next touched. */
export const account = onchainTable(
  "account",
  (t) => ({
    id: t.bigint().primaryKey(), // owner << 96 | subId
    owner: t.hex().notNull(),
    subId: t.bigint().notNull(),
    kind: t.text({ enum: ["user", "curve", "inventory", "fees", "claims"] }).notNull(),
    cash: t.bigint().notNull(), // {u}
    markets: t.bigint().notNull(), // bit m is set while there is a position in market m
    unhealthySince: t.bigint().notNull(), // {s} 0: the liquidation clock is not running
    claim: t.bigint().notNull(), // {u} withheld by haircuts, as last collected
    claimProduct: t.bigint().notNull(), // {2^-77} checkpoint of the claim
    claimEpoch: t.bigint().notNull(),
    deposited: t.bigint().notNull(), // {token} in all
    withdrawn: t.bigint().notNull(), // {token} in all
    createdAt: t.bigint().notNull(), // {s}
    updatedAt: t.bigint().notNull(), // {s}
  }),
  (table) => ({ byOwner: index().on(table.owner) }),
);

export const position = onchainTable(
  "position",
  (t) => ({
    account: t.bigint().notNull(),
    market: t.integer().notNull(),
    lots: t.bigint().notNull(), // {lot} positive long
    quote: t.bigint().notNull(), // {u} minus what was paid, at shifted prices
    product: t.bigint().notNull(), // {2^-77} checkpoint of deleveraging
    value: t.bigint().notNull(), // {2^-77 u/lot}
    epoch: t.bigint().notNull(),
    fundingAt: t.bigint().notNull(), // {u/lot} the market's `fundingIndex` when last touched
    premiumAt: t.bigint().notNull(), // {u/lot} its `premiumIndex`
    shareAt: t.bigint().notNull(), // {u/lot} its loss shares of this side
    updatedAt: t.bigint().notNull(), // {s}
  }),
  (table) => ({ pk: primaryKey({ columns: [table.account, table.market] }), byMarket: index().on(table.market) }),
);

export const market = onchainTable("market", (t) => ({
  id: t.integer().primaryKey(),
  name: t.text().notNull(),
  price: t.bigint().notNull(), // {u/lot} mark
  low: t.bigint().notNull(), // {u/lot}
  high: t.bigint().notNull(), // {u/lot}
  slow: t.bigint().notNull(), // {u/lot}
  edgeBps: t.bigint().notNull(),
  state: t.integer().notNull(), // PriceState
  status: t.integer().notNull(), // MarketStatus
  level: t.bigint().notNull(), // in force, 0 to 4
  riskLevel: t.integer().notNull(), // of the last observation; `level` is at least 3 while the price is unknown
  indexLong: t.bigint().notNull(), // {u/lot}
  indexShort: t.bigint().notNull(), // {u/lot}
  validUntil: t.bigint().notNull(), // {s}
  syncedAt: t.bigint().notNull(), // {s}
  openInterest: t.bigint().notNull(), // {lot}
  openInterestCap: t.bigint().notNull(), // {lot} at level 0
  fundingRate: t.bigint().notNull(), // {1e-9 per 8 h} positive: longs pay
  premiumRemainder: t.bigint().notNull(),
  fundingRemainder: t.bigint().notNull(),
  bucket: t.bigint().notNull(), // {u}
  deficit: t.bigint().notNull(), // {u}
  fundingIndex: t.bigint().notNull(), // {u/lot} what a long has paid to shorts since listing
  premiumIndex: t.bigint().notNull(), // {u/lot} what a lot of either side has paid to stakers since listing
  shareLong: t.bigint().notNull(), // {u/lot} loss shares of the longs since listing
  shareShort: t.bigint().notNull(), // {u/lot} of the shorts
  maintenanceBps: t.bigint().notNull(), // in force
  maintenanceTargetBps: t.bigint().notNull(),
  maintenanceFromBps: t.bigint().notNull(),
  rampStartedAt: t.bigint().notNull(), // {s}
  shared: t.bigint().notNull(), // {u/lot} loss shares of `hour`
  sharedBefore: t.bigint().notNull(), // {u/lot} of the hour before
  hour: t.bigint().notNull(),
  badAt: t.bigint().notNull(), // {s} last sync that found the feed BOUND or BAD
  since: t.bigint().notNull(), // {s} of the present status of a wind-down
  inventoryCapLots: t.bigint().notNull(),
  inventoryCapBps: t.bigint().notNull(), // 0: the engine's default
  pendingGain: t.bigint().notNull(), // {asset} last report to the stack
  pendingLoss: t.bigint().notNull(), // {asset}
  atRisk: t.bigint().notNull(), // {asset}
  fees: t.bigint().notNull(), // {u} of trades to the bucket, rebates taken off, in all
  penalties: t.bigint().notNull(), // {u} of liquidations to the bucket, in all
  premiums: t.bigint().notNull(), // {u} to stakers, in all
  volume: t.bigint().notNull(), // {u} of fills, in all
}));

/** One side of a market that has been deleveraged. */
export const side = onchainTable(
  "side",
  (t) => ({
    market: t.integer().notNull(),
    isLong: t.boolean().notNull(),
    product: t.bigint().notNull(), // {2^-77} what is left of a lot
    value: t.bigint().notNull(), // {2^-77 u/lot}
    epoch: t.bigint().notNull(),
    pending: t.bigint().notNull(), // {lot} recorded and not settled
    pendingQuote: t.bigint().notNull(), // {u}
  }),
  (table) => ({ pk: primaryKey({ columns: [table.market, table.isLong] }) }),
);

/** A survival epoch of a side that is over. */
export const sideEpoch = onchainTable(
  "side_epoch",
  (t) => ({
    market: t.integer().notNull(),
    isLong: t.boolean().notNull(),
    epoch: t.bigint().notNull(),
    value: t.bigint().notNull(), // {2^-77 u/lot} at its end
  }),
  (table) => ({ pk: primaryKey({ columns: [table.market, table.isLong, table.epoch] }) }),
);

/** Row 0: what the engine keeps one of. */
export const ledger = onchainTable("ledger", (t) => ({
  id: t.integer().primaryKey(),
  tokenUnit: t.bigint().notNull(), // {u/token}
  internalBalance: t.bigint().notNull(), // {token}
  totalClaims: t.bigint().notNull(), // {u}
  claimProduct: t.bigint().notNull(), // {2^-77}
  claimEpoch: t.bigint().notNull(),
  engineDeficit: t.bigint().notNull(), // {u} of the engine itself
  coverageBps: t.bigint().notNull(), // of the newest observation; 65,535: nothing to cover
}));

/** What happened to one account, oldest first: its history, with what it was left with. */
export const entry = onchainTable(
  "entry",
  (t) => ({
    ...moment(t),
    account: t.bigint().notNull(),
    market: t.integer(), // null: cash alone
    cause: t.text().notNull(), // name of the engine's event
    cashChange: t.bigint().notNull(), // {u}
    lotsChange: t.bigint().notNull(), // {lot}
    quoteChange: t.bigint().notNull(), // {u}
    cash: t.bigint().notNull(), // {u} after it
    lots: t.bigint(), // {lot} after it
    quote: t.bigint(), // {u} after it
  }),
  (table) => ({ byAccount: index().on(table.account), byTime: index().on(table.timestamp) }),
);

/** What of the transaction at hand has no cause yet: row 0. Fills wait for a liquidation, draws for a shortfall. */
export const run = onchainTable("run", (t) => ({
  id: t.integer().primaryKey(),
  transactionHash: t.hex().notNull(),
  waiting: t.json().notNull(),
}));

export const accountRelations = relations(account, ({ many }) => ({ positions: many(position), entries: many(entry) }));
export const positionRelations = relations(position, ({ one }) => ({
  accountRow: one(account, { fields: [position.account], references: [account.id] }),
  marketRow: one(market, { fields: [position.market], references: [market.id] }),
}));
export const entryRelations = relations(entry, ({ one }) => ({
  accountRow: one(account, { fields: [entry.account], references: [account.id] }),
}));
