/** The books of both pools: joins, claims, losses, income, shares, clocks. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { type Hex, zeroAddress } from "viem";
import { joined, SCALE_BITS, slashed, stopTime } from "../../sdk/src/pool.ts";
import { changePool, newPool, poolRow } from "./lib/pools.ts";
import { rescale } from "./lib/shares.ts";
import { type Db, momentOf } from "./lib/types.ts";

ponder.on("Pool:ExitClocksSet", async ({ event, context: { db } }) => {
  const change = event.args;
  const row = newPool(event.log.address, change.cooldown, change.claimWindow);
  await db.insert(schema.pool).values(row).onConflictDoUpdate(change); // the constructor's is the first
});

ponder.on("Pool:Transfer", async ({ event, context: { db } }) => {
  const { from, to, value } = event.args;
  const pool = event.log.address;
  const { shares, queued } = await poolRow(db, pool);
  const isQueue = (holder: Hex) => holder.toLowerCase() === pool.toLowerCase();
  const change = {
    shares: shares + (from === zeroAddress ? value : 0n) - (to === zeroAddress ? value : 0n),
    queued: queued + (isQueue(to) ? value : 0n) - (isQueue(from) ? value : 0n),
  };
  await db.update(schema.pool, { id: pool }).set(change);
  if (from !== zeroAddress && !isQueue(from)) await addShares(db, pool, from, -value);
  if (to !== zeroAddress && !isQueue(to)) await addShares(db, pool, to, value);
});

const addShares = (db: Db, pool: Hex, holder: Hex, shares: bigint) =>
  db
    .insert(schema.shareBalance)
    .values({ pool, holder, shares })
    .onConflictDoUpdate((row) => ({ shares: row.shares + shares }));

ponder.on("Pool:Deposit", async ({ event, context: { db } }) => {
  const { sender, owner: holder, assets, shares } = event.args;
  const pool = event.log.address;
  await changePool(db, event, "Deposit", (row) =>
    joined(row, { assets, shares, supply: row.shares - shares, gain: row.pendingGain }, event.block.timestamp),
  );
  const flow = { kind: "deposit" as const, pool, holder, counterparty: sender, assets, shares };
  await db.insert(schema.stakeFlow).values({ ...momentOf(event), ...flow });
});

ponder.on("Pool:Withdraw", async ({ event, context: { db } }) => {
  const { receiver, owner: holder, assets, shares } = event.args;
  await changePool(db, event, "Withdraw", ({ booked }) => ({ booked: booked - assets }));
  const flow = { kind: "withdrawal" as const, pool: event.log.address, holder, counterparty: receiver, assets, shares };
  await db.insert(schema.stakeFlow).values({ ...momentOf(event), ...flow });
});

ponder.on("Pool:LossTaken", async ({ event, context: { db } }) => {
  const { assets } = event.args;
  await changePool(db, event, "LossTaken", (row) => ({
    ...slashed(row, assets, event.block.timestamp),
    losses: row.losses + assets,
  }));
});

ponder.on("Pool:IncomeReceived", async ({ event, context: { db } }) => {
  const { unvested, vestsAt } = event.args; // IncomeSplit has booked what is new on the books
  const vesting = { unvested, vestStart: event.block.timestamp, vestEnd: BigInt(vestsAt) };
  await changePool(db, event, "IncomeReceived", () => vesting);
});

ponder.on("Pool:SharesRescaled", async ({ event, context: { db } }) => {
  const pool = event.log.address;
  const { shares: before, queued } = await poolRow(db, pool);
  const [number, shares] = [Number(event.args.rescalings), before >> SCALE_BITS];
  await db.update(schema.pool, { id: pool }).set({ shares, queued: queued >> SCALE_BITS, rescalings: number });
  await rescale(db, pool);
  await db.insert(schema.rescaling).values({ ...momentOf(event), pool, number, shares });
});

ponder.on("Pool:PendingSet", async ({ event, context: { db } }) => {
  const { gain: pendingGain, loss: pendingLoss, gateEnd } = event.args;
  const row = await poolRow(db, event.log.address);
  const clock = gateEnd > event.block.timestamp ? stopTime(row, event.block.timestamp) : row;
  const { stoppedAt, stoppedBefore } = clock;
  const change = { pendingGain, pendingLoss, gateEnd, stoppedAt, stoppedBefore };
  if (row.pendingGain !== pendingGain || row.pendingLoss !== pendingLoss)
    await changePool(db, event, "PendingSet", () => change);
  else await db.update(schema.pool, { id: row.id }).set(change); // every sync says it again
});

ponder.on("Pool:LimitSet", async ({ event, context: { db } }) => {
  const most = (1n << 32n) - 1n;
  const assetLimit = event.args.tokens < most ? event.args.tokens : most;
  await db.update(schema.pool, { id: event.log.address }).set({ assetLimit });
});

ponder.on("Pool:Paused", async ({ event, context: { db } }) => {
  const pauseEnd = event.args.until;
  await db.update(schema.pool, { id: event.log.address }).set((row) => {
    const { stoppedAt, stoppedBefore } = stopTime(row, event.block.timestamp);
    return { stoppedAt, stoppedBefore, pauseEnd };
  });
});

ponder.on("Pool:Unpaused", async ({ event, context: { db } }) => {
  await db.update(schema.pool, { id: event.log.address }).set({ pauseEnd: event.block.timestamp });
});
