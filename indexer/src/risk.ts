/** Levels of intervention with their inputs and thresholds. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { INPUTS, levelAskedBy, limitsOf, type RiskInput } from "../../sdk/src/risk.ts";
import { volatilityBps } from "../../sdk/src/volatility.ts";
import { type Db, momentOf } from "./lib/types.ts";

ponder.on("Risk:VolatilityLimitsSet", async ({ event, context: { db } }) => {
  const { market, limits } = event.args;
  const { level1, level2, level3, level4, initial } = limits;
  const volatility = {
    ...{ level1: BigInt(level1), level2: BigInt(level2), level3: BigInt(level3) },
    ...{ level4: BigInt(level4), initial: BigInt(initial) },
  };
  for (const input of INPUTS) {
    for (const [i, value] of limitsOf(input, volatility).entries()) {
      const id = { market, input, level: i + 1 };
      await db
        .insert(schema.levelThreshold)
        .values({ ...id, value })
        .onConflictDoUpdate({ value });
    }
  }
});

/** {bps} or as the input is, from level 1 on. */
async function limits(db: Db, market: number, input: RiskInput): Promise<bigint[]> {
  const rows = await Promise.all([1, 2, 3, 4].map((level) => db.find(schema.levelThreshold, { market, input, level })));
  return rows.flatMap((row) => (row === null ? [] : [row.value]));
}

ponder.on("Risk:Observed", async ({ event, context: { db } }) => {
  const { market, variance, use, coverage, divergence, depletion, funding, wanted, level } = event.args;
  const asked = async (input: RiskInput, value: bigint) =>
    Number(levelAskedBy(input, value, await limits(db, market, input)));
  await db.insert(schema.observation).values({
    ...momentOf(event),
    ...{ market, variance, use, coverage, divergence, depletion, funding, wanted, level },
    volatilityBps: volatilityBps(variance),
    volatilityLevel: await asked("volatility", variance),
    useLevel: await asked("use", use),
    coverageLevel: await asked("coverage", coverage),
    divergenceLevel: await asked("divergence", divergence),
    depletionLevel: await asked("depletion", depletion),
    fundingLevel: await asked("funding", funding),
  });
  await db.update(schema.market, { id: market }).set({ riskLevel: level });
  await db.update(schema.ledger, { id: 0 }).set({ coverageBps: coverage });
});

ponder.on("Risk:LevelSet", async ({ event, context: { db } }) => {
  const { market, from: before, to: after } = event.args;
  await db.insert(schema.levelChange).values({ ...momentOf(event), market, before, after });
});
