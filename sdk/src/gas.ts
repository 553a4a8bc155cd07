/** How much gas a transaction is allowed. */

/** {gas} that syncing costs more at a new price, or in the first block of a minute, in which a market is observed and its level set. */
const GAS_OF_A_MINUTE = 400_000n;

/**
 * {gas} for a transaction that may sync a market: a quarter more than its estimate, which saw another block, and a sync's worth on top.
 * What is not used costs nothing; what runs out is paid for and does nothing.
 */
export const syncingLimit = (estimate: bigint): bigint => (estimate * 5n) / 4n + GAS_OF_A_MINUTE;
