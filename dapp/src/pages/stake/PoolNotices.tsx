/** What is not as usual: paused pools, a closed gate, a price that nobody can rely on, data that is old. */
import { TRANCHES } from "../../data/pools.ts";
import type { StakePageData } from "../../data/stakePage.ts";
import { date } from "../../lib/format.ts";
import { DeficitNotice } from "../../ui/DeficitNotice.tsx";
import { MarketNotices } from "../../ui/MarketNotices.tsx";
import { Notice } from "../../ui/parts.tsx";

export function PoolNotices({ data, isOld }: { data: StakePageData; isOld: boolean }) {
  const now = data.block.timestamp;
  const { pools, markets, deficit } = data;
  const gateEnd = pools.junior.gateEnd;
  return (
    <>
      {isOld ? (
        <Notice tone="bad" title="The node of the chain does not answer.">
          What is shown is of block {data.block.number.toString()}, {date(now)}.
        </Notice>
      ) : null}
      {gateEnd > now ? (
        <Notice tone="warn" title="The gate is closed.">
          Accounts may have lost more than their margin. Until that is known nobody joins or claims, at the latest until{" "}
          {date(gateEnd)}; the clocks of exit requests stand still.
        </Notice>
      ) : null}
      {TRANCHES.filter((name) => pools[name].pausedUntil > now).map((name) => (
        <Notice key={name} tone="warn" title={`The ${name} pool is paused until ${date(pools[name].pausedUntil)}.`}>
          It takes no new stake; what is claimable stays claimable, and cooldowns stand still.
        </Notice>
      ))}
      <DeficitNotice deficit={deficit} />
      <MarketNotices markets={markets} />
    </>
  );
}
