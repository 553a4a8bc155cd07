/** One margin account, as the engine would settle it, at one block. {u} */
import { erc20Abi } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import type { Address } from "../../../sdk/src/deployment.ts";
import { type Exposure, healthOf } from "../../../sdk/src/margin.ts";
import { max, min } from "../../../sdk/src/math.ts";
import { type Health, Valuation } from "../../../sdk/src/types.ts";
import { accountId } from "../../../sdk/src/units.ts";
import { liquidationPrice } from "../lib/liquidationPrice.ts";
import type { MarketView } from "./markets.ts";
import type { Moment, Reader } from "./reader.ts";
import { snapshotAt } from "./reader.ts";

export interface Holding extends Exposure {
  readonly view: MarketView;
  readonly entry: bigint; // {u/lot} what a lot was opened at, funding and premium since included
  readonly profit: bigint; // {u} at the mark
  readonly liquidationPrice: bigint | undefined; // {u/lot}
}

export interface MarginAccount {
  readonly id: bigint;
  readonly cash: bigint; // {u}
  readonly unhealthySince: bigint; // {s}
  readonly claim: bigint; // {u}
  readonly balance: bigint; // {asset} in the wallet
  readonly allowance: bigint; // {asset} that the engine may take
  readonly holdings: readonly Holding[];
  readonly mark: Health;
  readonly favourable: Health;
  readonly unfavourable: Health;
  readonly withdrawable: bigint; // {u} before a haircut
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
  const [[account, claim, mark, favourable, unfavourable, balance, allowance], positions] = await Promise.all([
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
  ]);
  const exposures = markets.flatMap((view, i) => {
    const position = positions[i];
    return position === undefined || position.lots === 0n
      ? []
      : [{ view, position, market: view.market, params: view.params }];
  });
  const { cash } = account;
  const free = healthOf(cash, exposures, Valuation.UNFAVOURABLE, false);
  return {
    ...{ id, cash, unhealthySince: account.unhealthySince, claim, mark, favourable, unfavourable, balance, allowance },
    withdrawable: max(0n, min(cash, free.capped - free.initial)),
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
