/** Fills: the primitive that moves lots. What they were for is told by events around them. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { rebase } from "../../sdk/src/deleverage.ts";
import { fill } from "../../sdk/src/ledger.ts";
import { isSystem } from "../../sdk/src/units.ts";
import { bookPool } from "./lib/bands.ts";
import { kindOfFill } from "./lib/fillKind.ts";
import { noteInventory } from "./lib/inventory.ts";
import { patchMarket } from "./lib/ledger.ts";
import { marketRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { wait, waiting } from "./lib/run.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Exchange:OrdersMatched", async ({ event, context: { db } }) => {
  const { makerAccount, takerAccount } = event.args;
  await wait(db, event, { orders: { maker: makerAccount, taker: takerAccount } });
});

ponder.on("Engine:Filled", async ({ event, context: { db } }) => {
  const { market, buyer, seller, lots, price, buyerFee, sellerFee } = event.args;
  const run = await waiting(db, event);
  const before = await marketRow(db, market);
  const deal = { market, buyer, seller, lots, price, buyerFee, sellerFee };
  const kind = kindOfFill(deal, before, run);
  const take = run.take?.at === run.fills.length - 1 ? run.take : null; // of the curve's part just before
  const booked = kind === "band" ? await bookPool(db, event, deal, take) : undefined; // before the lots move

  const inventory = await noteInventory(db, event, market);
  await play(db, event, "Filled", { accounts: [buyer, seller], market }, (state) => {
    const accounts = [buyer, seller].map((id) => ({ id, held: state.position(id, market).lots }));
    fill(state, { market, buyer, seller, lots, price }, buyerFee, sellerFee);
    for (const { id, held } of accounts) if (!isSystem(id)) rebase(state, id, market, held);
  });
  const fees = before.fees + buyerFee + sellerFee;
  await patchMarket(db, market, { fees, volume: before.volume + lots * price });
  const depth = booked?.depth ?? (kind === "curve" ? kind : null);
  const { maker = null, taker = null } = kind === "orders" ? (run.orders ?? {}) : {};
  const row = { ...deal, mark: before.price, kind: booked?.depth ?? kind, depth, maker, taker };
  await db.insert(schema.fill).values({ ...momentOf(event), ...row, liquidation: null, takeover: null });
  await inventory.after(row.kind);
  const fills = [
    ...run.fills,
    { id: event.id, market, buyer, seller, lots, buyerFee, sellerFee, used: booked?.used ?? null },
  ];
  await wait(db, event, { fills, orders: null, isLeaving: false });
});
