/** The few building blocks of every page: panels, figures, notices, tags. */
import { type ReactNode, useId } from "react";

export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export interface Row {
  readonly label: string;
  readonly value: ReactNode;
  readonly hint?: string | undefined;
}

/** Labels with their figures. */
export function Figures({ rows }: { rows: readonly Row[] }) {
  return (
    <dl className="figures">
      {rows.map(({ label, value, hint }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <span className="value">{value}</span>
            {hint === undefined ? null : <span className="hint">{hint}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export type Tone = "info" | "warn" | "bad" | "good";

/** Something that a person should know before going on. */
export function Notice({ tone, title, children }: { tone: Tone; title: string; children?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <strong>{title}</strong>
      {children === undefined ? null : <div>{children}</div>}
    </div>
  );
}

export const Tag = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`tag ${tone}`}>{children}</span>
);
