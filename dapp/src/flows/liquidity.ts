/** Joining and leaving the providers' curve of a market, as declared flows. */
import { type Address, parseEventLogs } from "viem";
import { BackstopAMMAbi } from "../../../sdk/src/abi.ts";
import { formatLots } from "../../../sdk/src/units.ts";
import { type Joining, joinCall, type Leaving, leaveCall, type Provision, SHARE_DECIMALS } from "../data/liquidity.ts";
import type { PortfolioData } from "../data/portfolioPage.ts";
import type { Reader } from "../data/reader.ts";
import type { Flow } from "../flow/types.ts";
import { fixed, usd } from "../lib/format.ts";

export const shareText = (shares: bigint): string => fixed(shares, SHARE_DECIMALS, 4);

/** @param minShares {share} */
export function joinFlow(
  reader: Reader,
  owner: Address,
  { view, shares: before }: Provision,
  joining: Joining,
  minShares: bigint,
): Flow<PortfolioData> {
  return {
    title: `Join the ${view.name} curve`,
    steps: [{ kind: "send", label: "Join", call: () => joinCall(reader, owner, joining, minShares) }],
    verify: (receipt, page) => {
      const [added] = parseEventLogs({ abi: BackstopAMMAbi, eventName: "LiquidityAdded", logs: receipt.logs });
      if (added === undefined || sharesOn(page, view.index) === before) return undefined;
      return `You brought ${usd(added.args.cash)} and got ${shareText(added.args.shares)} shares of the ${view.name} curve.`;
    },
  };
}

/** @param minCash {u} */
export function leaveFlow(
  reader: Reader,
  owner: Address,
  { view, shares: before }: Provision,
  leaving: Leaving,
  minCash: bigint,
): Flow<PortfolioData> {
  return {
    title: `Leave the ${view.name} curve`,
    steps: [{ kind: "send", label: "Leave", call: () => leaveCall(reader, owner, leaving, minCash) }],
    verify: (receipt, page) => {
      const [removed] = parseEventLogs({ abi: BackstopAMMAbi, eventName: "LiquidityRemoved", logs: receipt.logs });
      if (removed === undefined || sharesOn(page, view.index) === before) return undefined;
      const { cash, lots } = removed.args;
      const position = lots === 0n ? "" : ` and a position of ${formatLots(lots, view.lotDecimals)} ${view.name}`;
      return `${usd(cash)}${position} are in your account.`;
    },
  };
}

const sharesOn = ({ liquidity }: PortfolioData, market: number): bigint | undefined =>
  liquidity.find(({ view }) => view.index === market)?.shares;
