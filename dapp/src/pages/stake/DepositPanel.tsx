/** Joining a pool: amount, preview, permit or approval, deposit. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { BPS } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import type { Holder } from "../../data/holder.ts";
import type { TrancheName } from "../../data/pools.ts";
import { depositPreviewQuery, type StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { DEADLINE, depositFlow } from "../../flows/stake.ts";
import { AmountForm, useAmount } from "../../ui/AmountForm.tsx";
import { ApproveChoice } from "../../ui/ApproveChoice.tsx";
import { Panel } from "../../ui/parts.tsx";
import { SLIPPAGES, SlippageSelect } from "../../ui/SlippageSelect.tsx";
import type { Actor } from "../../wallet/useActor.ts";
import { DepositFigures } from "./DepositFigures.tsx";
import { closedBecause, limitOf } from "./joining.ts";

interface Props {
  readonly data: StakePageData;
  readonly tranche: TrancheName;
  readonly actor: Actor;
  readonly flow: FlowRunner<StakePageData>;
}

export function DepositPanel({ data, tranche, actor, flow }: Props) {
  const { reader, token } = useBackstop();
  const typed = useAmount(token.decimals);
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const [approves, setApproves] = useState(false);
  const assets = typed.value;
  const pool = data.pools[tranche];
  const { holder, block } = data;
  const read = useQuery({ ...depositPreviewQuery(reader, tranche, assets, block), enabled: assets > 0n }).data;
  const preview = assets > 0n ? read : undefined;
  const minShares = preview === undefined ? 0n : (preview.shares * (BPS - slippage)) / BPS;
  const problem =
    (holder !== undefined && assets > holder.balance ? "That is more than you hold." : undefined) ??
    (assets > pool.maxDeposit ? limitOf(tranche, pool.maxDeposit, data, token) : undefined);

  function start({ address, [tranche]: { allowance } }: Holder) {
    const permit = approves ? undefined : token.permit;
    const terms = { tranche, owner: address, assets, minShares, permit, allowance };
    return flow.start(depositFlow(reader, token, { ...terms, deadline: block.timestamp + DEADLINE }));
  }

  return (
    <Panel title={`Stake in the ${tranche} pool`}>
      <AmountForm
        {...{ typed, problem, flow, label: "Amount", symbol: token.symbol, button: "Stake" }}
        isPrimary
        obstacle={actor.obstacle ?? closedBecause(data, tranche)}
        most={holder?.balance}
        mostLabel="In your wallet"
        start={holder === undefined || minShares === 0n ? undefined : () => start(holder)}
      >
        <div className="field-row">
          <SlippageSelect value={slippage} what="fewer shares" onChange={setSlippage} />
        </div>
        <ApproveChoice approves={approves} onChange={setApproves} />
        {preview === undefined ? null : (
          <DepositFigures preview={preview} assets={assets} minShares={minShares} data={data} tranche={tranche} />
        )}
      </AmountForm>
    </Panel>
  );
}
