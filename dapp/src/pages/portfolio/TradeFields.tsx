/** What of a trade is chosen, not typed: market, side, how much worse than the quote, whether it may open. */
import type { MarketView } from "../../data/markets.ts";
import { percent } from "../../lib/format.ts";

/** {bps} worse than the quote that is still accepted. */
export const SLIPPAGES = [10n, 50n, 100n] as const;
const BPS = 10_000n;

interface MarketProps {
  readonly label: string;
  readonly markets: readonly MarketView[];
  readonly index: number;
  readonly onChange: (index: number) => void;
}

export function MarketSelect({ label, markets, index, onChange }: MarketProps) {
  return (
    <label>
      {label}{" "}
      <select value={index} onChange={(event) => onChange(Number(event.target.value))}>
        {markets.map((market) => (
          <option key={market.index} value={market.index}>
            {market.name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function SideChoice({ isBuy, onChange }: { isBuy: boolean; onChange: (isBuy: boolean) => void }) {
  return (
    <fieldset className="choice">
      <legend>Side</legend>
      {[true, false].map((side) => (
        <label key={String(side)} className={side === isBuy ? "chosen" : undefined}>
          <input type="radio" name="side" checked={side === isBuy} onChange={() => onChange(side)} />
          {side ? "Buy" : "Sell"}
        </label>
      ))}
    </fieldset>
  );
}

interface SlippageProps {
  readonly value: bigint; // {bps}
  readonly what: string; // that is worse: "worse", "fewer shares"
  readonly onChange: (bps: bigint) => void;
}

export function SlippageSelect({ value, what, onChange }: SlippageProps) {
  return (
    <label>
      Accept at most{" "}
      <select value={value.toString()} onChange={(event) => onChange(BigInt(event.target.value))}>
        {SLIPPAGES.map((bps) => (
          <option key={bps} value={bps.toString()}>
            {percent(bps, BPS, 1)} {what}
          </option>
        ))}
      </select>
    </label>
  );
}
