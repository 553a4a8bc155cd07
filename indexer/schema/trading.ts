/** Rows of trading: syncs, fills, funding, liquidations, takeovers, shortfalls, deleveraging, deficits, claims, income. */
import { index, onchainTable, relations } from "ponder";
import { moment } from "./moment.ts";

/** A market as a sync left it. */
export const marketSnapshot = onchainTable(
  "market_snapshot",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    price: t.bigint().notNull(), // {u/lot}
    state: t.integer().notNull(),
    level: t.bigint().notNull(),
    openInterest: t.bigint().notNull(), // {lot} in effect: what caps count
    openInterestCap: t.bigint().notNull(), // {lot} at level 0
    fundingRate: t.bigint().notNull(), // {1e-9 per 8 h}
    indexLong: t.bigint().notNull(), // {u/lot}
    indexShort: t.bigint().notNull(), // {u/lot}
    bucket: t.bigint().notNull(), // {u}
    inventoryLots: t.bigint().notNull(), // {lot} in effect
    inventoryEquity: t.bigint().notNull(), // {u} at the mark
    maintenanceBps: t.bigint().notNull(),
  }),
  (table) => ({ byMarket: index().on(table.market, table.timestamp) }),
);

/** Terms of a market as governance set them. */
export const terms = onchainTable("terms", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  initialBps: t.integer().notNull(),
  maintenanceBps: t.integer().notNull(),
  rampNotional: t.bigint().notNull(), // {USD}
  bandBps: t.integer().notNull(),
  minLots: t.integer().notNull(),
  takerFeePpm: t.integer().notNull(),
  makerRebatePpm: t.integer().notNull(),
  discountBps: t.integer().notNull(),
  liquidatorShareBps: t.integer().notNull(),
  takeoverReward: t.bigint().notNull(), // {u}
  shockBps: t.integer().notNull(),
  stakeShareBps: t.integer().notNull(),
  interestRate: t.integer().notNull(), // {1e-9 per 8 h}
  skewFactor: t.bigint().notNull(), // {1e-9 per 8 h}
  fundingCap: t.bigint().notNull(), // {1e-9 per 8 h}
  premiumRate: t.integer().notNull(), // {1e-9 per 8 h}
  bucketTarget: t.bigint().notNull(), // {USD}
  maintenanceTargetBps: t.integer().notNull(),
}));

export const fill = onchainTable(
  "fill",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    buyer: t.bigint().notNull(), // account id
    seller: t.bigint().notNull(), // account id
    lots: t.bigint().notNull(),
    price: t.bigint().notNull(), // {u/lot}
    mark: t.bigint().notNull(), // {u/lot} at that moment
    buyerFee: t.bigint().notNull(), // {u} paid
    sellerFee: t.bigint().notNull(), // {u} paid
    kind: t
      .text({ enum: ["orders", "curve", "band", "auction", "liquidation", "takeover", "close", "liquidity"] })
      .notNull(),
    /** What of the AMM gave the lots, also in a liquidation: curve, band or auction; null: another account. */
    depth: t.text({ enum: ["curve", "band", "auction"] }),
    maker: t.bigint(), // account id, of orders
    taker: t.bigint(),
    liquidation: t.text(), // id of the row that caused it
    takeover: t.text(),
  }),
  (table) => ({
    byMarket: index().on(table.market, table.timestamp),
    byBuyer: index().on(table.buyer),
    bySeller: index().on(table.seller),
    byLiquidation: index().on(table.liquidation),
    byTakeover: index().on(table.takeover),
  }),
);

/** What the sides of a market were charged between two syncs. */
export const funding = onchainTable("funding", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  rate: t.bigint().notNull(), // {1e-9 per 8 h} that was in force
  seconds: t.bigint().notNull(), // {s} since the sync before
  perLot: t.bigint().notNull(), // {u/lot} longs to shorts
  premiumPerLot: t.bigint().notNull(), // {u/lot} each side to the stakers
  openInterest: t.bigint().notNull(), // {lot}
  premium: t.bigint().notNull(), // {u} that reached FEES
}));

/** What a position was charged until it was touched; positive is paid. */
export const fundingPayment = onchainTable(
  "funding_payment",
  (t) => ({
    ...moment(t),
    account: t.bigint().notNull(),
    market: t.integer().notNull(),
    lots: t.bigint().notNull(), // {lot} that were held
    funding: t.bigint().notNull(), // {u}
    premium: t.bigint().notNull(), // {u}
    lossShare: t.bigint().notNull(), // {u}
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

export const liquidation = onchainTable(
  "liquidation",
  (t) => ({
    ...moment(t),
    account: t.bigint().notNull(),
    market: t.integer().notNull(),
    liquidator: t.bigint().notNull(), // account that got the lots, or the reward
    lots: t.bigint().notNull(),
    penalty: t.bigint().notNull(), // {u} discount of what was closed
    isAmm: t.boolean().notNull(), // through the AMM
    mark: t.bigint().notNull(), // {u/lot}
  }),
  (table) => ({ byAccount: index().on(table.account), byMarket: index().on(table.market) }),
);

export const takeover = onchainTable(
  "takeover",
  (t) => ({
    ...moment(t),
    account: t.bigint().notNull(),
    rewardAccount: t.bigint().notNull(),
    equity: t.bigint().notNull(), // {u} below zero: shortfalls name it
    reward: t.bigint().notNull(), // {u}
    markets: t.json().$type<number[]>().notNull(),
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

/** One market's part of a shortfall: byBucket + byJunior + bySenior + byShare + toDeficit = amount. */
export const shortfall = onchainTable(
  "shortfall",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    account: t.bigint().notNull(),
    reason: t.integer().notNull(), // DrawReason
    amount: t.bigint().notNull(), // {u}
    byBucket: t.bigint().notNull(), // {u}
    byJunior: t.bigint().notNull(), // {u}
    bySenior: t.bigint().notNull(), // {u}
    byShare: t.bigint().notNull(), // {u} of the winners
    toDeficit: t.bigint().notNull(), // {u}
    excess: t.bigint().notNull(), // {u} that whole tokens and lots brought beyond it, to the bucket
    price: t.bigint().notNull(), // {u/lot} mark
    takeover: t.text(), // id; null: of an inventory, a settlement or a close
  }),
  (table) => ({ byMarket: index().on(table.market), byTakeover: index().on(table.takeover) }),
);

export const lossShare = onchainTable("loss_share", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  isLong: t.boolean().notNull(), // the side that paid
  perLot: t.bigint().notNull(), // {u/lot}
  collected: t.bigint().notNull(), // {u}
  shortfall: t.text(), // id of the row it was for
}));

export const deleveraging = onchainTable("deleveraging", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  isLong: t.boolean().notNull(), // the side that was closed
  lots: t.bigint().notNull(),
  price: t.bigint().notNull(), // {u/lot}
  of: t.bigint().notNull(), // {lot} of others on that side before
  product: t.bigint().notNull(), // {2^-77} survival after it
  epoch: t.bigint().notNull(),
}));

/** A position that followed its side. */
export const settlement = onchainTable(
  "settlement",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    account: t.bigint().notNull(),
    isLong: t.boolean().notNull(),
    lots: t.bigint().notNull(),
    price: t.bigint().notNull(), // {u/lot}
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

/** What the pool's position of a market became, and by which fill, settlement or deleveraging. */
export const inventoryChange = onchainTable(
  "inventory_change",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    cause: t.text().notNull(), // kind of the fill, settlement or deleveraging
    lotsBefore: t.bigint().notNull(), // {lot} in effect
    lotsAfter: t.bigint().notNull(),
    equityAfter: t.bigint().notNull(), // {u} at the mark
  }),
  (table) => ({ byMarket: index().on(table.market) }),
);

/** Rises by a shortfall or a loss of the engine's tokens, falls by income. */
export const deficitChange = onchainTable("deficit_change", (t) => ({
  ...moment(t),
  market: t.integer().notNull(), // 64: of the engine itself
  amount: t.bigint().notNull(), // {u} signed
  left: t.bigint().notNull(), // {u} of that market
}));

export const engineDeficit = onchainTable("engine_deficit", (t) => ({
  ...moment(t),
  kind: t.text({ enum: ["covered", "repaid"] }).notNull(),
  missing: t.bigint().notNull(), // {token}
  paid: t.bigint().notNull(), // {token} by the pools, or repaid
  writtenOff: t.bigint().notNull(), // {token}
}));

export const claimChange = onchainTable(
  "claim_change",
  (t) => ({
    ...moment(t),
    kind: t.text({ enum: ["withheld", "paid", "collected"] }).notNull(),
    account: t.bigint(), // null: paid to all together
    amount: t.bigint().notNull(), // {u}
    left: t.bigint().notNull(), // {u} of the account, or of all
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

/** Tokens that came into an account, or left it. */
export const cashFlow = onchainTable(
  "cash_flow",
  (t) => ({
    ...moment(t),
    kind: t.text({ enum: ["deposit", "withdrawal"] }).notNull(),
    account: t.bigint().notNull(),
    counterparty: t.hex().notNull(), // who paid, or received
    tokens: t.bigint().notNull(), // {token}
    withheld: t.bigint().notNull(), // {u} that became a claim
  }),
  (table) => ({ byAccount: index().on(table.account) }),
);

/** Income by source and to whom. */
export const income = onchainTable("income", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  fromPremiums: t.bigint().notNull(), // {u} of all markets, that waited in FEES
  fromInventory: t.bigint().notNull(), // {u}
  fromBucket: t.bigint().notNull(), // {u} fees and penalties above the target
  toClaims: t.bigint().notNull(), // {u}
  toDeficits: t.bigint().notNull(), // {u}
  paid: t.bigint().notNull(), // {token} to the pools
  toTreasury: t.bigint().notNull(), // {token}
  toJunior: t.bigint().notNull(), // {token}
  toSenior: t.bigint().notNull(), // {token}
  juniorRepaid: t.bigint().notNull(), // {token} of it: what it had paid for the inventory
  seniorRepaid: t.bigint().notNull(), // {token}
}));

export const liquidationRelations = relations(liquidation, ({ many }) => ({ fills: many(fill) }));
export const takeoverRelations = relations(takeover, ({ many }) => ({
  fills: many(fill),
  shortfalls: many(shortfall),
}));
export const fillRelations = relations(fill, ({ one }) => ({
  liquidationRow: one(liquidation, { fields: [fill.liquidation], references: [liquidation.id] }),
  takeoverRow: one(takeover, { fields: [fill.takeover], references: [takeover.id] }),
}));
export const shortfallRelations = relations(shortfall, ({ one, many }) => ({
  takeoverRow: one(takeover, { fields: [shortfall.takeover], references: [takeover.id] }),
  lossShares: many(lossShare),
}));
export const lossShareRelations = relations(lossShare, ({ one }) => ({
  shortfallRow: one(shortfall, { fields: [lossShare.shortfall], references: [shortfall.id] }),
}));
