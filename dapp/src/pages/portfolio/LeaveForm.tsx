/** Shares of a curve for cash, or in kind: for their part of its position and its equity. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { BPS, formatLots } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { leaveQuery, SHARE_DECIMALS } from "../../data/liquidity.ts";
import { explain } from "../../errors/explain.ts";
import { leaveFlow } from "../../flows/liquidity.ts";
import { parseAmount } from "../../lib/amount.ts";
import { usd } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { LiquidityProps } from "./LiquidityPanel.tsx";

export function LeaveForm({ data, owner, actor, flow, provision }: LiquidityProps) {
  const { reader, names } = useBackstop();
  const [text, setText] = useState("");
  const [inKind, setInKind] = useState(false);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const { view } = provision;
  const amount = parseAmount(text, SHARE_DECIMALS);
  const shares = amount.kind === "ok" ? amount.value : 0n;
  const leaving = { market: view.index, shares, inKind };
  const tried = useQuery({ ...leaveQuery(reader, owner, leaving, data.block), enabled: shares > 0n }).data;
  const left = shares > 0n ? tried?.value : undefined;
  const problem = shares > 0n && tried?.refusal !== undefined ? explain(tried.refusal, names).sentence : undefined;
  const least = ((left?.cash ?? 0n) * (BPS - slippage)) / BPS; // {u}
  const canStart = actor.obstacle === undefined && left !== undefined && !flow.isRunning;

  async function start() {
    const done = await flow.start(leaveFlow(reader, owner, provision, leaving, least));
    if (done.status === "done") setText("");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canStart) void start();
      }}
    >
      <AmountField
        {...{ label: "Give back", symbol: "shares", decimals: SHARE_DECIMALS, text, amount, problem }}
        onChange={setText}
        most={provision.shares}
        mostLabel="You hold"
        disabled={flow.isRunning}
      />
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
      <button type="submit" disabled={!canStart}>
        Leave the curve
      </button>
    </form>
  );
}
