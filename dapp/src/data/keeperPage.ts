/** Accounts by how near they are to liquidation, and what acting on them would pay. At one block. */
import { getAbiItem } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { max, min } from "../../../sdk/src/math.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import { revertData } from "../errors/explain.ts";
import { accountOf } from "./account.ts";
import { latest, type Moment, type Reader, snapshotAt } from "./reader.ts";

/** {block} of fills that accounts are found by, and in one question. */
const REACH = 100_000n;
const CHUNK = 10_000n;
/** Accounts that are shown, those nearest to liquidation first. */
const SHOWN = 25;
const ALL_LOTS = 2n ** 56n - 1n;

export type Rescue =
  /** Through the AMM's depth, no capital needed. */
  | { readonly kind: "amm"; readonly market: number; readonly lots: bigint; readonly penalty: bigint }
  /** Into the caller's own account. */
  | { readonly kind: "into"; readonly market: number; readonly lots: bigint; readonly penalty: bigint }
  | { readonly kind: "takeover"; readonly equity: bigint };

export interface Candidate {
  readonly id: bigint;
  readonly equity: bigint; // {u} at the favourable edge
  readonly maintenance: bigint; // {u}
  readonly notional: bigint; // {u}
  readonly unhealthySince: bigint; // {s}
  readonly markets: readonly number[];
  /** What would succeed now, sent by the connected account. */
  readonly rescue: Rescue | undefined;
}

export interface KeeperData {
  readonly block: Moment;
  readonly candidates: readonly Candidate[];
  readonly known: number; // accounts that were looked at
  readonly cash: bigint | undefined; // {u} of the connected person's account
}

export async function readKeeper(reader: Reader, actor: Address | undefined): Promise<KeeperData> {
  const { client, deployment } = reader;
  const block = await latest(reader);
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi } as const;
  const ids = await readTraders(reader, block);
  const [healths, accounts, own] = await Promise.all([
    client.multicall({
      ...snapshotAt(block),
      contracts: ids.map((id) => ({ ...engine, functionName: "health", args: [id, Valuation.FAVOURABLE] }) as const),
    }),
    client.multicall({
      ...snapshotAt(block),
      contracts: ids.map((id) => ({ ...engine, functionName: "accounts", args: [id] }) as const),
    }),
    actor === undefined
      ? undefined
      : client.readContract({
          ...engine,
          functionName: "accounts",
          args: [accountOf(actor)],
          blockNumber: block.number,
        }),
  ]);
  const open = ids.flatMap((id, i) => {
    const [health, account] = [healths[i], accounts[i]];
    if (health === undefined || account === undefined || account.markets === 0n) return [];
    const { equity, maintenance, notional } = health;
    const markets = deployment.markets.map(({ index }) => index).filter((m) => (account.markets >> BigInt(m)) & 1n);
    return [{ id, equity, maintenance, notional, unhealthySince: account.unhealthySince, markets }];
  });
  const nearest = open.sort((a, b) => (a.equity * b.maintenance < b.equity * a.maintenance ? -1 : 1)).slice(0, SHOWN);
  const candidates = await Promise.all(
    nearest.map(async (account) => ({
      ...account,
      rescue: account.equity < account.maintenance && actor ? await rescueOf(reader, account, actor) : undefined,
    })),
  );
  return { block, candidates, known: open.length, cash: own?.cash };
}

/** Everybody who has traded lately, found by the engine's fills. */
async function readTraders({ client, deployment }: Reader, block: Moment): Promise<bigint[]> {
  const ids = new Set<bigint>();
  const first = max(BigInt(deployment.startBlock), block.number - REACH + 1n);
  for (let from = first; from <= block.number; from += CHUNK) {
    const logs = await client.getLogs({
      ...{ address: deployment.contracts.engine, event: getAbiItem({ abi: MarginEngineAbi, name: "Filled" }) },
      ...{ fromBlock: from, toBlock: min(block.number, from + CHUNK - 1n), strict: true },
    });
    for (const { args } of logs) for (const id of [args.buyer, args.seller]) if (!isSystem(id)) ids.add(id);
  }
  return [...ids];
}

/** The contract says what would succeed: a takeover when it is allowed, else a liquidation that needs no capital, else one that does. */
async function rescueOf(
  reader: Reader,
  { id, markets }: Pick<Candidate, "id" | "markets">,
  actor: Address,
): Promise<Rescue | undefined> {
  const engine = { address: reader.deployment.contracts.engine, abi: MarginEngineAbi, account: actor } as const;
  const into = accountOf(actor);
  const tried = <T>(result: Promise<T>) =>
    result.catch((error: unknown) => {
      if (revertData(error) === undefined) throw error;
      return undefined;
    });
  const takeover = await tried(
    reader.client.simulateContract({ ...engine, functionName: "takeover", args: [id, into] }),
  );
  if (takeover !== undefined) return { kind: "takeover", equity: takeover.result };
  for (const market of markets) {
    const args = [id, market, into, ALL_LOTS, 0n] as const;
    const amm = await tried(reader.client.simulateContract({ ...engine, functionName: "liquidateToAmm", args }));
    if (amm !== undefined) return { kind: "amm", market, lots: amm.result[0], penalty: amm.result[1] };
    const own = await tried(reader.client.simulateContract({ ...engine, functionName: "liquidate", args }));
    if (own !== undefined) return { kind: "into", market, lots: own.result[0], penalty: own.result[1] };
  }
  return undefined;
}

export const rescueCall = ({ deployment }: Reader, id: bigint, rescue: Rescue, actor: Address) => ({
  ...{ address: deployment.contracts.engine, abi: MarginEngineAbi },
  ...(rescue.kind === "takeover"
    ? { functionName: "takeover", args: [id, accountOf(actor)] }
    : {
        functionName: rescue.kind === "amm" ? "liquidateToAmm" : "liquidate",
        args: [id, rescue.market, accountOf(actor), ALL_LOTS, 0n],
      }),
});

export const keeperQuery = (reader: Reader, actor: Address | undefined) => ({
  queryKey: ["keeper", reader.deployment.contracts.engine, actor ?? "nobody"],
  queryFn: () => readKeeper(reader, actor),
  refetchInterval: 2 * reader.client.pollingInterval,
});
