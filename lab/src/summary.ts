/** The drill in words and figures: text for a terminal, one object for a machine. Amounts are exact to the last unit. */
import type { DrillResult } from "./drill.ts";
import type { Outcome } from "./run.ts";
import { total } from "./tally.ts";
import { dollars, USD } from "./units.ts";

/** {label, with the pool, without it}; every value already text. */
export type Row = readonly [label: string, withPool: string, without: string];

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

const EXACT = 12; // decimals of USD that u has
const LOT_DECIMALS = 4;
const percent = (part: bigint, of: bigint) =>
  of === 0n ? "-" : `${(Number((part * 10_000n) / of) / 100).toFixed(2)} %`;
const coins = (lots: bigint) => dollars(lots * 10n ** BigInt(EXACT - LOT_DECIMALS), LOT_DECIMALS);

/** {D18} what every withdrawal pays of itself: h = B / (B + deficit). */
export function haircut({ end }: Pick<Outcome, "end">): bigint {
  const balance = end.internalBalance * end.tokenUnit;
  return balance + end.deficit === 0n ? 10n ** 18n : (balance * 10n ** 18n) / (balance + end.deficit); // down
}

export function tables(result: DrillResult): Table[] {
  const both = (label: string, of: (outcome: Outcome) => string): Row => [label, of(result.with), of(result.without)];
  const layer = (label: string, of: (outcome: Outcome) => bigint): Row =>
    both(label, (outcome) => dollars(of(outcome), EXACT));
  return [
    {
      title: "Waterfall, USD, exact",
      rows: [
        layer("shortfall of accounts taken over", ({ tally }) => tally.byLiquidation.shortfall),
        layer("shortfall of the pool's inventory", ({ tally }) => tally.byInventory.shortfall),
        layer("total shortfall", ({ tally }) => total(tally).shortfall),
        layer("  paid by the insurance bucket", ({ tally }) => total(tally).bucket),
        layer("  paid by the stakers' pools", ({ tally }) => total(tally).pool),
        layer("  paid by winners, every lot the same", ({ tally }) => total(tally).lossShare),
        layer("  bad debt: nobody paid", ({ tally }) => total(tally).deficit),
      ],
    },
    {
      title: "Market",
      rows: [
        both("open interest at the start, USD", ({ start }) => dollars(start.openInterest * start.price)),
        both("open interest at the end, USD", ({ end }) => dollars(end.openInterest * end.price)),
        both("highest level of intervention, steps at it", levels),
        both("partial liquidations", ({ tally }) => String(tally.liquidations)),
        both("takeovers by the pool", ({ tally }) => String(tally.takeovers)),
        both("  of them below zero equity", ({ tally }) => String(tally.insolvent)),
        both("times winners were deleveraged", ({ tally }) => String(tally.deleveragings)),
        both("  closed that way, ETH", ({ tally }) => coins(tally.deleveraged)),
        both("penalties paid, USD", ({ tally }) => dollars(tally.penalties)),
        both("deficit outstanding when the tape ends, USD", ({ end }) => dollars(end.deficit)),
        both("a withdrawal pays", (outcome) => percent(haircut(outcome), 10n ** 18n)),
      ],
    },
    {
      title: "Who took what unhealthy accounts were closed for, USD",
      rows: [
        both("liquidity providers' curve", ({ tally }) => dollars(tally.taken.curve)),
        both("the pool's bands", ({ tally }) => dollars(tally.taken.bands)),
        both("the keeper, where the AMM had no depth", ({ tally }) => dollars(tally.taken.keeper)),
        both("the pool, in takeovers", ({ tally }) => dollars(tally.taken.takeover)),
        both("curve at the start, USD", ({ curve }) => dollars(curve.provided)),
        both("curve when the tape ends, USD", ({ curve }) => dollars(curve.equity)),
        both("  its position, ETH", ({ curve }) => coins(curve.lots)),
      ],
    },
    {
      title: "Wind-down after the tape",
      rows: [
        both("closed at the settlement price by others", ({ closing }) => String(closing.closed)),
        both("accounts left with a position", ({ closing }) => String(closing.accountsLeft)),
        both("open interest, lots", ({ closing }) => String(closing.end.openInterest)),
        both("deficit, USD", ({ closing }) => dollars(closing.end.deficit)),
        both("a withdrawal pays", ({ closing }) => percent(haircut(closing), 10n ** 18n)),
        both("both pools without what still vests, USD", ({ closing }) => dollars(closing.end.poolAssets)),
      ],
    },
    {
      title: "Stakers",
      rows: [
        both("both pools at the start, USD", ({ start }) => dollars(start.poolAssets)),
        both("  of it the junior one", ({ start }) => dollars(start.juniorAssets)),
        both("both pools at the end, USD", ({ end }) => dollars(end.poolAssets)),
        both("  of it the junior one", ({ end }) => dollars(end.juniorAssets)),
        both("losses paid by the junior pool, USD", ({ tally }) => dollars(tally.byJunior)),
        both("losses paid by the senior pool, USD", ({ tally }) => dollars(tally.bySenior)),
        both("junior share at the start, USD", ({ start }) => priceOf(start, start.juniorSharePrice)),
        both("junior share at the end, USD", ({ end }) => priceOf(end, end.juniorSharePrice)),
        both("senior share at the start, USD", ({ start }) => priceOf(start, start.sharePrice)),
        both("senior share at the end, USD", ({ end }) => priceOf(end, end.sharePrice)),
        both("income received, wind-down included, USD", ({ tally }) => dollars(tally.income)),
        both("inventory, ETH", ({ inventory }) => coins(inventory.lots)),
        both("  its open profit or loss, USD", ({ inventory }) => dollars(inventory.equity)),
      ],
    },
  ];
}

/** A share price says nothing where nobody has a stake. */
const priceOf = ({ poolAssets }: { readonly poolAssets: bigint }, price: bigint) =>
  poolAssets > USD ? dollars(price, 6) : "-";

/** The highest level, and after how many steps the market was at it. */
const highest = ({ samples }: Pick<Outcome, "samples">): { level: number; steps: number } => {
  const level = Math.max(0, ...samples.map((sample) => sample.level));
  return { level, steps: samples.filter((sample) => sample.level === level).length };
};

const levels = (outcome: Outcome): string => {
  const { level, steps } = highest(outcome);
  return `${level}, ${steps} of ${outcome.samples.length}`;
};

/** What was checked in the runs, each counted once. */
export function verdict({ with: withPool, without }: Pick<DrillResult, "with" | "without">) {
  const runs = [...new Set([withPool, without])];
  return {
    runs: runs.length,
    checks: runs.reduce((sum, { checks }) => sum + checks, 0),
    failures: runs.flatMap(({ failures }) => failures),
    accountsLeft: runs.reduce((sum, { closing }) => sum + closing.accountsLeft, 0),
  };
}

export function checkLine(result: DrillResult): string {
  const { runs, checks: made, failures } = verdict(result);
  if (failures.length === 0)
    return `Conservation I1 to I4 held in all ${made} checks, after every step${runs === 2 ? " of both runs" : ""} and after the wind-down.`;
  const shown = failures.slice(0, 5).map(({ id, step, message }) => `  ${id} at step ${step}: ${message}`);
  return [`${failures.length} of ${made} checks FAILED:`, ...shown].join("\n");
}

export function refusedLine({ settings, with: { opened } }: DrillResult): string | undefined {
  const refused = settings.traders - opened;
  if (refused === 0) return undefined;
  return `${refused} of ${settings.traders} opening trades were refused: the pool's stake does not carry so much open interest.`;
}

export function text(result: DrillResult): string {
  const { settings, episode, durationMs, with: withPool } = result;
  const lines = [
    `${episode.title}${settings.path === "forward" ? "" : `, ${settings.path}`}: ${withPool.samples.length} steps, seed ${settings.seed}, ${withPool.accounts} accounts, ` +
      `keeper ${settings.latency} steps late`,
  ];
  const refused = refusedLine(result);
  if (refused !== undefined) lines.push(refused);

  const width = (column: 0 | 1 | 2, heading: string) =>
    Math.max(heading.length, ...tables(result).flatMap(({ rows }) => rows.map((row) => row[column].length)));
  const [labels, first, second] = [width(0, ""), width(1, "with the pool"), width(2, "pool empty")];
  for (const { title, rows } of tables(result)) {
    lines.push("", `${title.padEnd(labels)}  ${"with the pool".padStart(first)}  ${"pool empty".padStart(second)}`);
    lines.push(...rows.map(([label, a, b]) => `${label.padEnd(labels)}  ${a.padStart(first)}  ${b.padStart(second)}`));
  }
  return [...lines, "", checkLine(result), `Took ${(durationMs / 1_000).toFixed(1)} s.`].join("\n");
}

const afterWindDown = ({ closing }: Outcome) => ({
  closed: closing.closed,
  openInterest: String(closing.end.openInterest),
  deficit: String(closing.end.deficit),
  haircut: String(haircut(closing)),
  poolNav: String(closing.end.poolAssets),
});

const takersOf = ({ tally: { taken } }: Outcome) => ({
  curve: String(taken.curve),
  bands: String(taken.bands),
  keeper: String(taken.keeper),
  takeover: String(taken.takeover),
});

/** Amounts are decimal strings of u, 1e-12 USD: a JSON number has not enough digits. */
export function json(result: DrillResult): Record<string, unknown> {
  const { settings, with: withPool, without, durationMs } = result;
  const { checks, failures, accountsLeft } = verdict(result);
  const layers = (outcome: Outcome) => {
    const { shortfall, bucket, pool, lossShare, deficit } = total(outcome.tally);
    return {
      shortfall: String(shortfall),
      paidBy: {
        bucket: String(bucket),
        pool: String(pool),
        lossShare: String(lossShare),
        deficit: String(deficit),
      },
    };
  };
  return {
    ...settings,
    steps: withPool.samples.length,
    accounts: withPool.accounts,
    opened: withPool.opened,
    liquidations: withPool.tally.liquidations,
    takeovers: withPool.tally.takeovers,
    takenBy: takersOf(withPool),
    curve: {
      provided: String(withPool.curve.provided),
      lots: String(withPool.curve.lots),
      equity: String(withPool.curve.equity),
    },
    insolventTakeovers: withPool.tally.insolvent,
    deleveragings: withPool.tally.deleveragings,
    highestLevel: highest(withPool).level,
    ...layers(withPool),
    paidByTranche: { junior: String(withPool.tally.byJunior), senior: String(withPool.tally.bySenior) },
    poolNavStart: String(withPool.start.poolAssets),
    poolNavEnd: String(withPool.end.poolAssets),
    juniorNavStart: String(withPool.start.juniorAssets),
    juniorNavEnd: String(withPool.end.juniorAssets),
    juniorSharePriceStart: String(withPool.start.juniorSharePrice),
    juniorSharePriceEnd: String(withPool.end.juniorSharePrice),
    sharePriceStart: String(withPool.start.sharePrice),
    sharePriceEnd: String(withPool.end.sharePrice),
    inventory: { lots: String(withPool.inventory.lots), equity: String(withPool.inventory.equity) },
    haircut: String(haircut(withPool)),
    accountsLeft,
    afterWindDown: afterWindDown(withPool),
    withoutBackstop: {
      ...layers(without),
      liquidations: without.tally.liquidations,
      takeovers: without.tally.takeovers,
      takenBy: takersOf(without),
      deleveragings: without.tally.deleveragings,
      highestLevel: highest(without).level,
      haircut: String(haircut(without)),
      afterWindDown: afterWindDown(without),
    },
    conservationChecks: checks,
    conservationFailures: failures.length,
    durationMs,
    unit: "1e-12 USD",
  };
}
