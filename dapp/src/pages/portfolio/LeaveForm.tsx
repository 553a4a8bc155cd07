/** Shares of a curve for cash, or in kind: for their part of its position and its equity. */
import { useState } from "react";
import { BPS, formatLots } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { leaveQuery, SHARE_DECIMALS } from "../../data/liquidity.ts";
import { useTried } from "../../flow/useTried.ts";
import { leaveFlow } from "../../flows/liquidity.ts";
import { usd } from "../../lib/format.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { LiquidityProps } from "./LiquidityPanel.tsx";

export function LeaveForm({ data, owner, actor, flow, provision }: LiquidityProps) {
  const { reader } = useBackstop();
  const typed = useAmount(SHARE_DECIMALS);
  const [inKind, setInKind] = useState(false);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const { view } = provision;
  const leaving = { market: view.index, shares: typed.value, inKind };
  const { value: left, problem } = useTried(leaveQuery(reader, owner, leaving, data.block), leaving.shares > 0n);
  const least = ((left?.cash ?? 0n) * (BPS - slippage)) / BPS; // {u}
  return (
    <AmountForm
      {...{ typed, problem, flow, label: "Give back", symbol: "shares", button: "Leave the curve" }}
      obstacle={actor.obstacle}
      most={provision.shares}
      mostLabel="You hold"
      start={left === undefined ? undefined : () => flow.start(leaveFlow(reader, owner, provision, leaving, least))}
    >
      <div className="field-row">
        <SlippageSelect value={slippage} what="less cash" onChange={setSlippage} />
        <label className="check">
          <input type="checkbox" checked={inKind} onChange={(event) => setInKind(event.target.checked)} />
          In kind, with their part of the position
        </label>
      </div>
      <p className="hint">
        {left === undefined
          ? "In cash the position is priced at the edge less favourable to you; in kind at the mark, which is the same part at any price."
          : `Your account gets ${usd(left.cash)}${left.lots === 0n ? "" : ` and ${formatLots(left.lots, view.lotDecimals)} ${view.name} at the mark`}; never less than ${usd(least)} of cash.`}
      </p>
    </AmountForm>
  );
}
