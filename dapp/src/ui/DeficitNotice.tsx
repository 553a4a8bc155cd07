/** Shown only when there is something: what nobody could pay, what is owed for it, and what that means for everybody. */
import type { Deficit } from "../data/deficit.ts";
import { percent, usd } from "../lib/format.ts";
import { Notice } from "./parts.tsx";

export function DeficitNotice({ deficit: { held, total, claims, markets } }: { deficit: Deficit }) {
  if (total === 0n && claims === 0n) return null;
  const repaid = "Income repays it before it reaches the stakers.";
  if (total === 0n)
    return (
      <Notice tone="warn" title={`Claims of ${usd(claims)} stand.`}>
        They are what withdrawals were cut by. {repaid}
      </Notice>
    );
  const own = markets.map(({ name, amount }) => `${name} (${usd(amount)})`).join(", ");
  return (
    <Notice tone="bad" title={`A deficit of ${usd(total)} stands.`}>
      The engine holds {usd(held)} and owes {usd(held + total)}, so every withdrawal is paid{" "}
      {percent(held, held + total)} now, whoever comes first; the rest becomes a claim
      {claims === 0n ? "" : ` (${usd(claims)} so far)`}. {repaid}
      {own === "" ? "" : ` ${own} takes no new risk until it is repaid.`}
    </Notice>
  );
}
