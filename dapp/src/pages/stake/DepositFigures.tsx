/** What a deposit gives: shares, what they are worth at once, and the earliest way out. */
import { useBackstop } from "../../backstop.ts";
import type { TrancheName } from "../../data/pools.ts";
import type { DepositPreview, StakePageData } from "../../data/stakePage.ts";
import { duration, fixed } from "../../lib/format.ts";
import { Figures } from "../../ui/parts.tsx";

interface Props {
  readonly preview: DepositPreview;
  readonly assets: bigint;
  readonly minShares: bigint;
  readonly data: StakePageData;
  readonly tranche: TrancheName;
}

export function DepositFigures({ preview, assets, minShares, data, tranche }: Props) {
  const { token } = useBackstop();
  const pool = data.pools[tranche];
  const later = assets - preview.worth;
  const shares = (value: bigint) => fixed(value, pool.decimals, 4);
  return (
    <Figures
      rows={[
        { label: "You get", value: `${shares(preview.shares)} shares`, hint: `never fewer than ${shares(minShares)}` },
        {
          label: "Worth at once",
          value: `${fixed(preview.worth, token.decimals)} ${token.symbol}`,
          hint:
            later > 1n
              ? `${fixed(later, token.decimals)} ${token.symbol} more vests within three days: it pays for income that has come and not vested yet.`
              : undefined,
        },
        {
          label: "Earliest way out",
          value: duration(pool.cooldown),
          hint: `after you ask for it; then ${duration(pool.claimWindow)} to claim`,
        },
      ]}
    />
  );
}
