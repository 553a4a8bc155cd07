/** One margin account, as the engine would settle it, at one block. {u} */
import { erc20Abi } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { type Exposure, healthOf } from "../../../sdk/src/margin.ts";
import { max, min } from "../../../sdk/src/math.ts";
import { type Account, type Health, type Position, Valuation } from "../../../sdk/src/types.ts";
import { accountId } from "../../../sdk/src/units.ts";
import { liquidationPrice } from "../lib/liquidationPrice.ts";
import type { MarketView } from "./markets.ts";
import type { Moment, Reader } from "./reader.ts";
import { snapshotAt } from "./reader.ts";
import { answerOf } from "./refusal.ts";

export interface Holding extends Exposure {
  readonly view: MarketView;
  readonly entry: bigint; // {u/lot} what a lot was opened at, funding and premium since included
  readonly profit: bigint; // {u} at the mark
  readonly liquidationPrice: bigint | undefined; // {u/lot}
}

/** What is in an account, at one moment: now, or as a transaction would leave it. */
export interface Standing {
  readonly cash: bigint; // {u}
  readonly holdings: readonly Holding[];
  readonly mark: Health;
  readonly favourable: Health;
  readonly unfavourable: Health;
  readonly claim: bigint; // {u} still owed to it
  readonly withdrawable: bigint; // {u} before a haircut
  readonly initialToLeave: bigint; // {u} initial margin that a withdrawal must leave, at the unfavourable edge
}

/** What the engine says of an account; positions in the order of the markets. */
export interface Told {
  readonly account: Pick<Account, "cash">;
  readonly positions: readonly Position[];
  readonly claim: bigint; // {u}
  readonly healths: readonly [mark: Health, favourable: Health, unfavourable: Health];
}

export interface MarginAccount extends Standing {
  readonly id: bigint;
  readonly unhealthySince: bigint; // {s}
  readonly claimable: bigint; // {u} what income has paid on its claim and it has not collected
  readonly balance: bigint; // {asset} in the wallet
  readonly allowance: bigint; // {asset} that the engine may take
  /** Markets where deleveraging has closed lots that are still in somebody's position in the ledger: {lot} of both sides. */
  readonly unsettled: readonly { readonly view: MarketView; readonly pending: bigint }[];
}

/** The first account of an owner: sub-account 0. */
export const accountOf = (owner: Address): bigint => accountId(BigInt(owner), 0n);

export async function readAccount(
  { client, deployment }: Reader,
  owner: Address,
  markets: readonly MarketView[],
  block: Moment,
): Promise<MarginAccount> {
  const id = accountOf(owner);
  const engine = { address: deployment.contracts.engine, abi: MarginEngineAbi } as const;
  const token = { address: deployment.contracts.token, abi: erc20Abi } as const;
  const readSides = (isLong: boolean) =>
    client.multicall({
      ...snapshotAt(block),
      contracts: markets.map(({ index }) => ({ ...engine, functionName: "sides", args: [index, isLong] }) as const),
    });
  const [figures, positions, longs, shorts, collected] = await Promise.all([
    client.multicall({
      ...snapshotAt(block),
      contracts: [
        { ...engine, functionName: "accounts", args: [id] },
        { ...engine, functionName: "claims", args: [id] },
        { ...engine, functionName: "health", args: [id, Valuation.MARK] },
        { ...engine, functionName: "health", args: [id, Valuation.FAVOURABLE] },
        { ...engine, functionName: "health", args: [id, Valuation.UNFAVOURABLE] },
        { ...token, functionName: "balanceOf", args: [owner] },
        { ...token, functionName: "allowance", args: [owner, engine.address] },
      ],
    }),
    client.multicall({
      ...snapshotAt(block),
      contracts: markets.map(({ index }) => ({ ...engine, functionName: "positions", args: [id, index] }) as const),
    }),
    readSides(true),
    readSides(false),
    answerOf(
      client.simulateContract({ ...engine, functionName: "collectClaim", args: [id], blockNumber: block.number }),
    ),
  ]);
  const [account, claim, mark, favourable, unfavourable, balance, allowance] = figures;
  const pendingOf = (i: number) => (longs[i]?.pending ?? 0n) + (shorts[i]?.pending ?? 0n);
  return {
    ...standingOf({ account, positions, claim, healths: [mark, favourable, unfavourable] }, markets),
    ...{ id, unhealthySince: account.unhealthySince, balance, allowance, claimable: collected.value?.result ?? 0n },
    unsettled: markets.map((view, i) => ({ view, pending: pendingOf(i) })).filter(({ pending }) => pending > 0n),
  };
}

/** @param markets in the order of the positions */
export function standingOf({ account, positions, claim, healths }: Told, markets: readonly MarketView[]): Standing {
  const { cash } = account;
  const [mark, favourable, unfavourable] = healths;
  const exposures = markets.flatMap((view, i) => {
    const position = positions[i];
    return position === undefined || position.lots === 0n
      ? []
      : [{ view, position, market: view.market, params: view.params }];
  });
  const free = healthOf(cash, exposures, Valuation.UNFAVOURABLE, false);
  return {
    ...{ cash, claim, mark, favourable, unfavourable },
    withdrawable: max(0n, min(cash, free.capped - free.initial)),
    initialToLeave: free.initial,
    holdings: exposures.map((exposure) => holdingOf(cash, exposures, exposure)),
  };
}

type Open = Exposure & { readonly view: MarketView };

function holdingOf(cash: bigint, all: readonly Open[], of: Open): Holding {
  const { position, market } = of;
  const index = position.lots > 0n ? market.indexLong : market.indexShort;
  const entry = index - position.quote / position.lots;
  return {
    ...of,
    entry,
    profit: position.quote + position.lots * (market.price - index),
    liquidationPrice: liquidationPrice(cash, all, of),
  };
}
