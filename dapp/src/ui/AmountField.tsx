/** A field for an amount of tokens: says what is wrong with it, fills in the most there is. */
import { useId } from "react";
import { type Amount, amountText } from "../lib/amount.ts";
import { fixed } from "../lib/format.ts";

interface Props {
  readonly label: string;
  readonly symbol: string;
  readonly decimals: number;
  readonly text: string;
  readonly amount: Amount;
  readonly onChange: (text: string) => void;
  /** Units that may be entered at most. */
  readonly most?: bigint | undefined;
  readonly mostLabel?: string;
  /** What else is wrong with the amount. */
  readonly problem?: string | undefined;
  readonly disabled?: boolean;
}

export function AmountField(props: Props) {
  const { label, symbol, decimals, text, amount, onChange, most, mostLabel = "Available", disabled = false } = props;
  const id = useId();
  const problem = amount.kind === "bad" ? amount.why : props.problem;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input-box">
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          placeholder="0.00"
          value={text}
          disabled={disabled}
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-hint ${id}-problem`}
          onChange={(event) => onChange(event.target.value)}
        />
        <span className="unit">{symbol}</span>
      </div>
      <div className="field-foot">
        <span id={`${id}-hint`} className="hint">
          {most === undefined ? "" : `${mostLabel}: ${fixed(most, decimals)} ${symbol}`}
        </span>
        {most === undefined || most === 0n ? null : (
          <button
            type="button"
            className="link"
            disabled={disabled}
            onClick={() => onChange(amountText(most, decimals))}
          >
            Use all
          </button>
        )}
      </div>
      <p id={`${id}-problem`} className="problem" aria-live="polite">
        {problem ?? ""}
      </p>
    </div>
  );
}
