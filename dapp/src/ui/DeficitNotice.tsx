/** Shown only while there is a deficit: what it means for who takes money out, and for who wants to trade. */
import type { Deficit } from "../data/deficit.ts";
import { percent, usd } from "../lib/format.ts";
import { Notice } from "./parts.tsx";

export function DeficitNotice({ deficit: { held, total, markets } }: { deficit: Deficit }) {
  if (total === 0n) return null;
  const names = markets.map(({ name }) => name).join(", ");
  return (
    <Notice tone="bad" title={`A deficit of ${usd(total)} stands.`}>
      The engine holds {usd(held)} and owes {usd(held + total)}, so every withdrawal is paid{" "}
      {percent(held, held + total)} now, whoever comes first; the rest becomes a claim, which income repays before it
      reaches the stakers.
      {names === "" ? "" : ` ${names} takes no new risk until it is repaid.`}
    </Notice>
  );
}
