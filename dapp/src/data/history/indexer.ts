/** History from the indexer, over GraphQL. Everything that comes back is checked field by field. */
import type { History, MarketPoint, Observation, Shortfall } from "./types.ts";

/** Rows of a market that a chart is drawn from. */
const ROWS = 1_000;
const TIMEOUT = 4_000; // {ms}

type Row = Readonly<Record<string, unknown>>;

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

/** {block} the newest that the indexer has taken in. */
export async function readIndexedBlock(url: string): Promise<bigint> {
  const { _meta } = await ask(url, "{ _meta { status } }");
  const blocks = Object.values(object(object(_meta).status)).map((chain) => big(object(object(chain).block).number));
  const [first] = blocks; // Ponder follows one chain for each deployment
  if (first === undefined) throw new Error("The indexer knows no chain");
  return first;
}

const newest = (table: string, where: string, columns: string) =>
  `${table}(${where} orderBy: "timestamp", orderDirection: "desc", limit: ${ROWS}) { items { ${columns} } }`;

export async function readIndexedHistory(url: string, markets: readonly number[], block: bigint): Promise<History> {
  const parts = markets.flatMap((market) => {
    const where = `where: { market: ${market} },`;
    return [
      `p${market}: ${newest("marketSnapshots", where, "timestamp price openInterest openInterestCap level fundingRate")}`,
      `o${market}: ${newest("observations", where, "timestamp volatilityBps coverage")}`,
    ];
  });
  const columns =
    "id timestamp market account reason amount byBucket byJunior bySenior byShare toDeficit transactionHash";
  const data = await ask(url, `{ ${parts.join(" ")} s: ${newest("shortfalls", "", columns)} }`);
  return {
    source: { kind: "indexer", block },
    points: new Map(markets.map((market) => [market, rows(data[`p${market}`]).map(pointOf).reverse()])),
    observations: new Map(markets.map((market) => [market, rows(data[`o${market}`]).map(observationOf).reverse()])),
    shortfalls: rows(data.s).map(shortfallOf),
  };
}

const pointOf = (row: Row): MarketPoint => ({
  ...{ time: big(row.timestamp), price: big(row.price), openInterest: big(row.openInterest) },
  ...{ cap: big(row.openInterestCap), level: Number(big(row.level)), fundingRate: big(row.fundingRate) },
});

const observationOf = (row: Row): Observation => ({
  ...{ time: big(row.timestamp), volatilityBps: big(row.volatilityBps), coverageBps: big(row.coverage) },
});

const shortfallOf = (row: Row): Shortfall => ({
  ...{ id: text(row.id), time: big(row.timestamp), market: Number(big(row.market)), account: big(row.account) },
  ...{ reason: Number(big(row.reason)), amount: big(row.amount), byBucket: big(row.byBucket) },
  ...{ byJunior: big(row.byJunior), bySenior: big(row.bySenior), byShare: big(row.byShare) },
  ...{ toDeficit: big(row.toDeficit), hash: text(row.transactionHash) },
});

export function object(value: unknown): Row {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error("The indexer answered with something else than an object");
}

export function rows(value: unknown): Row[] {
  const { items } = object(value);
  if (Array.isArray(items)) return items.map(object);
  throw new Error("The indexer answered without rows");
}

export function big(value: unknown): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && /^-?\d+$/.test(value)) return BigInt(value);
  throw new Error(`The indexer answered ${JSON.stringify(value)} where a whole number was expected`);
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`The indexer answered ${JSON.stringify(value)} where text was expected`);
}
