/** Asks the indexer over GraphQL. Everything that comes back is checked field by field. */

const TIMEOUT = 4_000; // {ms}

export type Row = Readonly<Record<string, unknown>>;

export async function ask(url: string, query: string): Promise<Row> {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const body = object(await answer.json());
  if (body.errors !== undefined) throw new Error(`The indexer refused: ${JSON.stringify(body.errors)}`);
  return object(body.data);
}

/** What there is of a table, a page at a time. */
export interface Page {
  readonly rows: readonly Row[];
  /** Where the next page begins; undefined: this was the last. */
  readonly next: string | undefined;
}

export function page(value: unknown): Page {
  const { items, pageInfo } = object(value);
  if (!Array.isArray(items)) throw new Error("The indexer answered without rows");
  const { hasNextPage, endCursor } = object(pageInfo);
  return { rows: items.map(object), next: hasNextPage === true ? text(endCursor) : undefined };
}

export function object(value: unknown): Row {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error("The indexer answered with something else than an object");
}

export function big(value: unknown): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  throw new Error(`The indexer answered ${JSON.stringify(value)} where a whole number was expected`);
}

export function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`The indexer answered ${JSON.stringify(value)} where text was expected`);
}
