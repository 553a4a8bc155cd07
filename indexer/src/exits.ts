/** Exit requests: asked for, claimed, cancelled, lapsed. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { capOf, poolTimeAt } from "../../sdk/src/pool.ts";
import { changePool, poolRow } from "./lib/pools.ts";
import { known, momentOf } from "./lib/types.ts";

ponder.on("Pool:RedeemRequest", async ({ event, context: { db } }) => {
  const { controller, owner, requestId, sender: caller, shares } = event.args;
  const pool = event.log.address;
  const times = { requestedAt: event.block.timestamp, updatedAt: event.block.timestamp };
  const terms = { valueCap: 0n, claimableAt: 0n, lapsesAt: 0n, claimedAssets: 0n }; // ExitRequested follows
  const row = { pool, controller, requestId, owner, status: "open" as const, shares, requestedShares: shares };
  await db.insert(schema.exitRequest).values({ ...row, ...terms, ...times });
  const done = { kind: "requested" as const, pool, controller, requestId, shares, assets: 0n, caller };
  await db.insert(schema.exitEvent).values({ ...momentOf(event), ...done });
});

ponder.on("Pool:ExitRequested", async ({ event, context: { db } }) => {
  const { controller, requestId, valueCap, claimableAt, lapsesAt } = event.args;
  const terms = { valueCap, claimableAt: BigInt(claimableAt), lapsesAt: BigInt(lapsesAt) };
  await db.update(schema.exitRequest, { pool: event.log.address, controller, requestId }).set(terms);
  await changePool(db, event, "ExitRequested", () => ({})); // the queue is longer
});

ponder.on("Pool:ExitClaimed", async ({ event, context: { db } }) => {
  const { controller, requestId, shares, assets } = event.args;
  const pool = event.log.address;
  const id = { pool, controller, requestId };
  await db.update(schema.exitRequest, id).set((row) => ({
    shares: row.shares - shares,
    valueCap: row.shares === shares ? 0n : row.valueCap - capOf(row, shares),
    status: row.shares === shares ? "claimed" : "open",
    claimedAssets: row.claimedAssets + assets,
    updatedAt: event.block.timestamp,
  }));
  const done = { kind: "claimed" as const, ...id, shares, assets, caller: event.transaction.from };
  await db.insert(schema.exitEvent).values({ ...momentOf(event), ...done });
});

ponder.on("Pool:ExitCancelled", async ({ event, context: { db } }) => {
  const { controller, requestId, caller, shares } = event.args;
  const pool = event.log.address;
  const id = { pool, controller, requestId };
  const { lapsesAt } = known(await db.find(schema.exitRequest, id), `request ${requestId} of ${controller}`);
  const isLapsed = poolTimeAt(await poolRow(db, pool), event.block.timestamp) > lapsesAt;
  const status = isLapsed ? ("lapsed" as const) : ("cancelled" as const);
  const over = { status, shares: 0n, valueCap: 0n, updatedAt: event.block.timestamp };
  await db.update(schema.exitRequest, id).set(over);
  const done = { kind: status, ...id, shares, assets: 0n, caller };
  await db.insert(schema.exitEvent).values({ ...momentOf(event), ...done });
  await changePool(db, event, "ExitCancelled", () => ({}));
});
