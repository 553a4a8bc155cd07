/** Rows of the index, all at one block: a single statement over the SQL endpoint, so that nothing moves in between. */

import { setTimeout as sleep } from "node:timers/promises";

/** Every table that is compared, and its columns. */
const TABLES = {
  ledger: "token_unit internal_balance total_claims claim_product claim_epoch engine_deficit coverage_bps",
  account: "id cash markets unhealthy_since claim claim_product claim_epoch",
  position: "account market lots quote product value epoch",
  market:
    "id price low high slow edge_bps state status level risk_level index_long index_short valid_until synced_at open_interest open_interest_cap funding_rate premium_remainder funding_remainder bucket deficit maintenance_bps shared shared_before hour bad_at since inventory_cap_lots inventory_cap_bps pending_gain pending_loss at_risk",
  side: "market is_long product value epoch pending pending_quote",
  side_epoch: "market is_long epoch value",
  pool: "id is_junior booked unvested vest_start vest_end shares queued rescalings pending_gain pending_loss gate_end pause_end stopped_at stopped_before cooldown claim_window",
  share_balance: "pool holder shares",
  exit_request: "pool controller request_id status shares value_cap claimable_at lapses_at",
  stack:
    "market_day_bps window_bps attachment_bps junior_weight_bps treasury_bps treasury_owed junior_paid senior_paid unrepaid",
  budget_day: "market day used",
  budget_window: "window used",
  curve:
    "market account base quote fee_ppm epoch premium before average sampled_at price depth calm_since has_pool jump_ppm jump_at disarmed_until used_at used pool hour sold",
  curve_epoch: "market epoch shares",
  lp_share: "market epoch holder shares",
  wind_down: "market started_at price",
} as const;

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? Head | Words<Tail> : S;
export type Table = keyof typeof TABLES;
export type Row<T extends Table> = Readonly<Record<Words<(typeof TABLES)[T]>, string>>;
export type Rows = { readonly [T in Table]: readonly Row<T>[] };

const names = Object.keys(TABLES) as Table[]; // the keys of an object of ours
const columnsOf = (table: Table): string[] => TABLES[table].split(" ");

/** {block} number inside Ponder's checkpoint: 10 digits of time, 16 of chain, 16 of block. */
const blockOf = (checkpoint: string): bigint => BigInt(checkpoint.slice(26, 42));

const statement = (): string => {
  const list = (table: Table) => columnsOf(table).map((column) => `"${column}"::text`);
  const parts = names.map(
    (table) => `${table}_ as (select json_agg(json_build_array(${list(table).join(", ")})) as rows from "${table}")`,
  );
  const chosen = names.map((table) => `${table}_.rows as ${table}`);
  const asked = `'${Date.now()}' as asked`; // Ponder remembers answers by their text
  const from = names.map((table) => `${table}_`);
  return `with ${parts.join(", ")} select ${chosen.join(", ")}, c.latest_checkpoint as checkpoint, ${asked} from ${from.join(", ")}, "_ponder_checkpoint" c`;
};

/** Asks the endpoint. @throws when it refuses */
export async function query(apiUrl: string, sql: string): Promise<Record<string, unknown>[]> {
  const url = new URL("/sql/db", apiUrl);
  url.searchParams.set("sql", JSON.stringify({ json: { sql, params: [] } }));
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The indexer at ${apiUrl} refuses: ${await answer.text()}`);
  return ((await answer.json()) as { rows: Record<string, unknown>[] }).rows; // of Ponder's own making
}

/** {ms} and how often to look again. */
const PAUSE = 100;
const LOOKS = 50;

/** The index as of one block: twice the same, for Ponder may write a block's rows a moment before it notes the block. */
export async function readRows(apiUrl: string): Promise<{ block: bigint; rows: Rows }> {
  let before = "";
  for (let look = 0; look < LOOKS; look += 1) {
    const { block, rows } = await readOnce(apiUrl);
    const seen = `${block} ${JSON.stringify(rows)}`;
    if (seen === before) return { block, rows };
    before = seen;
    await sleep(PAUSE);
  }
  throw new Error(`The indexer at ${apiUrl} does not rest for ${PAUSE} ms; stop the chain or try again`);
}

async function readOnce(apiUrl: string): Promise<{ block: bigint; rows: Rows }> {
  const [answer] = await query(apiUrl, statement());
  if (answer === undefined) throw new Error(`The indexer at ${apiUrl} has no checkpoint yet`);
  const tables = names.map((table) => {
    const columns = columnsOf(table);
    const rows = (answer[table] ?? []) as (string | null)[][]; // as the statement builds them
    return [table, rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? ""])))] as const;
  });
  return { block: blockOf(String(answer.checkpoint)), rows: Object.fromEntries(tables) as unknown as Rows };
}
