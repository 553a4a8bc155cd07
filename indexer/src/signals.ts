/** Signed forecasts: accepted, in force, scored. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { momentOf } from "./lib/types.ts";

ponder.on("Risk:SignalAccepted", async ({ event, context: { db } }) => {
  const { hash: transactionHash } = event.transaction;
  await db.insert(schema.signal).values({ ...event.args, acceptedAt: event.block.timestamp, transactionHash });
});

ponder.on("Risk:SignalArmed", async ({ event, context: { db } }) => {
  const { market, nonce, from: armedFrom, until: armedUntil } = event.args;
  await db.update(schema.signal, { market, nonce }).set({ armedFrom, armedUntil });
});

ponder.on("Risk:HorizonBegan", async ({ event, context: { db } }) => {
  const { market, nonce, start: horizonStart, trigger: horizonTrigger, end: horizonEnd } = event.args;
  await db.update(schema.signal, { market, nonce }).set({ horizonStart, horizonTrigger, horizonEnd });
});

ponder.on("Risk:FallSeen", async ({ event, context: { db } }) => {
  const { market, nonce, price: fellTo } = event.args;
  await db.update(schema.signal, { market, nonce }).set({ fellTo });
});

ponder.on("Risk:SignalScored", async ({ event, context: { db } }) => {
  const { market, nonce, hasFallen, isObserved, brier, brierBase } = event.args;
  const outcome = hasFallen ? "fell" : "held";
  await db.update(schema.signal, { market, nonce }).set({ outcome, isObserved, brier, brierBase });
});

ponder.on("Risk:SignalUnscored", async ({ event, context: { db } }) => {
  const { market, nonce } = event.args;
  await db.update(schema.signal, { market, nonce }).set({ outcome: "unscored", isObserved: false });
});

const NOTHING = { modelHash: null, dropBps: null, baseRate: null, threshold: null };

ponder.on("Risk:ModelSet", async ({ event, context: { db } }) => {
  await db.insert(schema.signalModel).values({ ...momentOf(event), kind: "model", ...event.args });
});

ponder.on("Risk:ThresholdSet", async ({ event, context: { db } }) => {
  await db.insert(schema.signalModel).values({ ...momentOf(event), ...NOTHING, kind: "threshold", ...event.args });
});

ponder.on("Risk:SignalsSuspended", async ({ event, context: { db } }) => {
  const { market, modelHash } = event.args;
  await db.insert(schema.signalModel).values({ ...momentOf(event), ...NOTHING, kind: "suspended", market, modelHash });
});

ponder.on("Risk:ReportersSet", async ({ event, context: { db } }) => {
  const { reporters: accounts, needed } = event.args;
  await db.insert(schema.reporters).values({ ...momentOf(event), accounts, needed });
});
