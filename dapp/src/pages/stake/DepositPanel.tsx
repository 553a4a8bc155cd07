/** Joining a pool: amount, preview, permit or approval, deposit. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { BPS } from "../../../../sdk/src/units.ts";
import { useBackstop } from "../../backstop.ts";
import type { TrancheName } from "../../data/pools.ts";
import { depositPreviewQuery, type StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { DEADLINE, depositFlow } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { AmountField } from "../../ui/AmountField.tsx";
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
  const [text, setText] = useState("");
  const [slippage, setSlippage] = useState<bigint>(SLIPPAGES[0]);
  const [approves, setApproves] = useState(false);
  const id = useId();
  const amount = parseAmount(text, token.decimals);
  const assets = amount.kind === "ok" ? amount.value : 0n;
  const pool = data.pools[tranche];
  const { holder, block } = data;
  const preview = useQuery({ ...depositPreviewQuery(reader, tranche, assets, block), enabled: assets > 0n }).data;
  const minShares = preview === undefined ? 0n : (preview.shares * (BPS - slippage)) / BPS;
  const problem =
    (holder !== undefined && assets > holder.balance ? "That is more than you hold." : undefined) ??
    (assets > pool.maxDeposit ? limitOf(tranche, pool.maxDeposit, data, token) : undefined);
  const obstacle = actor.obstacle ?? closedBecause(data, tranche);
  const canStart = obstacle === undefined && problem === undefined && assets > 0n && minShares > 0n && !flow.isRunning;
  const permit = approves ? undefined : token.permit;

  async function start() {
    if (holder === undefined) return;
    const terms = { tranche, owner: holder.address, assets, minShares, permit, allowance: holder[tranche].allowance };
    const done = await flow.start(depositFlow(reader, token, { ...terms, deadline: block.timestamp + DEADLINE }));
    if (done.status === "done") setText("");
  }

  return (
    <Panel title={`Stake in the ${tranche} pool`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canStart) void start();
        }}
      >
        <AmountField
          label="Amount"
          symbol={token.symbol}
          decimals={token.decimals}
          text={text}
          amount={amount}
          onChange={setText}
          most={holder?.balance}
          mostLabel="In your wallet"
          problem={problem}
          disabled={flow.isRunning}
        />
        <div className="field-row">
          <SlippageSelect value={slippage} what="fewer shares" onChange={setSlippage} />
        </div>
        {token.permit === undefined ? null : (
          <label className="check">
            <input type="checkbox" checked={approves} onChange={(e) => setApproves(e.target.checked)} />
            Approve by a transaction instead of signing a permit (for wallets that are contracts)
          </label>
        )}
        {preview === undefined || assets === 0n ? null : (
          <DepositFigures preview={preview} assets={assets} minShares={minShares} data={data} tranche={tranche} />
        )}
        <button type="submit" className="primary wide" disabled={!canStart} aria-describedby={`${id}-obstacle`}>
          Stake
        </button>
        <p id={`${id}-obstacle`} className="hint">
          {obstacle ?? ""}
        </p>
      </form>
    </Panel>
  );
}
