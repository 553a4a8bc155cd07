/** One operation of the sdk on the rows of the store. */
import type { State } from "../../../sdk/src/state.ts";
import { load, type Scope } from "./load.ts";
import { save } from "./save.ts";
import type { Db, Logged } from "./types.ts";

/** Runs `operation` on the rows in `scope`, writes what it changed, and returns what it returned. @param cause name of the event */
export async function play<T>(
  db: Db,
  event: Logged,
  cause: string,
  scope: Scope,
  operation: (state: State) => T,
): Promise<T> {
  const state = await load(db, scope);
  const before = { accounts: new Map(state.accounts.entries()), positions: new Map(state.positions.entries()) };
  const result = state.atomically(() => operation(state));
  await save(db, event, cause, state, before);
  return result;
}
