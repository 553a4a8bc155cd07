/** Cash of the margin account for shares of a curve. */
import { useState } from "react";
import { BPS } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import { joinQuery } from "../../data/liquidity.ts";
import { useTried } from "../../flow/useTried.ts";
import { joinFlow, shareText } from "../../flows/liquidity.ts";
import { percent } from "../../lib/format.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { LiquidityProps } from "./LiquidityPanel.tsx";

export function JoinForm({ data, account, owner, actor, flow, provision }: LiquidityProps) {
  const { reader, token } = useBackstop();
  const typed = useAmount(token.decimals);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const { tokenUnit } = data.pools;
  const cash = typed.value * tokenUnit; // {u}
  const joining = { market: provision.view.index, cash };
  const { value: shares, problem } = useTried(joinQuery(reader, owner, joining, data.block), cash > 0n);
  const least = ((shares ?? 0n) * (BPS - slippage)) / BPS;
  return (
    <AmountForm
      {...{ typed, problem, flow, label: "Bring", symbol: token.symbol, button: "Join the curve" }}
      obstacle={actor.obstacle}
      most={account.withdrawable / tokenUnit}
      mostLabel="Free in your account"
      start={least > 0n ? () => flow.start(joinFlow(reader, owner, provision, joining, least)) : undefined}
    >
      <div className="field-row">
        <SlippageSelect value={slippage} what="fewer shares" onChange={setSlippage} />
      </div>
      <p className="hint">
        {shares === undefined
          ? "What you bring leaves your margin. There is no deadline: the least you accept holds however late it is mined."
          : `You get ${shareText(shares)} shares, ${percent(shares, shares + provision.supply)} of the curve; never fewer than ${shareText(least)}.`}
      </p>
    </AmountForm>
  );
}
