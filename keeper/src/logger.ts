/** Structured logs: JSON, one sentence-case `msg`, fields for the rest. Numbers of the chain are text: JSON has no 256 bits. */
import { pino } from "pino";

export type { Logger } from "pino";

const asText = (value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

export const createLogger = (level: string) =>
  pino(
    {
      name: "keeper",
      level,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, asText(value)])),
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
