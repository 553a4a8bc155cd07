/** What haircuts withheld, and its repayment. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { collect, payAll } from "../../sdk/src/claims.ts";
import { CLAIMS } from "../../sdk/src/units.ts";
import { agree } from "./lib/ledger.ts";
import { ledgerRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:ClaimsPaid", async ({ event, context: { db } }) => {
  const { amount, left } = event.args;
  await play(db, event, "ClaimsPaid", { accounts: [CLAIMS], claims: true }, (state) => payAll(state, amount));
  agree("the sum of the claims", left, (await ledgerRow(db)).totalClaims);
  const change = { kind: "paid" as const, account: null, amount, left };
  await db.insert(schema.claimChange).values({ ...momentOf(event), ...change });
});

ponder.on("Engine:ClaimCollected", async ({ event, context: { db } }) => {
  const { account, amount, left } = event.args;
  const collected = await play(
    db,
    event,
    "ClaimCollected",
    { accounts: [account, CLAIMS], claims: account },
    (state) => {
      return collect(state, account);
    },
  );
  agree(`what the claim of ${account} is paid`, amount, collected);
  const change = { kind: "collected" as const, account, amount, left };
  await db.insert(schema.claimChange).values({ ...momentOf(event), ...change });
});
