/** What @backstop/sdk offers: the bigint twin of the contracts' maths. */

export * from "./amm.ts";
export type { World } from "./context.ts";
export * from "./ema.ts";
export * from "./engine.ts";
export * from "./errors.ts";
export * from "./gas.ts";
export * from "./invariants.ts";
export * from "./level.ts";
export * from "./math.ts";
export * from "./premium.ts";
export * from "./risk.ts";
export * from "./signals.ts";
export { State } from "./state.ts";
export * from "./survival.ts";
export * from "./twap.ts";
export * from "./types.ts";
export * from "./units.ts";
export * from "./volatility.ts";
