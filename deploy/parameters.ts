/** Reads deploy/parameters/NETWORK.json5 and names everything that is wrong with it at once. */
import { existsSync } from "node:fs";
import path from "node:path";
import { readDeploymentParameters } from "@nomicfoundation/hardhat-ignition/helpers";
import { getAddress, isHexString, ZeroAddress } from "ethers";
import { DeployError } from "./errors.ts";
import { ETH } from "./markets.ts";
import { NETWORKS } from "./networks.ts";

/** Names of Backstop's addresses that the doubles of a local chain stand in for. */
export const DOUBLED = ["token", "ethUsdFeed", "btcUsdFeed", "pyth"] as const;
const NAMED = ["guardian", "treasury"] as const;

export interface Sources {
  readonly token: string;
  readonly ethUsdFeed: string;
  readonly btcUsdFeed: string;
  readonly pyth: string;
}

export interface AltParameters {
  /** Undefined on a local chain. */
  readonly feed: string | undefined;
  readonly pyth: string | undefined;
  readonly priceId: string;
  readonly sequencer: string;
  readonly feedMaxAge: number;
}

export type Governor =
  | {
      readonly kind: "timelock";
      readonly delay: number;
      readonly proposers: readonly string[];
      readonly executors: readonly string[];
    }
  | { readonly kind: "existing"; readonly address: string };

export interface DeploymentSettings {
  readonly network: string;
  /** Undefined on a local chain, where doubles stand in. */
  readonly sources: Sources | undefined;
  readonly guardian: string;
  readonly treasury: string;
  readonly sequencer: string;
  readonly feedMaxAge: number; // {s}
  readonly alt: AltParameters | undefined;
  readonly governor: Governor | undefined;
}

const root = path.resolve(import.meta.dirname, "..");

/** `file` instead of the network's own. */
export async function readSettings(network: string, file?: string): Promise<DeploymentSettings> {
  const known = NETWORKS[network];
  if (known === undefined)
    throw new DeployError(`No network "${network}"; there are ${Object.keys(NETWORKS).join(", ")}.`);
  const source = path.resolve(root, file ?? `deploy/parameters/${network}.json5`);
  const shown = path.relative(root, source);
  if (!existsSync(source)) throw new DeployError(`There is no ${shown} with the parameters of ${network}.`);

  let given: Record<string, Record<string, unknown>>;
  try {
    given = (await readDeploymentParameters(source)) as Record<string, Record<string, unknown>>; // checked below, field by field
  } catch (error) {
    throw new DeployError(`${shown} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const problems: string[] = [];
  const settings = settingsOf(network, known.local, given, problems);
  if (problems.length > 0) throw new DeployError(`${shown}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  return settings;
}

/** Pure; complains into `problems`. */
export function settingsOf(
  network: string,
  local: boolean,
  given: Readonly<Record<string, Record<string, unknown>>>,
  problems: string[],
): DeploymentSettings {
  const { Backstop = {}, Alt, Timelock, HandOver, ...others } = given;
  for (const name of Object.keys(others)) problems.push(`${name} is no part of a deployment.`);
  const reader = createReader(problems);

  reader.only("Backstop", Backstop, [...DOUBLED, ...NAMED, "sequencer", "feedMaxAge"]);
  const source = (name: (typeof DOUBLED)[number]) => reader.address(`Backstop.${name}`, Backstop[name]);
  if (local && DOUBLED.some((name) => Backstop[name] !== undefined))
    problems.push(`Backstop names ${DOUBLED.join(", ")} itself on a local chain.`);
  const sources = local
    ? undefined
    : {
        token: source("token"),
        ethUsdFeed: source("ethUsdFeed"),
        btcUsdFeed: source("btcUsdFeed"),
        pyth: source("pyth"),
      };

  return {
    network,
    sources,
    guardian: reader.address("Backstop.guardian", Backstop.guardian),
    treasury: reader.address("Backstop.treasury", Backstop.treasury),
    sequencer: reader.address("Backstop.sequencer", Backstop.sequencer, true),
    feedMaxAge: reader.seconds("Backstop.feedMaxAge", Backstop.feedMaxAge ?? ETH.feed.maxAge, 60, 172_800),
    alt: Alt === undefined ? undefined : altOf(reader, local, Alt),
    governor: governorOf(reader, Timelock, HandOver),
  };
}

function altOf(reader: Reader, local: boolean, alt: Record<string, unknown>): AltParameters {
  reader.only("Alt", alt, ["feed", "pyth", "priceId", "sequencer", "feedMaxAge"]);
  return {
    feed: local ? undefined : reader.address("Alt.feed", alt.feed),
    pyth: local ? undefined : reader.address("Alt.pyth", alt.pyth),
    priceId: reader.word("Alt.priceId", alt.priceId),
    sequencer: reader.address("Alt.sequencer", alt.sequencer, true),
    feedMaxAge: reader.seconds("Alt.feedMaxAge", alt.feedMaxAge ?? ETH.feed.maxAge, 60, 172_800),
  };
}

function governorOf(
  reader: Reader,
  timelock: Record<string, unknown> | undefined,
  handOver: Record<string, unknown> | undefined,
): Governor | undefined {
  if (timelock !== undefined && handOver !== undefined) {
    reader.complain("Timelock and HandOver are both given: one of them governs.");
    return undefined;
  }
  if (handOver !== undefined) {
    reader.only("HandOver", handOver, ["governor"]);
    return { kind: "existing", address: reader.address("HandOver.governor", handOver.governor) };
  }
  if (timelock === undefined) return undefined;
  reader.only("Timelock", timelock, ["delay", "proposers", "executors"]);
  return {
    kind: "timelock",
    delay: reader.seconds("Timelock.delay", timelock.delay, 1, 30 * 86_400),
    proposers: reader.addresses("Timelock.proposers", timelock.proposers, false),
    executors: reader.addresses("Timelock.executors", timelock.executors, true),
  };
}

type Reader = ReturnType<typeof createReader>;

function createReader(problems: string[]) {
  const complain = (problem: string) => void problems.push(problem);
  function address(name: string, value: unknown, zeroMeans = false): string {
    if (value === undefined) complain(`${name} is missing: an address${zeroMeans ? ", zero for none" : ""}.`);
    else if (!isAddressLike(value)) complain(`${name} is ${JSON.stringify(value)}, which is no address.`);
    else {
      try {
        const checked = getAddress(value);
        if (checked === ZeroAddress && !zeroMeans) complain(`${name} is the zero address.`);
        return checked;
      } catch {
        complain(`${name} is ${value}, whose checksum is wrong: a letter was mistyped.`);
      }
    }
    return ZeroAddress;
  }
  return {
    complain,
    address,
    addresses(name: string, value: unknown, zeroMeans: boolean): string[] {
      if (!Array.isArray(value) || value.length === 0) {
        complain(`${name} must be a list of at least one address.`);
        return [];
      }
      return value.map((item, i) => address(`${name}[${i}]`, item, zeroMeans));
    },
    seconds(name: string, value: unknown, min: number, max: number): number {
      if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
      complain(`${name} is ${String(value)}; it must be ${min} to ${max} seconds.`);
      return min;
    },
    word(name: string, value: unknown): string {
      if (isHexString(value, 32)) return value;
      complain(`${name} is ${String(value)}; it must be 32 bytes in hex.`);
      return `0x${"0".repeat(64)}`;
    },
    only(name: string, value: Record<string, unknown>, fields: readonly string[]): void {
      for (const field of Object.keys(value))
        if (!fields.includes(field)) complain(`${name}.${field} is no parameter; there are ${fields.join(", ")}.`);
    },
  };
}

const isAddressLike = (value: unknown): value is string =>
  typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
