/** Liquidation and takeover as a declared flow. */
import { type Address, parseEventLogs } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { formatLots } from "../../../sdk/src/units.ts";
import type { Candidate, KeeperData } from "../data/keeperPage.ts";
import type { Reader } from "../data/reader.ts";
import { type Rescue, rescueCall } from "../data/rescues.ts";
import { marketOf, type Names } from "../errors/words.ts";
import type { Flow } from "../flow/types.ts";
import { usd } from "../lib/format.ts";

export const RESCUES: Readonly<Record<Rescue["kind"], string>> = {
  amm: "Liquidate through the AMM",
  into: "Liquidate into my account",
  takeover: "Take over",
};

/** @param cash {u} of the actor's account before */
export function rescueFlow(
  reader: Reader,
  { id }: Candidate,
  rescue: Rescue,
  { actor, cash, names }: { actor: Address; cash: bigint; names: Names },
): Flow<KeeperData> {
  const title = RESCUES[rescue.kind];
  return {
    title,
    steps: [{ kind: "send", label: title, call: () => rescueCall(reader, id, rescue, actor, rescue.limits) }],
    verify: (receipt, page) => {
      const liquidated = parseEventLogs({ abi: MarginEngineAbi, eventName: "Liquidated", logs: receipt.logs })[0];
      const taken = parseEventLogs({ abi: MarginEngineAbi, eventName: "TakenOver", logs: receipt.logs })[0];
      const seen = page.candidates.find((candidate) => candidate.id === id);
      if (page.cash === undefined || (taken !== undefined && seen !== undefined)) return undefined;
      const earned = `Your account's cash went from ${usd(cash)} to ${usd(page.cash)}.`;
      if (taken !== undefined)
        return `The pool took the account over with ${usd(taken.args.equity)} of equity. ${earned}`;
      if (liquidated === undefined) return undefined;
      const { market, lots, penalty } = liquidated.args;
      const { name, lotDecimals } = marketOf(names, market);
      const gained = `${formatLots(lots, lotDecimals)} ${name} of its position are yours now.`;
      return `The account paid a penalty of ${usd(penalty)}. ${rescue.kind === "into" ? gained : earned}`;
    },
  };
}
