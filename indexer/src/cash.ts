/** Tokens in and out, cash between accounts, liquidation clocks. */
import { ponder } from "ponder:registry";
import schema from "ponder:schema";
import { addClaim } from "../../sdk/src/claims.ts";
import { addBalance } from "./lib/ledger.ts";
import { ledgerRow } from "./lib/load.ts";
import { play } from "./lib/play.ts";
import { momentOf } from "./lib/types.ts";

ponder.on("Engine:Deposited", async ({ event, context: { db } }) => {
  const { account, from, amount } = event.args;
  const { tokenUnit } = await ledgerRow(db);
  await play(db, event, "Deposited", { accounts: [account] }, (state) => state.addCash(account, amount * tokenUnit));
  await addBalance(db, amount);
  await db.update(schema.account, { id: account }).set((row) => ({ deposited: row.deposited + amount }));
  const flow = { kind: "deposit" as const, account, counterparty: from, tokens: amount, withheld: 0n };
  await db.insert(schema.cashFlow).values({ ...momentOf(event), ...flow });
});

ponder.on("Engine:Withdrawn", async ({ event, context: { db } }) => {
  const { account, receiver, paid, claimed } = event.args;
  const { tokenUnit } = await ledgerRow(db);
  const scope = { accounts: [account], claims: account };
  const claim = await play(db, event, "Withdrawn", scope, (state) => {
    state.addCash(account, -(paid * tokenUnit + claimed));
    if (claimed > 0n) addClaim(state, account, claimed);
    return state.claims.get(account);
  });
  await addBalance(db, -paid);
  await db.update(schema.account, { id: account }).set((row) => ({ withdrawn: row.withdrawn + paid }));
  const flow = { kind: "withdrawal" as const, account, counterparty: receiver, tokens: paid, withheld: claimed };
  await db.insert(schema.cashFlow).values({ ...momentOf(event), ...flow });
  if (claimed === 0n) return;
  const change = { kind: "withheld" as const, account, amount: claimed, left: claim };
  await db.insert(schema.claimChange).values({ ...momentOf(event), ...change });
});

ponder.on("Engine:Transferred", async ({ event, context: { db } }) => {
  const { from, to, amount } = event.args;
  await play(db, event, "Transferred", { accounts: [from, to] }, (state) => {
    state.addCash(from, -amount);
    state.addCash(to, amount);
  });
});

ponder.on("Engine:ClockSet", async ({ event, context: { db } }) => {
  const { account, since } = event.args;
  await play(db, event, "ClockSet", { accounts: [account] }, (state) =>
    state.accounts.set(account, { ...state.accounts.get(account), unhealthySince: since }),
  );
});
