/** Line and stacked-area charts as SVG text. No script, no external file; colours are variables of the page. */

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
