/** Winners closed pro rata, and the positions that follow. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { record, settlePosition } from "../../sdk/src/deleverage.ts";
import { othersLots } from "../../sdk/src/side.ts";
import { inventoryOf } from "../../sdk/src/units.ts";
import { noteInventory } from "./lib/inventory.ts";
import { agree } from "./lib/ledger.ts";
import { play } from "./lib/play.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:Deleveraged", async ({ event, context: { db } }) => {
  const { market, isLong, lots, price, survival } = event.args;
  const inventory = await noteInventory(db, event, market);
  const of = await play(db, event, "Deleveraged", { market }, (state) => {
    agree("the price of the closing", price, state.market(market).price);
    const total = othersLots(state, market, isLong);
    record(state, market, isLong, lots);
    agree("what is left of a lot", survival.product, state.side(market, isLong).survival.product);
    return total;
  });
  const { product } = survival;
  const row = { market, isLong, lots, price, of, product, epoch: BigInt(survival.epoch) };
  await db.insert(schema.deleveraging).values({ ...momentOf(event), ...row });
  await inventory.after("deleveraging");
});

ponder.on("Engine:PositionSettled", async ({ event, context: { db } }) => {
  const { market, account, isLong, lots, price } = event.args;
  const scope = { accounts: [account, inventoryOf(market)], market };
  const settled = await play(db, event, "PositionSettled", scope, (state) => settlePosition(state, account, market));
  agree(`what is settled of account ${account}`, lots, settled?.lots);
  agree(`the price it is settled at`, price, settled?.price);
  await db.insert(schema.settlement).values({ ...momentOf(event), market, account, isLong, lots, price });
});
