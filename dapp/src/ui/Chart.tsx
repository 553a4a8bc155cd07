/** A line over time, with what it says in words for those who do not see it. */
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { date } from "../lib/format.ts";
import { Table } from "./Table.tsx";

/** Points that are written out in a table: the newest. */
const LISTED = 50;

export interface Series {
  readonly label: string;
  /** Custom property with the colour. */
  readonly colour: string;
  readonly values: readonly number[];
  readonly isStepped?: boolean;
  readonly isDashed?: boolean;
}

interface Props {
  readonly title: string;
  /** {s} */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** Ends of the axis; those of the data unless given. */
  readonly range?: readonly [number, number];
}

/** What light-dark() comes to in the theme of now. */
function resolved(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export function Chart({ title, times, series, format, height = 160, range }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shape = `${height} ${series.map(({ label, colour }) => `${label} ${colour}`).join()}`;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = { stroke: () => resolved("--text-soft"), grid: { stroke: () => resolved("--line"), width: 1 } };
    const options: uPlot.Options = {
      ...{ width: element.clientWidth || 300, height, legend: { show: false }, cursor: { y: false } },
      scales: { x: { time: true }, y: range === undefined ? {} : { range: [...range] } },
      axes: [
        { ...axis, space: 70 },
        { ...axis, size: widthOf, values: (_self, splits) => splits.map(format) },
      ],
      series: [
        {},
        ...series.map(({ label, colour, isStepped, isDashed }) => ({
          ...{ label, width: 1.5, stroke: () => resolved(colour), points: { show: false } },
          ...(isDashed ? { dash: [4, 4] } : {}),
          ...(isStepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        })),
      ],
    };
    const made = new uPlot(options, dataOf(times, series), element);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(dataOf(times, series)), [times, series]);

  return (
    <figure className="chart">
      <figcaption>
        <strong>{title}</strong>
        <span className="hint">{series.map((one) => summary(one, format)).join("; ")}</span>
      </figcaption>
      <div ref={box} aria-hidden="true" data-points={times.length} />
      <Points title={title} times={times} series={series} format={format} />
    </figure>
  );
}

/** The newest points in figures, once somebody asks for them. */
function Points({ title, times, series, format }: Pick<Props, "title" | "times" | "series" | "format">) {
  const [isOpen, setOpen] = useState(false);
  const first = Math.max(0, times.length - LISTED);
  const rows = times.slice(first).map((time, i) => ({ time, at: first + i }));
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className="hint">{title} in figures</summary>
      {isOpen ? (
        <Table
          caption={`${title}, the newest ${rows.length} of ${times.length} points`}
          rows={rows.reverse()}
          keyOf={({ at }) => at.toString()}
          columns={[
            { name: "When", cell: ({ time }) => date(BigInt(time)) },
            ...series.map(({ label, values }) => ({
              name: label,
              cell: ({ at }: { at: number }) => format(values[at] ?? 0),
              isNumber: true,
            })),
          ]}
        />
      ) : null}
    </details>
  );
}

/** {px} that the widest label of the axis needs. */
const widthOf = (_self: uPlot, labels: readonly string[] | null): number =>
  24 + 7 * Math.max(4, ...(labels ?? []).map((label) => label.length));

const dataOf = (times: readonly number[], series: readonly Series[]): uPlot.AlignedData => [
  [...times],
  ...series.map(({ values }) => [...values]),
];

function summary({ label, values }: Series, format: (value: number) => string): string {
  const last = values.at(-1);
  if (last === undefined) return `${label}: nothing yet`;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${label} ${format(last)}, between ${format(least)} and ${format(most)}`;
}
