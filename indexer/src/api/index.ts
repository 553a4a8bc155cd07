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

const app = new Hono();
app.use("/graphql", graphql({ db, schema }));
app.use("/sql/*", async (_, next) => {
  // PGlite has one session, where temporary tables of Ponder's backfill, empty by now, would hide ours from a statement.
  if (databaseUrl === undefined) await db.execute(dropTemporary);
  await next();
});
app.use("/sql/*", client({ db, schema }));

export default app;
