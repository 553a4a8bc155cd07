/** Joining a pool: amount, preview, permit or approval, deposit. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useBackstop } from "../../backstop.ts";
import type { TrancheName } from "../../data/pools.ts";
import { type DepositPreview, depositPreviewQuery, type StakePageData } from "../../data/stakePage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import { DEADLINE, depositFlow } from "../../flows/stake.ts";
import { parseAmount } from "../../lib/amount.ts";
import { date, duration, fixed, percent } from "../../lib/format.ts";
import { AmountField } from "../../ui/AmountField.tsx";
import { Figures, Panel } from "../../ui/parts.tsx";
import type { Actor } from "../../wallet/useActor.ts";

const SLIPPAGES = [10n, 50n, 100n] as const; // {bps}
const BPS = 10_000n;
const NEVER = 2n ** 32n - 1n;

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
          <label htmlFor={`${id}-slippage`}>Accept at most</label>
          <select
            id={`${id}-slippage`}
            value={slippage.toString()}
            onChange={(e) => setSlippage(BigInt(e.target.value))}
          >
            {SLIPPAGES.map((bps) => (
              <option key={bps} value={bps.toString()}>
                {percent(bps, BPS, 1)} fewer shares
              </option>
            ))}
          </select>
        </div>
        {token.permit === undefined ? null : (
          <label className="check">
            <input type="checkbox" checked={approves} onChange={(e) => setApproves(e.target.checked)} />
            Approve by a transaction instead of signing a permit (for wallets that are contracts)
          </label>
        )}
        {preview === undefined || assets === 0n ? null : (
          <Preview preview={preview} assets={assets} minShares={minShares} data={data} tranche={tranche} />
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

interface PreviewProps {
  readonly preview: DepositPreview;
  readonly assets: bigint;
  readonly minShares: bigint;
  readonly data: StakePageData;
  readonly tranche: TrancheName;
}

function Preview({ preview, assets, minShares, data, tranche }: PreviewProps) {
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

function closedBecause({ pools, block }: StakePageData, tranche: TrancheName): string | undefined {
  const { joinsFrom, maxDeposit } = pools[tranche];
  if (joinsFrom >= NEVER) return "The pool takes no stake while a loss is pending.";
  if (joinsFrom > block.timestamp) return `The pool takes no stake before ${date(joinsFrom)}.`;
  if (maxDeposit === 0n && tranche === "senior")
    return "The senior pool is full: it may only grow with the junior pool in front of it.";
  return undefined;
}

function limitOf(
  tranche: TrancheName,
  most: bigint,
  { pools }: StakePageData,
  token: { readonly decimals: number; readonly symbol: string },
): string {
  const why =
    tranche === "senior" ? ` The junior pool must stay at least ${percent(pools.attachmentBps, BPS, 0)} of both.` : "";
  return `The pool takes ${fixed(most, token.decimals)} ${token.symbol} at most now.${why}`;
}
