/** Cash of the margin account for shares of a curve. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { BPS } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { joinQuery } from "../../data/liquidity.ts";
import { explain } from "../../errors/explain.ts";
import { joinFlow, shareText } from "../../flows/liquidity.ts";
import { parseAmount } from "../../lib/amount.ts";
import { percent } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { LiquidityProps } from "./LiquidityPanel.tsx";

export function JoinForm({ data, account, owner, actor, flow, provision }: LiquidityProps) {
  const { reader, token, names } = useBackstop();
  const [text, setText] = useState("");
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const { tokenUnit } = data.pools;
  const amount = parseAmount(text, token.decimals);
  const cash = amount.kind === "ok" ? amount.value * tokenUnit : 0n; // {u}
  const joining = { market: provision.view.index, cash };
  const tried = useQuery({ ...joinQuery(reader, owner, joining, data.block), enabled: cash > 0n }).data;
  const shares = cash > 0n ? tried?.value : undefined;
  const problem = cash > 0n && tried?.refusal !== undefined ? explain(tried.refusal, names).sentence : undefined;
  const least = ((shares ?? 0n) * (BPS - slippage)) / BPS;
  const canStart = actor.obstacle === undefined && shares !== undefined && least > 0n && !flow.isRunning;

  async function start() {
    const done = await flow.start(joinFlow(reader, owner, provision, joining, least));
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
        {...{ label: "Bring", symbol: token.symbol, decimals: token.decimals, text, amount, problem }}
        onChange={setText}
        most={account.withdrawable / tokenUnit}
        mostLabel="Free in your account"
        disabled={flow.isRunning}
      />
      <div className="field-row">
        <SlippageSelect value={slippage} what="fewer shares" onChange={setSlippage} />
      </div>
      <p className="hint">
        {shares === undefined
          ? "What you bring leaves your margin. There is no deadline: the least you accept holds however late it is mined."
          : `You get ${shareText(shares)} shares, ${percent(shares, shares + provision.supply)} of the curve; never fewer than ${shareText(least)}.`}
      </p>
      <button type="submit" disabled={!canStart}>
        Join the curve
      </button>
    </form>
  );
}
