/** What leaving would come to now: what is paid, what a deficit withholds, what margin holds back, what the gate has to do with it. */
import { useBackstop } from "../../backstop.ts";
import { withdrawalQuery } from "../../data/withdrawal.ts";
import { useTried } from "../../flow/useTried.ts";
import { date, fixed, percent, usd } from "../../lib/format.ts";
import { Figures, Panel, type Row } from "../../ui/parts.tsx";
import type { AccountProps } from "./props.ts";

export function LeavingPanel({ data, account, owner }: AccountProps) {
  const { reader, token } = useBackstop();
  const { deficit, pools, block } = data;
  const most = account.withdrawable / pools.tokenUnit; // {asset}
  const { value: tried, problem: refused } = useTried(withdrawalQuery(reader, owner, most, data), most > 0n);
  const { gateEnd } = pools.junior;
  const withheld = tried === undefined ? 0n : tried.after.claim - account.claim;
  const paid = most === 0n ? 0n : tried?.paid;
  const rows: readonly Row[] = [
    {
      label: "Paid to your wallet",
      value:
        refused === undefined ? (paid === undefined ? "…" : `${fixed(paid, token.decimals)} ${token.symbol}`) : "–",
      hint: refused ?? `Of the ${fixed(most, token.decimals)} ${token.symbol} that margin lets go.`,
    },
    {
      label: "Withheld by the haircut",
      value: usd(withheld),
      hint:
        deficit.total === 0n
          ? "Nothing: there is no deficit. While there is one, every withdrawal is cut alike and the rest becomes a claim."
          : `It becomes a claim. Withdrawals are paid ${percent(deficit.held, deficit.held + deficit.total)}: a deficit of ${usd(deficit.total)} stands against ${usd(deficit.held)} held.`,
    },
    {
      label: "Held back by margin",
      value: usd(account.mark.equity - account.withdrawable),
      hint:
        account.holdings.length === 0
          ? "Nothing but what is less than a unit of the token: you have no position."
          : `Your positions need ${usd(account.initialToLeave)} of initial margin at the price less favourable to you, and open profit is not cash yet.`,
    },
    {
      label: "The gate",
      value: gateEnd > block.timestamp ? "closed" : "open",
      hint:
        gateEnd > block.timestamp
          ? `It holds back stakers, at the latest until ${date(gateEnd)}. It does not touch your margin.`
          : "Closed or open, it holds back stakers only: margin can always be withdrawn.",
    },
  ];
  return (
    <Panel title="If you took everything out now">
      <Figures rows={rows} />
    </Panel>
  );
}
