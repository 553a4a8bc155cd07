/** The whole environment of the indexer, parsed at once: every bad variable is named in one message. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Deployment, parseDeployment } from "../sdk/src/deployment.ts";

export interface Config {
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  /** Undefined: PGlite in `pgliteDirectory`. */
  readonly databaseUrl: string | undefined;
  readonly pgliteDirectory: string;
  /** {ms} between looks for a new block. */
  readonly pollingInterval: number;
  /** Port of the API, and the address it listens on. */
  readonly port: number;
  readonly hostname: string;
  /** Where programs find the API. */
  readonly apiUrl: string;
  /** PostgreSQL schema of the tables; a build that changes them needs another. */
  readonly schema: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ADDRESSES = fileURLToPath(new URL("../deploy/addresses", import.meta.url)); // Ponder's loader knows no `dirname`

/** Every variable is at fault at once, one a line. */
export class ConfigError extends Error {
  constructor(faults: readonly string[]) {
    super(`The indexer cannot start:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
  }
}

/** @throws ConfigError */
export function parseConfig(env: Environment): Config {
  const faults: string[] = [];
  const read = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const deployment = read(() => deploymentOf(env));
  const rpcUrl = read(() => url("RPC_URL", env.RPC_URL, ["http:", "https:"]));
  const { DATABASE_URL } = env;
  const databaseUrl = read(() => DATABASE_URL && url("DATABASE_URL", DATABASE_URL, ["postgres:", "postgresql:"]));
  const pollingInterval = read(() => whole("POLLING_INTERVAL", env.POLLING_INTERVAL, 1_000, 50, 60_000));
  const port = read(() => whole("PORT", env.PORT, 42_069, 1, 65_535));
  const schema = read(() => schemaOf(env.DATABASE_SCHEMA ?? "backstop"));
  if (faults.length > 0 || deployment === undefined || rpcUrl === undefined || schema === undefined)
    throw new ConfigError(faults);
  const hostname = env.HOST ?? "127.0.0.1";
  return {
    ...{ deployment, rpcUrl, schema, hostname, databaseUrl: databaseUrl === "" ? undefined : databaseUrl },
    ...{ pollingInterval: pollingInterval ?? 0, port: port ?? 0 },
    pgliteDirectory: env.PGLITE_DIRECTORY ?? ".ponder/pglite",
    apiUrl: env.API_URL ?? `http://${hostname}:${port}`,
  };
}

/** A record by its file, or by the name of its network. */
function deploymentOf({ DEPLOYMENT, NETWORK }: Environment): Deployment {
  if (DEPLOYMENT === undefined && NETWORK === undefined)
    throw new Error("NETWORK is missing: name a record in deploy/addresses/, or give the path of one in DEPLOYMENT");
  const name = DEPLOYMENT === undefined ? "NETWORK" : "DEPLOYMENT";
  const file = DEPLOYMENT === undefined ? path.join(ADDRESSES, `${NETWORK}.json`) : path.resolve(DEPLOYMENT);
  if (!existsSync(file)) throw new Error(`${name}: there is no record ${file}; npm run deploy writes one`);
  try {
    return parseDeployment(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}: ${file} cannot be used: ${reason}`, { cause: error });
  }
}

function url(name: string, value: string | undefined, protocols: readonly string[]): string {
  if (value === undefined || value === "") throw new Error(`${name} is missing`);
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (parsed === undefined || !protocols.includes(parsed.protocol))
    throw new Error(`${name} is no ${protocols.map((one) => one.replace(":", "")).join(" or ")} URL`); // it may hold a key
  return value;
}

function whole(name: string, value: string | undefined, standard: number, least: number, most: number): number {
  if (value === undefined || value === "") return standard;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least || number > most)
    throw new Error(`${name} is "${value}", not a whole number from ${least} to ${most}`);
  return number;
}

function schemaOf(value: string): string {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(value)) throw new Error(`DATABASE_SCHEMA is "${value}", not a name of a schema`);
  return value;
}
