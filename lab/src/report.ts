/** The drill as one HTML page that opens anywhere: tables, charts, light and dark, no external file. */
import { chart, escapeHtml } from "./charts.ts";
import type { DrillResult } from "./drill.ts";
import type { Outcome, Sample } from "./run.ts";
import { checkLine, refusedLine, tables, verdict } from "./summary.ts";
import { dollars, toNumber } from "./units.ts";

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d1f23; --muted: #6a6d75; --rule: #e2e0da;
  --price: #1f2937; --blue: #2f6fd0; --green: #2c8a5b; --amber: #c98a1b; --red: #c0392f; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e6e1; --muted: #9a9da6; --rule: #2f333a;
  --price: #d7dbe3; --blue: #6ea3f2; --green: #58b98a; --amber: #e0ab4c; --red: #ea7268; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 820px; padding: 32px 20px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 6px; }
p { margin: 6px 0; } .muted { color: var(--muted); } .bad { color: var(--red); font-weight: 600; white-space: pre-wrap; }
.lead { font-size: 18px; margin: 18px 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--rule); padding: 5px 8px; text-align: right; white-space: nowrap; }
th { color: var(--muted); font-weight: 500; } th:first-child, td:first-child { text-align: left; white-space: pre; padding-left: 0; }
figure { margin: 28px 0; } figcaption { display: flex; flex-wrap: wrap; gap: 4px 18px; font-weight: 600; margin-bottom: 6px; }
.legend { font-weight: 400; color: var(--muted); } .key { margin-right: 14px; } .key i { border-radius: 2px; display: inline-block; height: 10px; margin-right: 5px; width: 10px; }
svg { display: block; height: auto; width: 100%; } .grid { stroke: var(--rule); } .tick { fill: var(--muted); font-size: 11px; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }`;

export function report(result: DrillResult): string {
  const { episode, settings, with: withPool, without } = result;
  const ok = verdict(result).failures.length === 0;
  const refused = refusedLine(result);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Backstop drill: ${escapeHtml(episode.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(episode.title)}</h1>
<p class="muted">Prices: ${escapeHtml(episode.source)}, cut into five-minute steps${settings.path === "forward" ? "" : `, ${settings.path}`}. Seed ${settings.seed}, ${withPool.opened} traders
with a position, ${withPool.accounts} accounts, keeper ${settings.latency} steps late. All figures are read from the contracts.</p>
${refused === undefined ? "" : `<p class="muted">${escapeHtml(refused)}</p>`}
<p class="lead">${lead(withPool, without)}</p>
<p class="${ok ? "muted" : "bad"}">${escapeHtml(checkLine(result))}</p>
${charts(result)}
${tables(result).map(table).join("\n")}
</body>
</html>
`;
}

function lead(withPool: Outcome, without: Outcome): string {
  const { byLiquidation, byInventory } = withPool.tally;
  const paid = byLiquidation.pool + byInventory.pool;
  const shared = byLiquidation.lossShare + byInventory.lossShare;
  const sharedBare = without.tally.byLiquidation.lossShare + without.tally.byInventory.lossShare;
  const left = byLiquidation.deficit + byInventory.deficit;
  const bare = without.tally.byLiquidation.deficit + without.tally.byInventory.deficit;
  return (
    `Without the pool winners pay ${usd(sharedBare)} and the crash leaves ${usd(bare)} of bad debt. With it, the stakers pay ` +
    `${usd(paid)}, of it the junior pool ${usd(withPool.tally.byJunior)}, winners ${usd(shared)}, and the bad debt is ${usd(left)}; the positions the pool took over stand at ${usd(withPool.inventory.equity)} when the tape ends.`
  );
}

const usd = (amount: bigint) => `${amount < 0n ? "-" : ""}$${dollars(amount < 0n ? -amount : amount, 0)}`;

function charts({ with: withPool, without, episode }: DrillResult): string {
  const hours = episode.bars.length;
  const of = (outcome: Outcome, value: (sample: Sample) => bigint) =>
    outcome.samples.map((sample) => toNumber(value(sample)));
  const layers = (outcome: Outcome) => [
    { name: "insurance bucket", values: of(outcome, ({ paid }) => paid.bucket), colour: "--green" },
    { name: "stakers' pools", values: of(outcome, ({ paid }) => paid.pool), colour: "--blue" },
    { name: "winners' loss share", values: of(outcome, ({ paid }) => paid.lossShare), colour: "--amber" },
    { name: "bad debt", values: of(outcome, ({ paid }) => paid.deficit), colour: "--red" },
  ];
  const price = withPool.samples.map((sample) => Number(sample.price) / 1e8);
  return [
    chart({ title: "ETH price, USD", hours, series: [{ name: "price", values: price, colour: "--price" }] }),
    chart({
      title: "Open interest, USD",
      hours,
      fromZero: true,
      series: [{ name: "open interest", values: of(withPool, (s) => s.openInterest), colour: "--amber" }],
    }),
    chart({
      title: "Stakers' pools, USD",
      hours,
      series: [
        { name: "both pools", values: of(withPool, (s) => s.poolAssets), colour: "--blue" },
        { name: "the junior one", values: of(withPool, (s) => s.juniorAssets), colour: "--amber" },
        {
          name: "with the open profit or loss of the inventory",
          values: of(withPool, (s) => s.poolAssets + s.inventoryEquity),
          colour: "--green",
        },
      ],
    }),
    chart({
      title: "What unhealthy accounts were closed for so far and who took it, with the pool, USD",
      hours,
      stacked: true,
      series: [
        { name: "providers' curve", values: of(withPool, ({ taken }) => taken.curve), colour: "--green" },
        { name: "the pool's bands", values: of(withPool, ({ taken }) => taken.bands), colour: "--blue" },
        { name: "the keeper", values: of(withPool, ({ taken }) => taken.keeper), colour: "--amber" },
        { name: "takeovers", values: of(withPool, ({ taken }) => taken.takeover), colour: "--red" },
      ],
    }),
    chart({
      title: "Shortfall so far and who paid it, with the pool, USD",
      hours,
      stacked: true,
      series: layers(withPool),
    }),
    chart({ title: "The same with the pool empty, USD", hours, stacked: true, series: layers(without) }),
  ].join("\n");
}

function table({ title, rows }: ReturnType<typeof tables>[number]): string {
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`);
  return `<h2>${escapeHtml(title)}</h2>
<div class="wide"><table>
<tr><th></th><th>with the pool</th><th>pool empty</th></tr>
${body.join("\n")}
</table></div>`;
}
