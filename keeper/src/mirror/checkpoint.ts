/** The mirror on disk: a head that says what it is of, and a body with its checksum. Written aside and renamed, two generations. */
import { createHash } from "node:crypto";
import { access, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Table } from "../../../sdk/src/state.ts";
import { KeeperError, messageOf } from "../errors.ts";
import { createMirror, type Exit, type Mirror } from "./mirror.ts";

/** Changes with the body's shape: an older file is then rebuilt. */
const VERSION = 1;
const FILES = ["mirror", "mirror.previous"] as const;

export interface Place {
  readonly number: number;
  readonly hash: string;
}

/** What a file must be about to be used. */
export interface Identity {
  readonly chainId: number;
  readonly engine: string;
}

interface Header extends Identity {
  readonly version: number;
  readonly block: Place;
  readonly checksum: string;
}

export interface Saved {
  readonly mirror: Mirror;
  readonly block: Place;
  readonly file: string;
}

const TABLES = ["accounts", "positions", "markets", "sides", "sideEnds", "checkpoints"] as const;

type Rows = readonly (readonly [bigint, unknown])[];

interface Body {
  readonly tables: Readonly<Record<(typeof TABLES)[number], Rows>>;
  readonly params: readonly (readonly [number, never])[];
  readonly rules: readonly (readonly [number, never])[];
  readonly exits: readonly Exit[];
  readonly claimants: readonly bigint[];
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

/** @param onRefused told of a file that is not used, and why */
export function createCheckpoints(
  folder: string,
  identity: Identity,
  onRefused: (file: string, reason: string) => void,
) {
  const file = (name: (typeof FILES)[number]) => path.join(folder, `${name}.json`);

  async function read(name: string, tokenUnit: bigint): Promise<Saved | undefined> {
    const [first = "", second = ""] = (await readFile(name, "utf8")).split("\n");
    const header = headerOf(first);
    if (header.version !== VERSION)
      throw new Error(`it is of version ${header.version}; this keeper writes ${VERSION}`);
    if (header.chainId !== identity.chainId)
      throw new Error(`it is of chain ${header.chainId}, not ${identity.chainId}`);
    if (header.engine !== identity.engine)
      throw new Error(`it is of the engine ${header.engine}, not ${identity.engine}`);
    if (header.checksum !== checksum(second)) throw new Error("its checksum is wrong: it was cut off or changed");
    return { mirror: revive(second, tokenUnit), block: header.block, file: name };
  }

  return {
    /** Files that can be used, the newest first. What cannot is named and left out. */
    async load(tokenUnit: bigint): Promise<Saved[]> {
      const found: Saved[] = [];
      for (const name of FILES.map(file)) {
        if (!(await exists(name))) continue;
        try {
          const saved = await read(name, tokenUnit);
          if (saved !== undefined) found.push(saved);
        } catch (error) {
          onRefused(name, messageOf(error));
        }
      }
      return found;
    },

    async save(mirror: Mirror, block: Place): Promise<void> {
      const body = JSON.stringify(bodyOf(mirror), (_, value) => (typeof value === "bigint" ? `${value}n` : value));
      const header: Header = { version: VERSION, ...identity, block, checksum: checksum(body) };
      await writeAside(file("mirror"), `${JSON.stringify(header)}\n${body}\n`, file("mirror.previous"));
    },
  };
}

/** Writes beside a file and renames, so that a reader finds the old text or the new one. `keep` gets the old one. */
export async function writeAside(file: string, text: string, keep?: string): Promise<void> {
  const aside = `${file}.${process.pid}.tmp`;
  const handle = await open(aside, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (keep !== undefined && (await exists(file))) await rename(file, keep);
  await rename(aside, file);
}

/** Makes the folder and tries it. @throws KeeperError when it cannot be written to */
export async function ensureWritable(folder: string): Promise<void> {
  const probe = path.join(folder, `.probe-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeAside(probe, "");
    await rm(probe);
  } catch (error) {
    throw new KeeperError(`The state folder ${folder} cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const checksum = (text: string) => createHash("sha256").update(text).digest("hex");

function headerOf(line: string): Header {
  const value: unknown = JSON.parse(line);
  const isHeader =
    typeof value === "object" && value !== null && "version" in value && "block" in value && "checksum" in value;
  if (!isHeader) throw new Error("its first line is no head");
  return value as Header; // the checksum vouches for the rest
}

function bodyOf({ state, exits, claimants }: Mirror): Body {
  // A flat position says nothing, nor does the checkpoint of one: the next fill dates it anew.
  const isOpen = (key: bigint) => state.positions.get(key).lots !== 0n;
  const rows = (name: (typeof TABLES)[number]): Rows => {
    const all = [...state[name].entries()];
    return name === "positions" || name === "checkpoints" ? all.filter(([key]) => isOpen(key)) : all;
  };
  return {
    tables: Object.fromEntries(TABLES.map((name) => [name, rows(name)])) as unknown as Body["tables"], // every name is in the list
    params: [...state.params] as unknown as Body["params"],
    rules: [...state.rules] as unknown as Body["rules"],
    exits: [...exits.values()],
    claimants: [...claimants.values()],
  };
}

function revive(text: string, tokenUnit: bigint): Mirror {
  const body = JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Body; // written by bodyOf: the checksum says so
  const mirror = createMirror(tokenUnit);
  const { state } = mirror;
  state.recorded(() => {
    for (const name of TABLES) {
      const table = state[name] as Table<unknown>; // of the rows that bodyOf took from it
      for (const [key, row] of body.tables[name]) table.set(key, row);
    }
    for (const [id, params] of body.params) state.params.set(id, params);
    for (const [id, rules] of body.rules) state.rules.set(id, rules);
  });
  for (const exit of body.exits) mirror.restoreExit(exit);
  for (const account of body.claimants) mirror.restoreClaimant(account);
  mirror.note(
    body.tables.accounts.map(([account]) => account),
    [],
  );
  return mirror;
}
