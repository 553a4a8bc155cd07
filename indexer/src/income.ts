/** Income by source, and how the stack divides it. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import type { Hex } from "viem";
import { FEES, inventoryOf } from "../../sdk/src/units.ts";
import { deployment } from "./lib/deployment.ts";
import { addBalance, patchMarket } from "./lib/ledger.ts";
import { ledgerRow, marketRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { poolRow } from "./lib/pools.ts";
import { wait, waiting } from "./lib/run.ts";
import { stackRow } from "./lib/stack.ts";
import { type Db, momentOf } from "./lib/types.ts";

ponder.on("Engine:IncomeCollected", async ({ event, context: { db } }) => {
  const { market, fromInventory, fromBucket, toClaims, toDeficits, paid } = event.args;
  const { tokenUnit } = await ledgerRow(db);
  const spent = toClaims + toDeficits + paid * tokenUnit;
  const scope = { accounts: [FEES, inventoryOf(market)] };
  await play(db, event, "IncomeCollected", scope, (state) => {
    state.addCash(inventoryOf(market), -fromInventory);
    state.addCash(FEES, fromInventory + fromBucket - spent);
  });
  const { bucket } = await marketRow(db, market);
  await patchMarket(db, market, { bucket: bucket - fromBucket });
  await addBalance(db, -paid);
  const fromPremiums = spent - fromInventory - fromBucket; // below zero: less than a token that waits for more
  const split = { toTreasury: 0n, toJunior: 0n, toSenior: 0n, juniorRepaid: 0n, seniorRepaid: 0n };
  const row = { market, fromPremiums, fromInventory, fromBucket, toClaims, toDeficits, paid, ...split };
  await db.insert(schema.income).values({ ...momentOf(event), ...row });
  await wait(db, event, { income: event.id });
});

ponder.on("Stack:IncomeSplit", async ({ event, context: { db } }) => {
  const { parts } = event.args;
  const { income } = await waiting(db, event);
  if (income !== null) await db.update(schema.income, { id: income }).set(parts);
  const { treasuryOwed, juniorPaid, seniorPaid } = await stackRow(db);
  await db.update(schema.stack, { id: 0 }).set({
    treasuryOwed: treasuryOwed + parts.toTreasury,
    juniorPaid: juniorPaid - parts.juniorRepaid,
    seniorPaid: seniorPaid - parts.seniorRepaid,
  });
  await bookIncome(db, deployment.contracts.junior, parts.toJunior);
  await bookIncome(db, deployment.contracts.senior, parts.toSenior);
});

/** What IncomeReceived then says vests. */
async function bookIncome(db: Db, pool: Hex, assets: bigint): Promise<void> {
  const { id, booked, income } = await poolRow(db, pool);
  await db.update(schema.pool, { id }).set({ booked: booked + assets, income: income + assets });
}
