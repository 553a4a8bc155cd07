/** Charts as SVG text: lines and stacked areas for a page, whose variables are their colours, columns as a file of their own. No script. */

export interface Series {
  readonly name: string;
  /** One value a step; the same length in every series of a chart. */
  readonly values: readonly number[];
  /** A CSS variable of the page. */
  readonly colour: string;
}

export interface ChartOptions {
  readonly title: string;
  readonly series: readonly Series[];
  /** Hours covered, from 0. */
  readonly hours: number;
  readonly stacked?: boolean;
  /** Start the axis at zero. */
  readonly fromZero?: boolean;
}

const WIDTH = 760;
const HEIGHT = 260;
const MARGIN = { top: 12, right: 14, bottom: 26, left: 64 };
const INNER = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
const TICKS = 5;
const HOURS_PER_TICK = 6;

export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Round steps that cover [low, high] with about `TICKS` lines. */
export function ticksOf(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const first = Math.floor(low / step);
  const last = Math.ceil((low + span) / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** 1,234,567 as 1.23M: an axis has little room. */
export function compact(value: number): string {
  const size = Math.abs(value);
  const [unit, suffix] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return `${Number((value / unit).toFixed(2))}${suffix}`;
}

/** Each series on top of the ones before it. */
function stack(series: readonly Series[]): { bottom: number[]; top: number[] }[] {
  let below: number[] = series[0]?.values.map(() => 0) ?? [];
  return series.map(({ values }) => {
    const bottom = below;
    const top = values.map((value, i) => value + (bottom[i] ?? 0));
    below = top;
    return { bottom, top };
  });
}

export function chart({ title, series, hours, stacked = false, fromZero = stacked }: ChartOptions): string {
  const bands = stacked ? stack(series) : series.map(({ values }) => ({ bottom: [], top: [...values] }));
  const all = bands.flatMap(({ top }) => top);
  const ticks = ticksOf(Math.min(fromZero ? 0 : Number.POSITIVE_INFINITY, ...all), Math.max(...all));
  const [low, high] = [ticks[0] ?? 0, ticks[ticks.length - 1] ?? 1];
  const count = Math.max(2, series[0]?.values.length ?? 2);
  const x = (i: number) => (MARGIN.left + (INNER.width * i) / (count - 1)).toFixed(1);
  const y = (value: number) => (MARGIN.top + (INNER.height * (high - value)) / (high - low)).toFixed(1);
  const points = (values: readonly number[]) => values.map((value, i) => `${x(i)},${y(value)}`);

  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text class="tick" x="${MARGIN.left - 8}" y="${y(tick)}" dy="0.32em" text-anchor="end">${compact(tick)}</text>`,
  );
  const times = Array.from({ length: Math.floor(hours / HOURS_PER_TICK) + 1 }, (_, i) => i * HOURS_PER_TICK).map(
    (hour) =>
      `<text class="tick" x="${x(((count - 1) * hour) / hours)}" y="${HEIGHT - 8}" text-anchor="middle">${hour} h</text>`,
  );
  const shapes = bands.map(({ bottom, top }, i) => {
    const colour = series[i]?.colour ?? "--ink";
    if (!stacked) return `<polyline class="line" style="stroke:var(${colour})" points="${points(top).join(" ")}"/>`;
    const outline = [...points(top), ...points(bottom).reverse()].join(" ");
    return `<polygon style="fill:var(${colour})" points="${outline}"/>`;
  });
  const legend = series
    .map(({ name, colour }) => `<span class="key"><i style="background:var(${colour})"></i>${escapeHtml(name)}</span>`)
    .join("");
  return [
    `<figure><figcaption>${escapeHtml(title)}${series.length > 1 ? `<span class="legend">${legend}</span>` : ""}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    ...grid,
    ...times,
    ...shapes,
    "</svg></figure>",
  ].join("\n");
}

export interface ColumnOptions {
  readonly title: string;
  /** Below each group of columns; a line break starts a smaller line. */
  readonly groups: readonly string[];
  /** {%} one value a group; `colour` is a CSS colour. */
  readonly series: readonly Series[];
}

const COLUMN = { width: 38, gap: 6, top: 64, bottom: 56 };
export const FILE_STYLE =
  "text{font:12px system-ui,sans-serif;fill:#1d1f23}.small{font-size:9.5px;fill:#6a6d75}.title{font-size:14px;font-weight:600}" +
  "rect.paper{fill:#fbfaf8}line{stroke:#e2e0da}" +
  "@media(prefers-color-scheme:dark){text{fill:#e8e6e1}.small{fill:#9a9da6}rect.paper{fill:#16181c}line{stroke:#2f333a}}";

/** Grouped columns with their values above them, as a file that stands alone. */
export function columns({ title, groups, series }: ColumnOptions): string {
  const ticks = ticksOf(0, Math.max(...series.flatMap(({ values }) => values)));
  const high = ticks[ticks.length - 1] ?? 1;
  const floor = HEIGHT - COLUMN.bottom;
  const y = (value: number) => floor - ((floor - COLUMN.top) * value) / high;
  const slot = INNER.width / groups.length;
  const middle = (group: number) => MARGIN.left + slot * (group + 0.5);
  const left = (group: number, i: number) => middle(group) + (i - series.length / 2) * (COLUMN.width + COLUMN.gap);
  const text = (x: number, at: number, words: string, anchor: string, kind = "") =>
    `<text${kind && ` class="${kind}"`} x="${x.toFixed(1)}" y="${at.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;

  const grid = ticks.map(
    (tick) =>
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>` +
      text(MARGIN.left - 8, y(tick) + 4, `${compact(tick)} %`, "end"),
  );
  const shapes = series.flatMap(({ values, colour }, i) =>
    values.map((value, group) => {
      const [x, top] = [left(group, i) + COLUMN.gap / 2, y(value)];
      const size = `width="${COLUMN.width}" height="${(floor - top).toFixed(1)}"`;
      const column = `<rect x="${x.toFixed(1)}" y="${top.toFixed(1)}" ${size} fill="${colour}"/>`;
      return column + text(x + COLUMN.width / 2, top - 4, value.toFixed(1), "middle");
    }),
  );
  const labels = groups.flatMap((group, at) =>
    group.split("\n").map((line, i) => text(middle(at), floor + 17 + 14 * i, line, "middle", i === 0 ? "" : "small")),
  );
  const legend = series.map(({ name, colour }, i) => {
    const x = MARGIN.left + 70 * i;
    return `<rect x="${x}" y="34" width="10" height="10" fill="${colour}"/>${text(x + 15, 43, name, "start")}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    `<style>${FILE_STYLE}</style><rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(MARGIN.left, 22, title, "start", "title"),
    ...legend,
    ...grid,
    ...shapes,
    ...labels,
    "</svg>\n",
  ].join("\n");
}
