/** The API: GraphQL at /graphql, SQL over HTTP at /sql/*. Ponder adds /health, /ready, /status and /metrics. */

import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { client, graphql, sql } from "ponder";
import { parseConfig } from "../../config.ts";
import { tableNames } from "../../tables.ts";

const { databaseUrl } = parseConfig(process.env);
const temporary = tableNames(schema).map((name) => `pg_temp."${name}"`);
const dropTemporary = sql.raw(`drop table if exists ${temporary.join(", ")}`);

/**
 * PGlite has one session, which the indexing uses too. While the history is read, a statement in between breaks what is being
 * written, so nobody is served; afterwards the temporary tables of that time, empty by now, would hide ours, and go once.
 */
let isOpen = databaseUrl !== undefined;
async function open(): Promise<boolean> {
  if (isOpen) return true;
  const { rows } = await db.execute(sql.raw("select value->>'is_ready' as ready from _ponder_meta"));
  if (rows[0]?.ready !== "1") return false;
  await db.execute(dropTemporary);
  isOpen = true;
  return true;
}

const app = new Hono();
for (const path of ["/graphql", "/sql/*"])
  app.use(path, async (context, next) => {
    if (await open()) return next();
    return context.text("The history is being read: ask again when /ready says so.", 503, { "retry-after": "5" });
  });
app.use("/graphql", graphql({ db, schema }));
app.use("/sql/*", client({ db, schema }));

export default app;
