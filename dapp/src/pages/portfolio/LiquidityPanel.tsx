/** Liquidity: what the curve of a market is, what of it is the owner's, and the forms to join and to leave. */
import { useState } from "react";
import { formatLots } from "../../../../sdk/src/units.ts";
import type { Provision } from "../../data/liquidity.ts";
import { shareText } from "../../flows/liquidity.ts";
import { percent, usd } from "../../lib/format.ts";
import { Figures, Panel } from "../../ui/parts.tsx";
import { JoinForm } from "./JoinForm.tsx";
import { LeaveForm } from "./LeaveForm.tsx";
import type { AccountProps } from "./props.ts";
import { MarketSelect } from "./TradeFields.tsx";

const PPM = 1_000_000n;

/** A form of the panel: the market it is about is chosen above both. */
export interface LiquidityProps extends AccountProps {
  readonly provision: Provision;
}

export function LiquidityPanel(props: AccountProps) {
  const { markets, liquidity } = props.data;
  const [index, setIndex] = useState(markets[0]?.index ?? 0);
  const provision = liquidity.find(({ view }) => view.index === index);
  if (provision === undefined) return null;
  return (
    <Panel
      title="Provide liquidity"
      aside={<MarketSelect label="Curve" markets={markets} index={index} onChange={setIndex} />}
    >
      <p className="hint">
        The curve takes the other side of trades and liquidations. Its shares earn the fees and carry the position it is
        left with: they can lose.
      </p>
      <Curve {...provision} />
      <div className="columns">
        <JoinForm key={`join ${index}`} {...props} provision={provision} />
        <LeaveForm key={`leave ${index}`} {...props} provision={provision} />
      </div>
    </Panel>
  );
}

function Curve({ view, shares, supply, equity, lots, depth, feePpm, jumpFeePpm }: Provision) {
  return (
    <Figures
      rows={[
        {
          label: "Your shares",
          value: shareText(shares),
          hint: `${percent(shares, supply)} of a curve that is worth ${usd(equity)} at the mark`,
        },
        {
          label: "The curve's position",
          value: `${formatLots(lots, view.lotDecimals)} ${view.name}`,
          hint: `${usd(depth, 0)} of depth on either side of the price`,
        },
        {
          label: "Fee to its shares",
          value: percent(feePpm, PPM, 3),
          hint:
            jumpFeePpm === 0n
              ? "of what the curve trades"
              : `of what the curve trades, and ${percent(jumpFeePpm, PPM, 2)} more now, which falls to nothing in two minutes: the index has jumped`,
        },
      ]}
    />
  );
}
