/** Where Backstop lives on a chain, as `npm run deploy` writes it to deploy/addresses/. Programs read it through `parseDeployment`. */

export type Address = `0x${string}`;

export const CONTRACTS = [
  "token",
  "manager",
  "oracle",
  "engine",
  "stack",
  "junior",
  "senior",
  "exchange",
  "risk",
  "amm",
] as const;
export type ContractName = (typeof CONTRACTS)[number];

export interface DeployedMarket {
  readonly index: number;
  readonly name: string;
  readonly feed: Address; // Chainlink's proxy
  readonly priceId: Address; // 32 bytes: Pyth's id of the price
}

export interface Deployment {
  readonly network: string;
  readonly chainId: number;
  /** Of the first contract: there is nothing to index before it. */
  readonly startBlock: number;
  readonly deployer: Address;
  readonly contracts: Readonly<Record<ContractName, Address>>;
  /** Who governs once it is handed over: the project's own timelock, or null when another governor was named or none yet. */
  readonly timelock: Address | null;
  readonly pyth: Address;
  readonly libraries: Readonly<Record<string, Address>>;
  readonly markets: readonly DeployedMarket[];
}

/** Checks every field. @throws with the name of the first that is wrong */
export function parseDeployment(value: unknown): Deployment {
  const given = record("deployment", value);
  const contracts = record("contracts", given.contracts);
  const libraries = record("libraries", given.libraries);
  if (!Array.isArray(given.markets)) throw new Error("markets of the deployment is no list");
  return {
    network: text("network", given.network),
    chainId: whole("chainId", given.chainId),
    startBlock: whole("startBlock", given.startBlock),
    deployer: hex("deployer", given.deployer, 20),
    contracts: Object.fromEntries(
      CONTRACTS.map((name) => [name, hex(`contracts.${name}`, contracts[name], 20)]),
    ) as Record<ContractName, Address>, // every name is in the list
    timelock: given.timelock === null ? null : hex("timelock", given.timelock, 20),
    pyth: hex("pyth", given.pyth, 20),
    libraries: Object.fromEntries(
      Object.entries(libraries).map(([name, at]) => [name, hex(`libraries.${name}`, at, 20)]),
    ),
    markets: given.markets.map((item: unknown, i) => {
      const market = record(`markets[${i}]`, item);
      return {
        index: whole(`markets[${i}].index`, market.index),
        name: text(`markets[${i}].name`, market.name),
        feed: hex(`markets[${i}].feed`, market.feed, 20),
        priceId: hex(`markets[${i}].priceId`, market.priceId, 32),
      };
    }),
  };
}

function record(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${name} of the deployment is no object`);
  return value as Record<string, unknown>;
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw new Error(`${name} of the deployment is no text`);
  return value;
}

function whole(name: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new Error(`${name} of the deployment is no whole number`);
  return value;
}

function hex(name: string, value: unknown, bytes: number): Address {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]*$/.test(value) || value.length !== 2 + 2 * bytes)
    throw new Error(`${name} of the deployment is not ${bytes} bytes in hex`);
  return value as Address;
}
