/** The stakers: both pools, their shares and requests, the capital stack's draws, budgets, income and repayments. {asset} is token units. */
import { index, onchainTable, primaryKey } from "ponder";
import { moment } from "./moment.ts";

export const pool = onchainTable("pool", (t) => ({
  id: t.hex().primaryKey(),
  isJunior: t.boolean().notNull(),
  booked: t.bigint().notNull(), // {asset} unvested income included
  unvested: t.bigint().notNull(), // {asset} at `vestStart`
  vestStart: t.bigint().notNull(), // {s}
  vestEnd: t.bigint().notNull(), // {s}
  shares: t.bigint().notNull(), // {share} all there are
  queued: t.bigint().notNull(), // {share} in exit requests
  rescalings: t.integer().notNull(), // epochs of the shares that ended
  pendingGain: t.bigint().notNull(), // {asset}
  pendingLoss: t.bigint().notNull(), // {asset}
  gateEnd: t.bigint().notNull(), // {s}
  pauseEnd: t.bigint().notNull(), // {s}
  stoppedAt: t.bigint().notNull(), // {s}
  stoppedBefore: t.bigint().notNull(), // {s}
  assetLimit: t.bigint().notNull(), // {whole token}
  cooldown: t.integer().notNull(), // {s}
  claimWindow: t.integer().notNull(), // {s}
  losses: t.bigint().notNull(), // {asset} in all
  income: t.bigint().notNull(), // {asset} in all
}));

/** A pool after something moved its books or its queue. */
export const poolSnapshot = onchainTable(
  "pool_snapshot",
  (t) => ({
    ...moment(t),
    pool: t.hex().notNull(),
    cause: t.text().notNull(), // name of the event
    totalAssets: t.bigint().notNull(), // {asset} vested
    booked: t.bigint().notNull(), // {asset}
    shares: t.bigint().notNull(), // {share}
    sharePrice: t.bigint().notNull(), // D18{asset/asset} of a million shares, which cost one at first
    nav: t.bigint().notNull(), // {asset} vested less pending losses: what leavers are paid from
    pendingGain: t.bigint().notNull(), // {asset}
    pendingLoss: t.bigint().notNull(), // {asset}
    queued: t.bigint().notNull(), // {share}
    queuedAssets: t.bigint().notNull(), // {asset} worth of the queue
    freeStake: t.bigint().notNull(), // {asset}
    coverageBps: t.bigint().notNull(), // of all potential liabilities, at the newest observation
  }),
  (table) => ({ byPool: index().on(table.pool, table.timestamp) }),
);

export const stakeFlow = onchainTable(
  "stake_flow",
  (t) => ({
    ...moment(t),
    kind: t.text({ enum: ["deposit", "withdrawal"] }).notNull(),
    pool: t.hex().notNull(),
    holder: t.hex().notNull(), // owner of the shares, controller of a claim
    counterparty: t.hex().notNull(), // who paid, or received
    assets: t.bigint().notNull(),
    shares: t.bigint().notNull(),
  }),
  (table) => ({ byHolder: index().on(table.holder) }),
);

export const shareBalance = onchainTable(
  "share_balance",
  (t) => ({ pool: t.hex().notNull(), holder: t.hex().notNull(), shares: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.pool, table.holder] }), byHolder: index().on(table.holder) }),
);

export const exitRequest = onchainTable(
  "exit_request",
  (t) => ({
    pool: t.hex().notNull(),
    controller: t.hex().notNull(),
    requestId: t.bigint().notNull(),
    owner: t.hex().notNull(),
    status: t.text({ enum: ["open", "claimed", "cancelled", "lapsed"] }).notNull(),
    shares: t.bigint().notNull(), // {share} left in it
    valueCap: t.bigint().notNull(), // {asset} left of its cap
    claimableAt: t.bigint().notNull(), // {s} of the pool's time
    lapsesAt: t.bigint().notNull(), // {s} of the pool's time
    requestedShares: t.bigint().notNull(),
    claimedAssets: t.bigint().notNull(), // {asset} so far
    requestedAt: t.bigint().notNull(), // {s}
    updatedAt: t.bigint().notNull(), // {s}
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.pool, table.controller, table.requestId] }),
    byStatus: index().on(table.status),
  }),
);

export const exitEvent = onchainTable(
  "exit_event",
  (t) => ({
    ...moment(t),
    kind: t.text({ enum: ["requested", "claimed", "cancelled", "lapsed"] }).notNull(),
    pool: t.hex().notNull(),
    controller: t.hex().notNull(),
    requestId: t.bigint().notNull(),
    shares: t.bigint().notNull(), // {share} asked for, claimed, given back
    assets: t.bigint().notNull(), // {asset} of a claim
    caller: t.hex().notNull(),
  }),
  (table) => ({ byController: index().on(table.controller) }),
);

/** All shares of a pool divided by 2^24: an epoch of its shares. */
export const rescaling = onchainTable("rescaling", (t) => ({
  ...moment(t),
  pool: t.hex().notNull(),
  number: t.integer().notNull(),
  shares: t.bigint().notNull(), // {share} after it
}));

/** A draw on the pools, by layer, or a loss of their own lots that the budgets count. */
export const draw = onchainTable("draw", (t) => ({
  ...moment(t),
  market: t.integer().notNull(), // 64: for the engine itself
  reason: t.integer(), // DrawReason; null: counted, not paid
  requested: t.bigint().notNull(), // {asset}
  byJunior: t.bigint().notNull(), // {asset}
  bySenior: t.bigint().notNull(), // {asset}
  counted: t.bigint().notNull(), // {asset}
}));

/** What a market has used of its budget of an aligned day. */
export const budgetDay = onchainTable(
  "budget_day",
  (t) => ({ market: t.integer().notNull(), day: t.bigint().notNull(), used: t.bigint().notNull() }), // {asset}
  (table) => ({ pk: primaryKey({ columns: [table.market, table.day] }) }),
);

/** What all markets have used of the budget of an aligned window of seven days: the stack's epochs. */
export const budgetWindow = onchainTable("budget_window", (t) => ({
  window: t.bigint().primaryKey(),
  used: t.bigint().notNull(), // {asset}
}));

/** Row 0: terms of the capital stack and what it is owed or owes. */
export const stack = onchainTable("stack", (t) => ({
  id: t.integer().primaryKey(),
  marketDayBps: t.integer().notNull(),
  windowBps: t.integer().notNull(),
  attachmentBps: t.integer().notNull(),
  juniorWeightBps: t.integer().notNull(),
  treasuryBps: t.integer().notNull(),
  treasuryOwed: t.bigint().notNull(), // {asset}
  juniorPaid: t.bigint().notNull(), // {asset} for the inventory and not got back
  seniorPaid: t.bigint().notNull(), // {asset}
  unrepaid: t.bigint().notNull(), // {asset} of recorded losses
  isShut: t.boolean().notNull(), // the gate, as last reported
}));

export const gateMove = onchainTable("gate_move", (t) => ({
  ...moment(t),
  isShut: t.boolean().notNull(),
  atRisk: t.bigint().notNull(), // {asset}
}));

/** Tokens for stakers who paid for a loss of the engine, or for the treasury. */
export const repayment = onchainTable("repayment", (t) => ({
  ...moment(t),
  kind: t.text({ enum: ["repaid", "paid", "treasury"] }).notNull(),
  isJunior: t.boolean(),
  loss: t.bigint(), // id of the recorded loss
  receiver: t.hex(),
  assets: t.bigint().notNull(),
}));
