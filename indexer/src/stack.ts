/** The capital stack: draws and budgets, what markets report, the gate, repayments, terms. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { DrawReason } from "../../sdk/src/types.ts";
import { wait } from "./lib/run.ts";
import { patchStack } from "./lib/stack.ts";
import { type Db, type Logged, momentOf } from "./lib/types.ts";

const DAY = 86_400n;
const WINDOW = 7n * DAY;

ponder.on("Stack:LossAbsorbed", async ({ event, context: { db } }) => {
  const { market, reason, requested, byJunior, bySenior } = event.args;
  await db
    .insert(schema.draw)
    .values({ ...momentOf(event), market, reason, requested, byJunior, bySenior, counted: 0n });
  await useBudget(db, event, market, byJunior + bySenior);
  await wait(db, event, { draw: { byJunior, bySenior } });
  await patchStack(db, (row) => {
    if (reason === DrawReason.ENGINE_DEFICIT) return { unrepaid: row.unrepaid + byJunior + bySenior };
    if (reason !== DrawReason.INVENTORY) return {};
    return { juniorPaid: row.juniorPaid + byJunior, seniorPaid: row.seniorPaid + bySenior };
  });
});

ponder.on("Stack:LossCounted", async ({ event, context: { db } }) => {
  const { market, assets: counted } = event.args;
  const nothing = { reason: null, requested: 0n, byJunior: 0n, bySenior: 0n };
  await db.insert(schema.draw).values({ ...momentOf(event), market, ...nothing, counted });
  await useBudget(db, event, market, counted);
});

async function useBudget(db: Db, { block }: Logged, market: number, assets: bigint): Promise<void> {
  const day = { market, day: block.timestamp / DAY };
  const window = block.timestamp / WINDOW;
  const add = ({ used }: { used: bigint }) => ({ used: used + assets });
  await db
    .insert(schema.budgetDay)
    .values({ ...day, used: assets })
    .onConflictDoUpdate(add);
  await db.insert(schema.budgetWindow).values({ window, used: assets }).onConflictDoUpdate(add);
}

ponder.on("Stack:Reported", async ({ event, context: { db } }) => {
  const { market: id, gain, loss, atRisk } = event.args;
  await db.update(schema.market, { id }).set({ pendingGain: gain, pendingLoss: loss, atRisk });
});

ponder.on("Stack:GateMoved", async ({ event, context: { db } }) => {
  const { isShut, atRisk } = event.args;
  await patchStack(db, () => ({ isShut }));
  await db.insert(schema.gateMove).values({ ...momentOf(event), isShut, atRisk });
});

ponder.on("Stack:BudgetsSet", async ({ event, context: { db } }) => patchStack(db, () => event.args));
ponder.on("Stack:TranchesSet", async ({ event, context: { db } }) => patchStack(db, () => event.args));

ponder.on("Stack:LossRepaid", async ({ event, context: { db } }) => {
  const { isJunior, id: loss, assets } = event.args;
  await patchStack(db, ({ unrepaid }) => ({ unrepaid: unrepaid - assets }));
  const row = { kind: "repaid" as const, isJunior, loss, receiver: null, assets };
  await db.insert(schema.repayment).values({ ...momentOf(event), ...row });
});

ponder.on("Stack:RepaymentPaid", async ({ event, context: { db } }) => {
  const { isJunior, id: loss, holder: receiver, assets } = event.args;
  const row = { kind: "paid" as const, isJunior, loss, receiver, assets };
  await db.insert(schema.repayment).values({ ...momentOf(event), ...row });
});

ponder.on("Stack:TreasuryPaid", async ({ event, context: { db } }) => {
  const { receiver, assets } = event.args;
  await patchStack(db, ({ treasuryOwed }) => ({ treasuryOwed: treasuryOwed - assets }));
  const row = { kind: "treasury" as const, isJunior: null, loss: null, receiver, assets };
  await db.insert(schema.repayment).values({ ...momentOf(event), ...row });
});
