/** Liquidations and takeovers, with the fills and shortfalls that are theirs. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { fillsOfLiquidation, fillsOfTakeover } from "../../sdk/src/attribution.ts";
import { isCurve, isInventory } from "./lib/deployment.ts";
import { patchMarket } from "./lib/ledger.ts";
import { marketRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { wait, waiting } from "./lib/run.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:Liquidated", async ({ event, context: { db } }) => {
  const { account, market, liquidator, lots, penalty } = event.args;
  const run = await waiting(db, event);
  const fills = fillsOfLiquidation(run.fills, { account, market, lots });
  for (const { id, used } of fills) {
    await db.update(schema.fill, { id }).set({ kind: "liquidation", liquidation: event.id });
    if (used !== null) await db.update(schema.curve, { market }).set(used); // liquidations have no limit to use up
  }
  const { price: mark, fees, penalties } = await marketRow(db, market);
  const toBucket = fills.reduce((sum, { buyerFee, sellerFee }) => sum + buyerFee + sellerFee, 0n);
  await patchMarket(db, market, { fees: fees - toBucket, penalties: penalties + toBucket });
  const isAmm = fills.some(({ buyer, seller }) => [buyer, seller].some((id) => isCurve(id) || isInventory(id)));
  const row = { account, market, liquidator, lots, penalty, isAmm, mark };
  await db.insert(schema.liquidation).values({ ...momentOf(event), ...row });
  await wait(db, event, { fills: [] });
});

ponder.on("Engine:TakenOver", async ({ event, context: { db } }) => {
  const { account, rewardAccount, equity, reward } = event.args;
  const run = await waiting(db, event);
  const fills = fillsOfTakeover(run.fills, account);
  const markets = fills.map(({ market }) => market);
  for (const { id } of fills) await db.update(schema.fill, { id }).set({ kind: "takeover", takeover: event.id });
  for (const one of run.shortfalls)
    if (one.account === account) await db.update(schema.shortfall, { id: one.id }).set({ takeover: event.id });
  const [first] = markets;
  if (equity < 0n && first !== undefined) {
    const { bucket } = await marketRow(db, first); // ShortfallCovered made the account whole
    await patchMarket(db, first, { bucket: bucket - reward });
  }
  await play(db, event, "TakenOver", { accounts: [account, rewardAccount] }, (state) => {
    if (equity >= 0n) state.addCash(account, -reward); // the rest went to the inventories by Transferred
    state.addCash(rewardAccount, reward);
  });
  await db.insert(schema.takeover).values({ ...momentOf(event), account, rewardAccount, equity, reward, markets });
  await wait(db, event, { fills: [], shortfalls: [] });
});
