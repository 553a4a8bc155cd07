/** What of a trade is chosen, not typed: market and side. */
import type { MarketView } from "../../data/markets.ts";

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
