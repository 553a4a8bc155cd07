/** The runs of the phase diagram as a file, as a table and as docs/figures/phase.svg. Pure. */
import { escapeHtml, FILE_STYLE } from "./charts.ts";
import { EPISODE_NAMES, EPISODES } from "./episodes.ts";
import {
  type Cell,
  type Figures,
  MODES,
  type Mode,
  OI_OVER_DEPTH,
  openInterestOf,
  POOL_OVER_OI,
  reduction,
  type SettingName,
} from "./phase.ts";
import type { Pace } from "./phaseRun.ts";
import { USD } from "./units.ts";

export interface Run extends Cell, Pace {
  readonly episode: string;
  readonly mode: Mode["name"];
  readonly setting: SettingName;
  readonly seed: number;
  readonly accounts: number;
  readonly figures: Figures;
}

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);

/** JSON with amounts as decimal strings of u, one run a line. */
export const write = (runs: readonly Run[]): string =>
  `[\n${runs.map((run) => JSON.stringify(run, plain)).join(",\n")}\n]\n`;

export const read = (json: string): Run[] =>
  JSON.parse(json, (_, value) => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : value));

export const isSame = (a: Omit<Run, "figures">, b: Omit<Run, "figures">): boolean =>
  a.episode === b.episode &&
  a.mode === b.mode &&
  a.oiOverDepth === b.oiOverDepth &&
  a.poolOverOi === b.poolOverOi &&
  a.setting === b.setting &&
  a.block === b.block &&
  a.calls === b.calls &&
  a.seed === b.seed &&
  a.accounts === b.accounts;

/** Thousands of dollars, to the nearest. */
const thousands = (amount: bigint): string => (Number(amount) / Number(1_000n * USD)).toFixed(1);
const share = (bps: number | undefined): string => (bps === undefined ? "-" : `${(bps / 100).toFixed(0)} %`);

/** A run in one line, in thousands of dollars. */
export function line({ episode, oiOverDepth, poolOverOi, mode, setting, block, calls, figures }: Run): string {
  const { badDebt, inventoryDebt, standing, stakers, viaBands, takenOver, failures } = figures;
  const amounts = Object.entries({ badDebt, inventoryDebt, standing, stakers, viaBands, takenOver });
  const of = `${episode} OI/depth ${oiOverDepth / 100} pool/OI ${poolOverOi / 100} ${mode}, ${setting}, ${calls} calls in ${block} s`;
  return `${of}: ${amounts.map(([name, amount]) => `${name} ${thousands(amount)}`).join(", ")}, ${failures} failures`;
}

const HEADER = [
  "| path | OI / depth | pool / OI | bad debt: neither | takeover | bands | both | both against neither | the pool's position below zero, each mode | stakers, each mode | both: closed by curve / bands / takeover |",
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
];

/** Rows in thousands of dollars, one a cell of which all four modes were played; bad debt in per cent of open interest too. */
export function table(runs: readonly Run[], pace: Pace, setting: SettingName = "deployed"): string {
  const rows = cellsOf(runs, pace, setting).map(({ episode, cell, of }) => {
    const [neither, takeover, bands, both] = MODES.map(({ name }) => of(name));
    if (!neither || !takeover || !bands || !both) return [];
    const modes = [neither, takeover, bands, both];
    const each = (pick: (figures: Figures) => bigint) => modes.map((figures) => thousands(pick(figures))).join(" / ");
    const cells = [
      episode,
      cell.oiOverDepth / 100,
      cell.poolOverOi / 100,
      ...modes.map((figures) => `${thousands(figures.badDebt)} (${percent(cell, figures).toFixed(2)} %)`),
      share(reduction(neither.badDebt, both.badDebt)),
      each(({ inventoryDebt }) => inventoryDebt),
      each(({ stakers }) => stakers),
      [both.viaCurve, both.viaBands, both.takenOver].map(thousands).join(" / "),
    ];
    return [`| ${cells.join(" | ")} |`];
  });
  return [...HEADER, ...rows.flat()].join("\n");
}

/** Of open interest. */
const percent = (cell: Cell, { badDebt }: Figures): number => (100 * Number(badDebt)) / Number(openInterestOf(cell));

function cellsOf(runs: readonly Run[], pace: Pace, setting: SettingName) {
  return [...new Set(runs.map(({ episode }) => episode))].flatMap((episode) =>
    OI_OVER_DEPTH.flatMap((oiOverDepth) =>
      POOL_OVER_OI.map((poolOverOi) => ({
        episode,
        cell: { oiOverDepth, poolOverOi },
        of: (mode: Mode["name"]) =>
          runs.find(
            (run) =>
              run.episode === episode &&
              run.mode === mode &&
              run.oiOverDepth === oiOverDepth &&
              run.poolOverOi === poolOverOi &&
              run.setting === setting &&
              run.block === pace.block &&
              run.calls === pace.calls,
          )?.figures,
      })),
    ),
  );
}

const BOX = { width: 52, height: 34 };
const PANEL = { width: 172, height: 150, left: 62, top: 74 };
const WIDTH = PANEL.left + PANEL.width * MODES.length + 10;
const HEIGHT = PANEL.top + PANEL.height * EPISODE_NAMES.length + 24;
const COLOUR = "#c0392b";

/** docs/figures/phase.svg: bad debt in per cent of open interest, one panel a path and mode. */
export function figure(runs: readonly Run[], pace: Pace): string {
  const title = "Bad debt in % of open interest: what takeover and bands do to it in the worst half day of two crashes";
  const all = cellsOf(runs, pace, "deployed");
  const most = Math.max(
    ...all.flatMap(({ cell, of }) => MODES.map(({ name }) => of(name)).map((f) => (f ? percent(cell, f) : 0))),
  );
  const text = (x: number, y: number, words: string, kind = "", anchor = "middle") =>
    `<text${kind && ` class="${kind}"`} x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;

  const panels = EPISODE_NAMES.flatMap((episode, row) =>
    MODES.flatMap(({ name }, column) => {
      const [left, top] = [PANEL.left + column * PANEL.width, PANEL.top + row * PANEL.height];
      const boxes = all
        .filter((one) => one.episode === episode)
        .flatMap(({ cell, of }) => {
          const figures = of(name);
          if (figures === undefined) return [];
          const value = percent(cell, figures);
          const x = left + OI_OVER_DEPTH.indexOf(cell.oiOverDepth) * BOX.width;
          const y = top + (POOL_OVER_OI.length - 1 - POOL_OVER_OI.indexOf(cell.poolOverOi)) * BOX.height;
          const size = `width="${BOX.width - 2}" height="${BOX.height - 2}"`;
          return [
            `<rect x="${x}" y="${y}" ${size} fill="${COLOUR}" fill-opacity="${(0.06 + (0.6 * value) / most).toFixed(3)}"/>`,
            text(x + BOX.width / 2 - 1, y + BOX.height / 2 + 3, value.toFixed(3)),
          ];
        });
      const below = top + BOX.height * POOL_OVER_OI.length;
      const labels = OI_OVER_DEPTH.map((one, i) =>
        text(left + BOX.width * (i + 0.5), below + 11, `${one / 100}`, "small"),
      );
      const head = row === 0 ? [text(left + BOX.width * 1.5, top - 26, name)] : [];
      const side =
        column > 0
          ? []
          : [
              ...POOL_OVER_OI.map((one, i) =>
                text(left - 6, top + BOX.height * (POOL_OVER_OI.length - 0.5 - i) + 3, `${one / 100}`, "small", "end"),
              ),
              text(left, top - 8, `${EPISODES[episode].title}; up: pool / OI, right: OI / depth`, "small", "start"),
            ];
      return [...head, ...side, ...boxes, ...labels];
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    `<style>${FILE_STYLE}</style><rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(PANEL.left, 24, title, "title", "start"),
    ...panels,
    "</svg>\n",
  ].join("\n");
}
