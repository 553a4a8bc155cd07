/** Transactions under way, on disk before they are sent, so that a restart finds them again. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../errors.ts";
import { writeAside } from "../mirror/checkpoint.ts";
import type { Fees } from "./fees.ts";

export interface Request {
  /** What it is about: nothing else is done about it meanwhile. */
  readonly key: string;
  readonly label: string;
  readonly to: string;
  readonly data: string;
  readonly value: bigint; // {wei}
  readonly gas: bigint;
  /** {wei/gas} above which it is not worth its gas; nothing: the caps alone. */
  readonly most?: bigint;
}

export interface Flight extends Request {
  readonly nonce: number;
  readonly hashes: readonly string[]; // of every version that was sent, the newest last
  readonly raw: string; // the newest, signed
  readonly fees: Fees;
  readonly sentAt: number; // {ms}
}

const asText = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
const asValue = (_: string, value: unknown) =>
  typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

/** Whose transactions they are: nonces are of a key on a chain. */
export interface Sender {
  readonly chainId: number;
  readonly sender: string;
}

/** Keepers with keys of their own may share a folder. */
export const flightFile = ({ chainId, sender }: Sender): string => `in-flight-${chainId}-${sender}.json`;

/** @param onRefused told why a file is not used */
export function createFlightLog(folder: string, identity: Sender, onRefused: (file: string, reason: string) => void) {
  const file = path.join(folder, flightFile(identity));
  let writing: Promise<void> = Promise.resolve();
  return {
    async load(): Promise<Flight[]> {
      let text: string;
      try {
        text = await readFile(file, "utf8");
      } catch {
        return []; // nothing was under way
      }
      try {
        const value: unknown = JSON.parse(text, asValue);
        if (typeof value !== "object" || value === null || !("flights" in value) || !Array.isArray(value.flights))
          throw new Error("it is no list of transactions");
        return value.flights as Flight[]; // written by `save`
      } catch (error) {
        onRefused(file, messageOf(error));
        return [];
      }
    },
    /** One after the other: the last state is the one that stays. */
    save(flights: readonly Flight[]): Promise<void> {
      const text = `${JSON.stringify({ flights }, asText)}\n`;
      writing = writing.catch(() => {}).then(() => writeAside(file, text));
      return writing;
    },
  };
}

export type FlightLog = ReturnType<typeof createFlightLog>;
