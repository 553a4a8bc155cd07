/** What a staker can do, as declared flows: deposit, request an exit, claim, take back. */
import { type Address, parseEventLogs, type TransactionReceipt } from "viem";
import { BackstopPoolAbi } from "../../../sdk/src/abi.ts";
import type { Request } from "../data/holder.ts";
import type { Tranche, TrancheName } from "../data/pools.ts";
import type { Reader } from "../data/reader.ts";
import type { StakePageData } from "../data/stakePage.ts";
import type { Token } from "../data/token.ts";
import type { Flow } from "../flow/types.ts";
import { fixed } from "../lib/format.ts";
import { payingSteps } from "./paying.ts";

type StakeFlow = Flow<StakePageData>;

/** {s} a deposit may wait to be mined. */
export const DEADLINE = 20n * 60n;

export interface DepositTerms {
  readonly tranche: TrancheName;
  readonly owner: Address;
  readonly assets: bigint;
  readonly minShares: bigint;
  readonly deadline: bigint; // {s} of the chain
  readonly allowance: bigint; // {asset} what the pool may take already
  /** Signed instead of an approval; undefined when the token takes none or the person wants to approve. */
  readonly permit: Token["permit"];
}

export function depositFlow(reader: Reader, token: Token, terms: DepositTerms): StakeFlow {
  const { tranche, owner, assets, minShares, deadline, allowance, permit } = terms;
  const pool = reader.deployment.contracts[tranche];
  const call = { address: pool, abi: BackstopPoolAbi } as const;
  const steps = payingSteps(reader, token, {
    ...{ owner, spender: pool, amount: assets, deadline, allowance, permit, label: "Deposit" },
    plain: { ...call, functionName: "depositWithin", args: [assets, owner, minShares, deadline] },
    permitted: ({ v, r, s }) => ({
      ...{ ...call, functionName: "depositWithPermit" },
      args: [assets, owner, minShares, deadline, v, r, s],
    }),
  });
  return {
    title: `Stake in the ${tranche} pool`,
    steps,
    verify: (receipt, { holder }) => {
      const [minted] = parseEventLogs({ abi: BackstopPoolAbi, eventName: "Deposit", logs: receipt.logs });
      const seen = holder?.[tranche];
      if (minted === undefined || seen === undefined || seen.shares < minted.args.shares) return undefined;
      return `You staked ${fixed(minted.args.assets, token.decimals)} ${token.symbol} in the ${tranche} pool.`;
    },
  };
}

export function requestFlow(reader: Reader, tranche: TrancheName, owner: Address, shares: bigint): StakeFlow {
  return {
    title: `Request an exit from the ${tranche} pool`,
    steps: [
      {
        kind: "send",
        label: "Request the exit",
        call: () => poolCall(reader, tranche, "requestRedeem", [shares, owner, owner]),
      },
    ],
    verify: (receipt, { holder }) => {
      const id = requested(receipt);
      const isSeen = holder?.[tranche].requests.some((request) => request.id === id) === true;
      return isSeen ? `Request ${id} waits in the ${tranche} pool. Its count-down is below.` : undefined;
    },
  };
}

/** Of all shares of a request that may be claimed. @param minAssets {asset} refuse to be paid less */
export function claimFlow(
  reader: Reader,
  token: Token,
  owner: Address,
  { tranche, id, shares, valueCap }: Request,
  { minAssets, deadline }: { readonly minAssets: bigint; readonly deadline: bigint },
): StakeFlow {
  return {
    title: `Claim request ${id} of the ${tranche} pool`,
    steps: [
      {
        kind: "send",
        label: "Claim",
        call: () => poolCall(reader, tranche, "claimExitWithin", [owner, id, shares, owner, minAssets, deadline]),
      },
    ],
    verify: (receipt, { holder }) => {
      const [claimed] = parseEventLogs({ abi: BackstopPoolAbi, eventName: "ExitClaimed", logs: receipt.logs });
      if (claimed === undefined || holder === undefined || hasRequest(holder[tranche].requests, id)) return undefined;
      const { assets } = claimed.args;
      const tokens = (amount: bigint) => `${fixed(amount, token.decimals)} ${token.symbol}`;
      const lost = valueCap - assets;
      const less = isVisible(lost, token)
        ? `, ${tokens(lost)} less than when you asked: the pool has paid losses since`
        : "";
      return `${tokens(assets)} are in your wallet${less}.`;
    },
  };
}

/** Gives the shares of a request back: cancelled by its owner, or lapsed. @param decimals of the shares */
export function cancelFlow(
  reader: Reader,
  owner: Address,
  { tranche, id, shares }: Request,
  { decimals }: Pick<Tranche, "decimals">,
): StakeFlow {
  return {
    title: `Take back request ${id} of the ${tranche} pool`,
    steps: [
      { kind: "send", label: "Take the shares back", call: () => poolCall(reader, tranche, "cancelExit", [owner, id]) },
    ],
    verify: (receipt, { holder }) => {
      const [cancelled] = parseEventLogs({ abi: BackstopPoolAbi, eventName: "ExitCancelled", logs: receipt.logs });
      if (cancelled === undefined || holder === undefined || hasRequest(holder[tranche].requests, id)) return undefined;
      const back = cancelled.args.shares;
      const text = (amount: bigint) => fixed(amount, decimals, 4);
      const forgone = back < shares ? `; ${text(shares - back)} are given up for what they gained meanwhile` : "";
      return `${text(back)} shares of request ${id} are yours again, and earn from now on${forgone}.`;
    },
  };
}

/** A hundredth of a token or more: rounding takes less. */
export const isVisible = (amount: bigint, { decimals }: Pick<Token, "decimals">): boolean =>
  amount * 100n >= 10n ** BigInt(decimals);

const poolCall = (reader: Reader, tranche: TrancheName, functionName: string, args: readonly unknown[]) => ({
  ...{ address: reader.deployment.contracts[tranche], abi: BackstopPoolAbi, functionName, args },
});

const hasRequest = (requests: readonly Request[], id: bigint): boolean => requests.some((open) => open.id === id);

function requested(receipt: TransactionReceipt): bigint | undefined {
  const [log] = parseEventLogs({ abi: BackstopPoolAbi, eventName: "ExitRequested", logs: receipt.logs });
  return log?.args.requestId;
}
