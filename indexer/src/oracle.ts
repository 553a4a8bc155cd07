/** What the oracle tells: answers, held ones, the second source, feeds. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { momentOf } from "./lib/types.ts";

const NOTHING = { price: null, confidence: null, date: null, source: null };

ponder.on("Oracle:PriceRecorded", async ({ event, context: { db } }) => {
  const { market, price, emaShort, emaSlow, updatedAt: answeredAt } = event.args;
  await db.insert(schema.oraclePrice).values({ ...momentOf(event), market, price, emaShort, emaSlow, answeredAt });
});

ponder.on("Oracle:PriceHeld", async ({ event, context: { db } }) => {
  const { market, price, since } = event.args;
  const row = { ...NOTHING, kind: "held" as const, market, price, date: BigInt(since) };
  await db.insert(schema.oracleEvent).values({ ...momentOf(event), ...row });
});

ponder.on("Oracle:SecondUpdated", async ({ event, context: { db } }) => {
  const { market, price, confidence, publishTime } = event.args;
  const row = { ...NOTHING, kind: "second" as const, market, price, confidence, date: BigInt(publishTime) };
  await db.insert(schema.oracleEvent).values({ ...momentOf(event), ...row });
});

ponder.on("Oracle:SecondPriceRecorded", async ({ event, context: { db } }) => {
  const { market, price, publishTime: date } = event.args;
  const row = { ...NOTHING, kind: "settlement" as const, market, price, date };
  await db.insert(schema.oracleEvent).values({ ...momentOf(event), ...row });
});

ponder.on("Oracle:FeedConfigured", async ({ event, context: { db } }) => {
  const { market, config } = event.args;
  const row = { ...NOTHING, kind: "feed" as const, market, source: config.aggregator };
  await db.insert(schema.oracleEvent).values({ ...momentOf(event), ...row });
});

ponder.on("Oracle:SecondConfigured", async ({ event, context: { db } }) => {
  const { market, config } = event.args;
  const row = { ...NOTHING, kind: "secondSource" as const, market, source: config.pyth };
  await db.insert(schema.oracleEvent).values({ ...momentOf(event), ...row });
});
