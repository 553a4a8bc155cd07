/** Shown only when there is one: what no layer could pay, and what withdrawals wait for. */
import type { RiskPageData } from "../../data/riskPage.ts";
import { usd } from "../../lib/format.ts";
import { Notice } from "../../ui/parts.tsx";

export function DeficitPanel({ data: { pools, markets } }: { data: RiskPageData }) {
  if (pools.totalDeficit === 0n && pools.totalClaims === 0n) return null;
  const of = markets.filter(({ deficit }) => deficit > 0n).map(({ name, deficit }) => `${name} ${usd(deficit)}`);
  return (
    <Notice tone="bad" title={`Deficits of ${usd(pools.totalDeficit)}, claims of ${usd(pools.totalClaims)}`}>
      {of.length === 0 ? null : <p>By market: {of.join(", ")}.</p>}
      <p>
        Every withdrawal from the engine is cut by the same fraction while a deficit stands; what is withheld becomes a
        claim, which income repays before it reaches the pools.
      </p>
    </Notice>
  );
}
