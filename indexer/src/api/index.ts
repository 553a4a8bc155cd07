/** The API: GraphQL at /graphql, SQL over HTTP at /sql/*. Ponder adds /health, /ready, /status and /metrics. */

import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { client, graphql } from "ponder";

const app = new Hono();
app.use("/graphql", graphql({ db, schema }));
app.use("/sql/*", client({ db, schema }));

export default app;
