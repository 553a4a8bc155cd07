/** A table with a caption; wide ones scroll inside their own box, by keyboard too. */
import { type ReactNode, useId } from "react";

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ReactNode;
  readonly isNumber?: boolean;
  /** Sentences: keeps a readable width. */
  readonly isText?: boolean;
}

interface Props<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Said instead of an empty table. */
  readonly empty?: string;
}

export function Table<T>({ caption, columns, rows, keyOf, empty = "Nothing yet." }: Props<T>) {
  const id = useId();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section className="table-box" aria-labelledby={id} tabIndex={0}>
      <table>
        <caption id={id}>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" className={isNumber ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 ? (
            <tr>
              <td colSpan={columns.length} className="empty">
                {empty}
              </td>
            </tr>
          ) : null}
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, cell, isNumber, isText }, i) =>
                i === 0 ? (
                  <th key={name} scope="row" className={isNumber ? "number" : undefined}>
                    {cell(row)}
                  </th>
                ) : (
                  <td key={name} className={isNumber ? "number" : isText ? "text" : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
