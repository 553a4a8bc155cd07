/** A claim of the account: what it is, what has been paid on it, and the button that collects that. */
import { useBackstop } from "../../backstop.ts";
import { collectClaimFlow } from "../../flows/margin.ts";
import { percent, usd } from "../../lib/format.ts";
import { Figures, Panel } from "../../ui/parts.tsx";
import type { AccountProps } from "./props.ts";

export function ClaimPanel({ data: { deficit }, account, actor, flow }: AccountProps) {
  const { reader } = useBackstop();
  const { claim, claimable } = account;
  if (claim === 0n && claimable === 0n) return null;
  return (
    <Panel title="Your claim">
      <Figures
        rows={[
          {
            label: "Still owed to you",
            value: usd(claim),
            hint: `${percent(claim, deficit.claims)} of all claims, ${usd(deficit.claims)}. Income is divided between claims and deficits, in proportion, before it reaches the stakers.`,
          },
          {
            label: "Paid on it, to be collected",
            value: usd(claimable),
            hint:
              claimable === 0n
                ? "No income has come since you last collected. Nothing is lost by waiting."
                : "It becomes cash of your account.",
          },
        ]}
      />
      <button
        type="button"
        disabled={actor.obstacle !== undefined || claimable === 0n || flow.isRunning}
        onClick={() => void flow.start(collectClaimFlow(reader, account))}
      >
        Collect {usd(claimable)}
      </button>
    </Panel>
  );
}
