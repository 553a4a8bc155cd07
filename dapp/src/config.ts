/** The whole configuration of the dApp, read from Vite's environment at once: every bad variable is named in one message. */
import { type Deployment, parseDeployment } from "../../sdk/src/deployment.ts";

export interface Settings {
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  /** Undefined: everything is read from the chain. */
  readonly indexerUrl: string | undefined;
  /** Of transactions; undefined: the known one of the chain, if any. */
  readonly explorerUrl: string | undefined;
  /** Undefined: wallets of this browser only. */
  readonly walletConnectId: string | undefined;
  /** {ms} between two looks at the chain. */
  readonly pollingInterval: number;
}

export class SettingsError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The dApp cannot start: ${faults.join("; ")}`);
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, unknown>>;

const LOCAL_CHAIN = 31_337;
const LOCAL_RPC = "http://127.0.0.1:8545";

/** @throws SettingsError */
export function parseSettings(env: Environment): Settings {
  const faults: string[] = [];
  const attempt = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const deployment = attempt(() => parseDeployment(JSON.parse(required(env, "VITE_DEPLOYMENT"))));
  const isLocal = deployment?.chainId === LOCAL_CHAIN;
  const rpcUrl = attempt(() => url("VITE_RPC_URL", given(env, "VITE_RPC_URL") ?? (isLocal ? LOCAL_RPC : undefined)));
  const optional = (name: string) => {
    const value = given(env, name);
    return value === undefined ? undefined : attempt(() => url(name, value));
  };
  const indexerUrl = optional("VITE_INDEXER_URL");
  const explorerUrl = optional("VITE_EXPLORER_URL");
  const pollingInterval = attempt(() => whole("VITE_POLLING_INTERVAL", env, isLocal ? 1_000 : 4_000, 100, 60_000));
  if (faults.length > 0 || deployment === undefined || rpcUrl === undefined || pollingInterval === undefined)
    throw new SettingsError(faults);
  const walletConnectId = given(env, "VITE_WALLETCONNECT_ID");
  return { deployment, rpcUrl, indexerUrl, explorerUrl, pollingInterval, walletConnectId };
}

function given(env: Environment, name: string): string | undefined {
  const value = env[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function required(env: Environment, name: string): string {
  const value = given(env, name);
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}

function url(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${name} is missing`);
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") throw new Error(`${name} is no http or https URL`);
  return value.replace(/\/$/, "");
}

function whole(name: string, env: Environment, otherwise: number, least: number, most: number): number {
  const value = Number(given(env, name) ?? otherwise);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}`);
}
