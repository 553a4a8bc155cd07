/** What nobody could pay: deficits by market, claims, and what the engine holds against what it owes. {u} */
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { type Moment, type Reader, snapshotAt } from "./reader.ts";

export interface Deficit {
  readonly held: bigint; // {u} tokens that the ledger accounts for
  readonly total: bigint; // {u} of all markets, and of tokens that the engine has lost
  readonly claims: bigint; // {u} of all accounts
  /** Markets with a deficit of their own. */
  readonly markets: readonly { readonly name: string; readonly amount: bigint }[];
}

export async function readDeficit({ client, deployment }: Reader, block: Moment): Promise<Deficit> {
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi } as const;
  const [[balance, unit, total, claims], own] = await Promise.all([
    client.multicall({
      ...snapshotAt(block),
      contracts: [
        { ...engine, functionName: "internalBalance" },
        { ...engine, functionName: "tokenUnit" },
        { ...engine, functionName: "totalDeficit" },
        { ...engine, functionName: "totalClaims" },
      ],
    }),
    client.multicall({
      ...snapshotAt(block),
      contracts: deployment.markets.map(
        ({ index }) => ({ ...engine, functionName: "deficit", args: [index] }) as const,
      ),
    }),
  ]);
  const markets = deployment.markets.map(({ name }, i) => ({ name, amount: own[i] ?? 0n }));
  return { held: balance * unit, total, claims, markets: markets.filter(({ amount }) => amount > 0n) };
}
