/** The backstop AMM: reserves, joins, leaves, shares, epochs, jumps, shut bands. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { zeroAddress } from "viem";
import { moved } from "../../sdk/src/auction.ts";
import { curveRow } from "./lib/bands.ts";
import { addLpShares, changeCurve } from "./lib/curve.ts";
import { inventoryOfMarket } from "./lib/inventory.ts";
import { marketRow } from "./lib/load.ts";
import { wait, waiting } from "./lib/run.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Amm:CurveMoved", async ({ event, context: { db } }) => {
  const { market, base, quote } = event.args;
  const row = await curveRow(db, market);
  const { price } = await marketRow(db, market);
  const { lots: pool } = await inventoryOfMarket(db, market);
  const { fills } = await waiting(db, event);
  await wait(db, event, { take: { at: fills.length, market, pool, depth: row.depth } });
  const pulse = moved(row, row, { base, quote }, price, event.block.timestamp);
  await changeCurve(db, event, "trade", market, { ...pulse, base, quote });
});

ponder.on("Amm:LiquidityAdded", async ({ event, context: { db } }) => {
  const { market, account, shares, cash, curve } = event.args;
  const { epoch } = curve;
  await changeCurve(db, event, "join", market, curve);
  const provider = event.transaction.from;
  const flow = { kind: "join" as const, market, epoch, account, provider, shares, lots: 0n, cash };
  await db.insert(schema.liquidityFlow).values({ ...momentOf(event), ...flow });
});

ponder.on("Amm:LiquidityRemoved", async ({ event, context: { db } }) => {
  const { market, account, shares, lots, cash, curve } = event.args;
  const { epoch } = curve;
  await changeCurve(db, event, "leave", market, curve);
  const provider = event.transaction.from;
  const flow = { kind: "leave" as const, market, epoch, account, provider, shares, lots, cash };
  await db.insert(schema.liquidityFlow).values({ ...momentOf(event), ...flow });
  if (lots !== 0n) await wait(db, event, { isLeaving: true }); // their fill follows
});

ponder.on("Amm:Transfer", async ({ event, context: { db } }) => {
  const { sender, receiver, id, amount } = event.args;
  const share = { market: Number(id & 255n), epoch: Number(id >> 8n) };
  const minted = (sender === zeroAddress ? amount : 0n) - (receiver === zeroAddress ? amount : 0n);
  await db
    .insert(schema.curveEpoch)
    .values({ ...share, shares: minted, startedAt: event.block.timestamp })
    .onConflictDoUpdate((row) => ({ shares: row.shares + minted }));
  if (sender !== zeroAddress) await addLpShares(db, { ...share, holder: sender }, -amount);
  if (receiver !== zeroAddress) await addLpShares(db, { ...share, holder: receiver }, amount);
});

const NOTHING = { feePpm: null, until: null };

ponder.on("Amm:Jumped", async ({ event, context: { db } }) => {
  const { market, feePpm } = event.args; // the fee itself follows from the sync
  await db.insert(schema.ammEvent).values({ ...momentOf(event), ...NOTHING, kind: "jumped", market, feePpm });
});

ponder.on("Amm:Disarmed", async ({ event, context: { db } }) => {
  const { market, until } = event.args;
  await db.update(schema.curve, { market }).set({ disarmedUntil: until });
  await db.insert(schema.ammEvent).values({ ...momentOf(event), ...NOTHING, kind: "disarmed", market, until });
});

ponder.on("Amm:FeeSet", async ({ event, context: { db } }) => {
  const { market, feePpm } = event.args;
  await db.update(schema.curve, { market }).set({ feePpm });
  const row = { ...NOTHING, kind: "fee" as const, market, feePpm: BigInt(feePpm) };
  await db.insert(schema.ammEvent).values({ ...momentOf(event), ...row });
});
