/** History from the tables of the indexer. */
import { TRANCHES, type TrancheName } from "../pools.ts";
import type { Moment } from "../reader.ts";
import { ask, big, object, page, type Row, text } from "./graphql.ts";
import {
  type BookChange,
  type Earnings,
  type History,
  type Income,
  type MarketPoint,
  type Observation,
  ROWS,
  type Shortfall,
} from "./types.ts";

/** Of {@link ROWS}, read of a table whose rows are summed up. */
const PAGES = 5;

/** The newest block that the indexer has taken in. */
export async function readIndexed(url: string, chainId: number): Promise<Moment> {
  const { _meta } = await ask(url, "{ _meta { status } }");
  const chains = Object.values(object(object(_meta).status)).map(object);
  const found = chains.find(({ id }) => big(id) === BigInt(chainId));
  if (found === undefined) throw new Error(`The indexer does not follow chain ${chainId}`);
  const { number, timestamp } = object(found.block);
  return { number: big(number), timestamp: big(timestamp) };
}

/** Ids are in the order of the chain: time, block, place of the log. */
const newest = (table: string, columns: string, { where = "", after = "" } = {}) =>
  `${table}(orderBy: "id", orderDirection: "desc", limit: ${ROWS}${where && `, where: { ${where} }`}${after && `, after: "${after}"`}) ` +
  `{ items { ${columns} } pageInfo { hasNextPage endCursor } }`;

const POINT = "timestamp price openInterest openInterestCap level fundingRate";
const OBSERVATION = "timestamp volatilityBps coverage";
const SHORTFALL =
  "logIndex timestamp market account reason amount byBucket byJunior bySenior byShare toDeficit transactionHash";

export async function readIndexedHistory(url: string, markets: readonly number[]): Promise<History> {
  const parts = markets.flatMap((market) => {
    const where = `market: ${market}`;
    return [
      `p${market}: ${newest("marketSnapshots", POINT, { where })}`,
      `o${market}: ${newest("observations", OBSERVATION, { where })}`,
    ];
  });
  const data = await ask(url, `{ ${parts.join(" ")} s: ${newest("shortfalls", SHORTFALL)} }`);
  const rows = (name: string) => page(data[name]).rows;
  return {
    points: new Map(markets.map((market) => [market, rows(`p${market}`).map(pointOf).reverse()])),
    observations: new Map(markets.map((market) => [market, rows(`o${market}`).map(observationOf).reverse()])),
    shortfalls: rows("s").map(shortfallOf),
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
  ...{ id: `${text(row.transactionHash)}-${big(row.logIndex)}`, time: big(row.timestamp) },
  ...{ market: Number(big(row.market)), account: big(row.account), reason: Number(big(row.reason)) },
  ...{ amount: big(row.amount), byBucket: big(row.byBucket) },
  ...{ byJunior: big(row.byJunior), bySenior: big(row.bySenior), byShare: big(row.byShare) },
  ...{ toDeficit: big(row.toDeficit), hash: text(row.transactionHash) },
});

const INCOME = "timestamp fromPremiums fromInventory fromBucket toJunior toSenior";
const BOOKED = "timestamp cause booked";
const CAUSES: Readonly<Record<string, BookChange["cause"]>> = {
  Deposit: "deposit",
  Withdraw: "withdrawal",
  LossTaken: "loss",
  IncomeReceived: "income",
};
const CHANGING = `cause_in: [${Object.keys(CAUSES)
  .map((cause) => `"${cause}"`)
  .join(", ")}]`;

export async function readIndexedEarnings(
  url: string,
  pools: Readonly<Record<TrancheName, string>>,
): Promise<Earnings> {
  const [incomes, ...books] = await Promise.all([
    all(url, "incomes", INCOME, 'paid_gt: "0"'),
    ...TRANCHES.map((name) => all(url, "poolSnapshots", BOOKED, `pool: "${pools[name].toLowerCase()}", ${CHANGING}`)),
  ]);
  const [junior, senior] = books.map(changesOf);
  if (junior === undefined || senior === undefined) throw new Error("There are two pools");
  return { incomes: incomes.rows.map(incomeOf), books: { junior, senior } };
}

/** The oldest first; `isWhole`: nothing was there before them. */
interface Rows {
  readonly rows: readonly Row[];
  readonly isWhole: boolean;
}

async function all(url: string, table: string, columns: string, where: string): Promise<Rows> {
  const found: Row[] = [];
  let after: string | undefined = "";
  for (let i = 0; i < PAGES && after !== undefined; i += 1) {
    const { rows, next } = page((await ask(url, `{ t: ${newest(table, columns, { where, after })} }`)).t);
    found.push(...rows);
    after = next;
  }
  return { rows: found.reverse(), isWhole: after === undefined };
}

const incomeOf = (row: Row): Income => ({
  ...{ time: big(row.timestamp), fromPremiums: big(row.fromPremiums), fromInventory: big(row.fromInventory) },
  ...{ fromBucket: big(row.fromBucket), toJunior: big(row.toJunior), toSenior: big(row.toSenior) },
});

/** Each with what was there before: in the row before it. What leavers forgo vests too, and changes nothing. */
function changesOf({ rows, isWhole }: Rows): BookChange[] {
  const [first] = rows;
  let before = isWhole || first === undefined ? 0n : big(first.booked);
  return rows.slice(isWhole ? 0 : 1).flatMap((row) => {
    const cause = CAUSES[text(row.cause)];
    if (cause === undefined) throw new Error(`The indexer answered with a cause ${text(row.cause)}`);
    const change = { time: big(row.timestamp), cause, before, after: big(row.booked) };
    before = change.after;
    return change.before === change.after ? [] : [change];
  });
}
