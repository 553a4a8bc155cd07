/** Accounts by how near they are to liquidation, and what acting on them would pay. At one block. */
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { Valuation } from "../../../sdk/src/types.ts";
import type { Settings } from "../config.ts";
import { accountOf } from "./account.ts";
import { type Deficit, readDeficit } from "./deficit.ts";
import { latest, type Moment, type Reader, snapshotAt } from "./reader.ts";
import { type Rescue, readRescues } from "./rescues.ts";
import { readTraders, type TraderSource } from "./traders.ts";

/** Accounts that are shown, those nearest to liquidation first. */
const SHOWN = 25;

export interface Candidate {
  readonly id: bigint;
  readonly equity: bigint; // {u} at the favourable edge
  readonly maintenance: bigint; // {u}
  readonly notional: bigint; // {u}
  readonly unhealthySince: bigint; // {s}
  readonly markets: readonly number[];
  /** What would succeed now, sent by the connected account. */
  readonly rescues: readonly Rescue[];
}

export interface KeeperData {
  readonly block: Moment;
  readonly candidates: readonly Candidate[];
  readonly known: number; // accounts with a position
  readonly source: TraderSource;
  readonly deficit: Deficit;
  readonly cash: bigint | undefined; // {u} of the connected person's account
}

type Open = Omit<Candidate, "rescues">;

export const isUnhealthy = ({ equity, maintenance }: Pick<Candidate, "equity" | "maintenance">): boolean =>
  equity < maintenance;

/** The one place that says whose accounts there are: {@link readTraders}. */
export async function readKeeper(
  reader: Reader,
  actor: Address | undefined,
  indexerUrl: string | undefined,
): Promise<KeeperData> {
  const block = await latest(reader);
  const { ids, source } = await readTraders(reader, indexerUrl, block);
  const [open, deficit, cash] = await Promise.all([
    readOpen(reader, ids, block),
    readDeficit(reader, block),
    readCash(reader, actor, block),
  ]);
  const nearest = open.sort((a, b) => (a.equity * b.maintenance < b.equity * a.maintenance ? -1 : 1)).slice(0, SHOWN);
  const candidates = await Promise.all(
    nearest.map(async (account) => ({
      ...account,
      rescues:
        isUnhealthy(account) && actor !== undefined
          ? await readRescues(reader, account.id, account.markets, actor, block)
          : [],
    })),
  );
  return { block, candidates, known: open.length, source, deficit, cash };
}

/** Those of the accounts that have a position. */
async function readOpen({ client, deployment }: Reader, ids: readonly bigint[], block: Moment): Promise<Open[]> {
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi } as const;
  const [healths, accounts] = await Promise.all([
    client.multicall({
      ...snapshotAt(block),
      contracts: ids.map((id) => ({ ...engine, functionName: "health", args: [id, Valuation.FAVOURABLE] }) as const),
    }),
    client.multicall({
      ...snapshotAt(block),
      contracts: ids.map((id) => ({ ...engine, functionName: "accounts", args: [id] }) as const),
    }),
  ]);
  return ids.flatMap((id, i) => {
    const [health, account] = [healths[i], accounts[i]];
    if (health === undefined || account === undefined || account.markets === 0n) return [];
    const { equity, maintenance, notional } = health;
    const markets = deployment.markets.map(({ index }) => index).filter((m) => (account.markets >> BigInt(m)) & 1n);
    return [{ id, equity, maintenance, notional, unhealthySince: account.unhealthySince, markets }];
  });
}

async function readCash({ client, deployment }: Reader, actor: Address | undefined, block: Moment) {
  if (actor === undefined) return undefined;
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi, functionName: "accounts" } as const;
  return (await client.readContract({ ...engine, args: [accountOf(actor)], blockNumber: block.number })).cash;
}

export const keeperQuery = (
  reader: Reader,
  actor: Address | undefined,
  { indexerUrl }: Pick<Settings, "indexerUrl">,
) => ({
  queryKey: ["keeper", reader.deployment.contracts.engine, actor ?? "nobody"],
  queryFn: () => readKeeper(reader, actor, indexerUrl),
  refetchInterval: 2 * reader.client.pollingInterval,
});
