/** Shortfalls and who paid them: draws on the pools, loss shares, deficits. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { chargedNow } from "../../sdk/src/shortfall.ts";
import { ENGINE_DEFICIT } from "../../sdk/src/units.ts";
import { juniorPart } from "../../sdk/src/waterfall.ts";
import { addBalance, addDeficit, agree, patchMarket } from "./lib/ledger.ts";
import { ledgerRow, marketRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { wait, waiting } from "./lib/run.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:LossShared", async ({ event, context: { db } }) => {
  const { market, isLong, perLot, collected } = event.args;
  const row = await marketRow(db, market);
  agree("what the share collected", collected, perLot * row.openInterest);
  const index = isLong ? { indexLong: row.indexLong + perLot } : { indexShort: row.indexShort - perLot };
  const sum = isLong ? { shareLong: row.shareLong + perLot } : { shareShort: row.shareShort + perLot };
  const { shared, sharedBefore, hour } = chargedNow(row, event.block.timestamp);
  await patchMarket(db, market, { ...index, ...sum, shared: shared + perLot, sharedBefore, hour });
  await db.insert(schema.lossShare).values({ ...momentOf(event), market, isLong, perLot, collected, shortfall: null });
  const run = await waiting(db, event);
  await wait(db, event, { shares: [...run.shares, event.id], collected: run.collected + collected });
});

ponder.on("Engine:ShortfallCovered", async ({ event, context: { db } }) => {
  const { market, account, reason, shortfall: amount, byBucket, byPool, byShare, toDeficit, excess } = event.args;
  const run = await waiting(db, event);
  const { tokenUnit } = await ledgerRow(db);
  const { bucket, price } = await marketRow(db, market);
  const byJunior = juniorPart(byPool, run.draw?.byJunior ?? 0n, tokenUnit);
  const layers = { byBucket, byJunior, bySenior: byPool - byJunior, byShare, toDeficit };
  agree(
    "the sum of the layers",
    Object.values(layers).reduce((sum, part) => sum + part, 0n),
    amount,
  );
  await patchMarket(db, market, { bucket: bucket - byBucket + excess });
  if (toDeficit > 0n) await addDeficit(db, event, market, toDeficit);
  await play(db, event, "ShortfallCovered", { accounts: [account] }, (state) => state.addCash(account, amount));
  await addBalance(db, (byPool + byShare + excess - run.collected) / tokenUnit);
  const row = { market, account, reason, amount, ...layers, excess, price, takeover: null };
  await db.insert(schema.shortfall).values({ ...momentOf(event), ...row });
  for (const id of run.shares) await db.update(schema.lossShare, { id }).set({ shortfall: event.id });
  const shortfalls = [...run.shortfalls, { id: event.id, account }];
  await wait(db, event, { shortfalls, shares: [], collected: 0n, draw: null });
});

ponder.on("Engine:DeficitReduced", async ({ event, context: { db } }) => {
  const { market, amount, left } = event.args;
  agree(`the deficit of ${market}`, left, await addDeficit(db, event, market, -amount));
});

ponder.on("Engine:EngineDeficitCovered", async ({ event, context: { db } }) => {
  const { shortfall: missing, paid, writtenOff } = event.args;
  await addBalance(db, -writtenOff); // what the pools paid only fills the hole
  const { tokenUnit } = await ledgerRow(db);
  if (writtenOff > 0n) await addDeficit(db, event, ENGINE_DEFICIT, writtenOff * tokenUnit);
  const row = { kind: "covered" as const, missing, paid, writtenOff };
  await db.insert(schema.engineDeficit).values({ ...momentOf(event), ...row });
  await wait(db, event, { draw: null });
});

ponder.on("Engine:EngineDeficitRepaid", async ({ event, context: { db } }) => {
  const { amount: paid } = event.args;
  await addBalance(db, paid); // DeficitReduced and ClaimsPaid tell of what it repaid
  const row = { kind: "repaid" as const, missing: 0n, paid, writtenOff: 0n };
  await db.insert(schema.engineDeficit).values({ ...momentOf(event), ...row });
});
