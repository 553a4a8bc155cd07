/** What the indexer serves: one export a table. */
export * from "./schema/amm.ts";
export * from "./schema/ledger.ts";
export * from "./schema/pools.ts";
export * from "./schema/risk.ts";
export * from "./schema/trading.ts";
