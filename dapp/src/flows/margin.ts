/** What a trader can do, as declared flows: pay in, take out, trade, collect a claim. */
import { type Address, parseEventLogs } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { formatLots } from "../../../sdk/src/units.ts";
import type { MarginAccount } from "../data/account.ts";
import type { MarketView } from "../data/markets.ts";
import type { PortfolioData } from "../data/portfolioPage.ts";
import type { Reader } from "../data/reader.ts";
import type { Token } from "../data/token.ts";
import { type Order, tradeCall } from "../data/trade.ts";
import type { Flow } from "../flow/types.ts";
import { fixed, usd } from "../lib/format.ts";
import { payingSteps } from "./paying.ts";

type MarginFlow = Flow<PortfolioData>;

const engineOf = ({ deployment }: Reader) => ({ address: deployment.contracts.engine, abi: MarginEngineAbi }) as const;

export function fundFlow(
  reader: Reader,
  token: Token,
  owner: Address,
  { id, allowance, cash }: MarginAccount,
  { amount, deadline, permit }: { amount: bigint; deadline: bigint; permit: Token["permit"] },
): MarginFlow {
  const engine = engineOf(reader);
  return {
    title: "Pay margin in",
    steps: payingSteps(reader, token, {
      ...{ owner, spender: engine.address, amount, deadline, allowance, permit, label: "Pay in" },
      plain: { ...engine, functionName: "deposit", args: [id, amount] },
      permitted: ({ v, r, s }) => ({
        ...{ ...engine, functionName: "depositWithPermit" },
        args: [id, amount, deadline, v, r, s],
      }),
    }),
    verify: (receipt, { account }) => {
      const [deposited] = parseEventLogs({ abi: MarginEngineAbi, eventName: "Deposited", logs: receipt.logs });
      if (deposited === undefined || account === undefined || account.cash === cash) return undefined;
      return `${fixed(amount, token.decimals)} ${token.symbol} are in your account. Its cash is ${usd(account.cash)}.`;
    },
  };
}

/** @param amount {asset} @param minPaid {asset} */
export function withdrawFlow(
  reader: Reader,
  token: Token,
  owner: Address,
  { id, balance }: MarginAccount,
  amount: bigint,
  minPaid: bigint,
): MarginFlow {
  return {
    title: "Take margin out",
    steps: [
      {
        kind: "send",
        label: "Withdraw",
        call: () => ({ ...engineOf(reader), functionName: "withdraw", args: [id, amount, minPaid, owner] }),
      },
    ],
    verify: (receipt, { account }) => {
      const [withdrawn] = parseEventLogs({ abi: MarginEngineAbi, eventName: "Withdrawn", logs: receipt.logs });
      if (withdrawn === undefined || account === undefined) return undefined;
      const { paid } = withdrawn.args; // a deficit may leave nothing of it
      if (account.balance === balance && paid > 0n) return undefined;
      return `${fixed(paid, token.decimals)} ${token.symbol} are in your wallet.`;
    },
  };
}

export function tradeFlow(
  reader: Reader,
  { id }: MarginAccount,
  { index, name, lotDecimals }: MarketView,
  order: Order,
): MarginFlow {
  const { lots } = order;
  return {
    title: `${lots > 0n ? "Buy" : "Sell"} ${name}`,
    steps: [
      {
        kind: "send",
        label: lots > 0n ? "Buy" : "Sell",
        call: () => tradeCall(reader, id, order),
      },
    ],
    verify: (receipt, { account }) => {
      const fills = parseEventLogs({ abi: MarginEngineAbi, eventName: "Filled", logs: receipt.logs });
      const done = fills.reduce(
        (sum, { args }) => (args.buyer === id || args.seller === id ? sum + args.lots : sum),
        0n,
      );
      if (done === 0n || account === undefined) return undefined;
      const left = account.holdings.find(({ view }) => view.index === index)?.position.lots ?? 0n;
      return `${lots > 0n ? "Bought" : "Sold"} ${formatLots(done, lotDecimals)} ${name}. Your position is ${formatLots(left, lotDecimals)}.`;
    },
  };
}

export function collectClaimFlow(reader: Reader, { id }: MarginAccount): MarginFlow {
  return {
    title: "Collect what was paid on your claim",
    steps: [
      {
        kind: "send",
        label: "Collect",
        call: () => ({ ...engineOf(reader), functionName: "collectClaim", args: [id] }),
      },
    ],
    verify: (receipt, { account }) => {
      const [collected] = parseEventLogs({ abi: MarginEngineAbi, eventName: "ClaimCollected", logs: receipt.logs });
      if (collected === undefined || account === undefined || account.claimable > 0n) return undefined;
      return `${usd(collected.args.amount)} are in your account. ${usd(account.claim)} are still owed to you.`;
    },
  };
}
