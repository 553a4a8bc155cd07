/** Levels with their inputs and thresholds, signals, the oracle, wind-downs. */
import { index, onchainTable, primaryKey } from "ponder";
import { moment } from "./moment.ts";

/** One observation of a market, at most one a minute. */
export const observation = onchainTable(
  "observation",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    variance: t.bigint().notNull(), // D18{1/year}
    volatilityBps: t.bigint().notNull(), // {bps} a year, its root, down
    use: t.bigint().notNull(), // {bps} of capacity, twice
    coverage: t.bigint().notNull(), // {bps}
    divergence: t.bigint().notNull(), // {bps}
    depletion: t.bigint().notNull(), // {bps}
    funding: t.bigint().notNull(), // {1e-9 per 8 h} average of a day
    volatilityLevel: t.integer().notNull(), // that each input asks for
    useLevel: t.integer().notNull(),
    coverageLevel: t.integer().notNull(),
    divergenceLevel: t.integer().notNull(),
    depletionLevel: t.integer().notNull(),
    fundingLevel: t.integer().notNull(),
    wanted: t.integer().notNull(),
    level: t.integer().notNull(),
  }),
  (table) => ({ byMarket: index().on(table.market, table.timestamp) }),
);

export const levelChange = onchainTable(
  "level_change",
  (t) => ({ ...moment(t), market: t.integer().notNull(), before: t.integer().notNull(), after: t.integer().notNull() }),
  (table) => ({ byMarket: index().on(table.market) }),
);

/** From which value an input asks for a level; coverage: below which. */
export const levelThreshold = onchainTable(
  "level_threshold",
  (t) => ({
    market: t.integer().notNull(),
    input: t.text({ enum: ["volatility", "use", "coverage", "divergence", "depletion", "funding"] }).notNull(),
    level: t.integer().notNull(),
    value: t.bigint().notNull(), // volatility {bps} a year, the others as in an observation
  }),
  (table) => ({ pk: primaryKey({ columns: [table.market, table.input, table.level] }) }),
);

export const signal = onchainTable(
  "signal",
  (t) => ({
    market: t.integer().notNull(),
    nonce: t.integer().notNull(),
    modelHash: t.hex().notNull(),
    probability: t.integer().notNull(), // {1e-4}
    validFrom: t.integer().notNull(), // {s}
    expiry: t.integer().notNull(), // {s}
    acceptedAt: t.bigint().notNull(), // {s}
    armedFrom: t.integer(), // {s} null: never in force
    armedUntil: t.integer(), // {s}
    horizonStart: t.bigint(), // {u/lot}
    horizonTrigger: t.bigint(), // {u/lot}
    horizonEnd: t.integer(), // {s}
    fellTo: t.bigint(), // {u/lot} null: it has not fallen
    outcome: t.text({ enum: ["fell", "held", "unscored"] }), // null: open, or of a model that was replaced
    isObserved: t.boolean(),
    brier: t.bigint(), // D18{1} sum after it
    brierBase: t.bigint(), // D18{1}
    transactionHash: t.hex().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.market, table.nonce] }) }),
);

export const signalModel = onchainTable("signal_model", (t) => ({
  ...moment(t),
  kind: t.text({ enum: ["model", "threshold", "suspended"] }).notNull(),
  market: t.integer().notNull(),
  modelHash: t.hex(),
  dropBps: t.integer(),
  baseRate: t.integer(), // {1e-4}
  threshold: t.integer(), // {1e-4}
}));

export const reporters = onchainTable("reporters", (t) => ({
  ...moment(t),
  accounts: t.json().$type<readonly string[]>().notNull(),
  needed: t.bigint().notNull(),
}));

/** A valid answer of a feed. */
export const oraclePrice = onchainTable(
  "oracle_price",
  (t) => ({
    ...moment(t),
    market: t.integer().notNull(),
    price: t.bigint().notNull(), // {u/lot}
    emaShort: t.bigint().notNull(), // {u/lot}
    emaSlow: t.bigint().notNull(), // {u/lot}
    answeredAt: t.integer().notNull(), // {s}
  }),
  (table) => ({ byMarket: index().on(table.market, table.timestamp) }),
);

/** Whatever else the oracle tells. */
export const oracleEvent = onchainTable("oracle_event", (t) => ({
  ...moment(t),
  kind: t.text({ enum: ["held", "second", "settlement", "feed", "secondSource"] }).notNull(),
  market: t.integer().notNull(),
  price: t.bigint(), // {u/lot}
  confidence: t.bigint(), // {u/lot}
  date: t.bigint(), // {s} held since, signed at
  source: t.hex(), // aggregator, or Pyth
}));

export const windDown = onchainTable("wind_down", (t) => ({
  market: t.integer().primaryKey(),
  startedAt: t.bigint().notNull(), // {s}
  proposedPrice: t.bigint(), // {u/lot} of a dead feed, open to one challenge
  price: t.bigint(), // {u/lot} final
  settledAt: t.bigint(), // {s}
  isChallenged: t.boolean().notNull(), // the second source replaced the proposed price
}));

export const statusChange = onchainTable("status_change", (t) => ({
  ...moment(t),
  market: t.integer().notNull(),
  status: t.integer().notNull(), // MarketStatus
}));
