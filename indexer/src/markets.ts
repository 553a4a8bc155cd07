/** Markets: listing and terms, syncs, statuses, settlement prices. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { MarginEngineAbi } from "../../sdk/src/abi.ts";
import { NO_PULSE } from "../../sdk/src/auction.ts";
import { MarketStatus } from "../../sdk/src/types.ts";
import { FEES } from "../../sdk/src/units.ts";
import { curveAccountOf, deployment } from "./lib/deployment.ts";
import { agree, patchMarket } from "./lib/ledger.ts";
import { marketRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { newMarket } from "./lib/rows.ts";
import { chargeSides, nextOf, sampleCurve, snapshotMarket } from "./lib/sync.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:Connected", async ({ context: { db, client } }) => {
  const address = deployment.contracts.engine;
  const tokenUnit = await client.readContract({
    abi: MarginEngineAbi,
    address,
    functionName: "tokenUnit",
    cache: "immutable",
  });
  const nothing = { internalBalance: 0n, totalClaims: 0n, claimProduct: 0n, claimEpoch: 0n, engineDeficit: 0n };
  await db.insert(schema.ledger).values({ id: 0, tokenUnit, ...nothing, coverageBps: 65_535n });
});

ponder.on("Engine:MarketSet", async ({ event, context: { db } }) => {
  const { market, params, rules } = event.args;
  const ramp = {
    maintenanceTargetBps: BigInt(rules.maintenanceTargetBps),
    maintenanceFromBps: BigInt(rules.maintenanceFromBps),
    rampStartedAt: BigInt(rules.rampStartedAt),
  };
  const fresh = { ...newMarket(market), status: MarketStatus.ACTIVE, ...ramp };
  await db.insert(schema.market).values(fresh).onConflictDoUpdate(ramp);
  const curve = { market, account: curveAccountOf(market), base: 0n, quote: 0n, feePpm: 0, epoch: 0, ...NO_PULSE };
  await db.insert(schema.curve).values(curve).onConflictDoNothing();
  const { maintenanceFromBps, rampStartedAt, ...asked } = rules;
  const wide = { skewFactor: BigInt(rules.skewFactor), fundingCap: BigInt(rules.fundingCap) };
  const usd = { bucketTarget: BigInt(rules.bucketTarget), rampNotional: BigInt(params.rampNotional) };
  await db.insert(schema.terms).values({ ...momentOf(event), market, ...params, ...asked, ...wide, ...usd });
});

ponder.on("Engine:Synced", async ({ event, context: { db } }) => {
  const { market, state, premium } = event.args;
  const before = await marketRow(db, market);
  const next = nextOf(state, before, event.block.timestamp);
  await sampleCurve(db, event, before, next);
  await chargeSides(db, event, before, next, premium);
  const row = await patchMarket(db, market, { ...next, premiums: before.premiums + premium });
  await play(db, event, "Synced", { accounts: [FEES] }, (books) => books.addCash(FEES, premium));
  await snapshotMarket(db, event, row);
});

ponder.on("Engine:StatusSet", async ({ event, context: { db } }) => {
  const { market, status } = event.args;
  const isEnding = status >= MarketStatus.WINDING_DOWN;
  await patchMarket(db, market, { status, ...(isEnding ? { since: event.block.timestamp } : {}) });
  await db.insert(schema.statusChange).values({ ...momentOf(event), market, status });
  if (status !== MarketStatus.WINDING_DOWN) return;
  const prices = { proposedPrice: null, price: null, settledAt: null, isChallenged: false };
  await db.insert(schema.windDown).values({ market, startedAt: event.block.timestamp, ...prices });
});

ponder.on("Engine:SettlementPriceSet", async ({ event, context: { db } }) => {
  const { market, price, isFinal } = event.args;
  agree("the settlement price", price, (await marketRow(db, market)).price);
  await db
    .update(schema.windDown, { market })
    .set(({ proposedPrice }) =>
      isFinal
        ? { price, settledAt: event.block.timestamp, isChallenged: proposedPrice !== null && proposedPrice !== price }
        : { proposedPrice: price },
    );
});

ponder.on("Engine:InventoryCapSet", async ({ event, context: { db } }) => {
  const { market, cap } = event.args;
  await patchMarket(db, market, { inventoryCapLots: cap.lots, inventoryCapBps: BigInt(cap.bps) });
});
