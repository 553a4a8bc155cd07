/** A form about one amount: what is typed and what is wrong with it, the button, and an empty field once it is done. */
import { type ReactNode, useId, useState } from "react";
import type { Progress } from "../flow/types.ts";
import { type Amount, parseAmount } from "../lib/amount.ts";
import { AmountField } from "./AmountField.tsx";

export interface Typed {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly decimals: number;
  readonly amount: Amount;
  /** Units; 0 while there is no amount. */
  readonly value: bigint;
}

export function useAmount(decimals: number): Typed {
  const [text, setText] = useState("");
  const amount = parseAmount(text, decimals);
  return { text, setText, decimals, amount, value: amount.kind === "ok" ? amount.value : 0n };
}

interface Props {
  readonly typed: Typed;
  readonly label: string;
  readonly symbol: string;
  /** Units that may be entered at most. */
  readonly most?: bigint | undefined;
  readonly mostLabel?: string;
  /** What else is wrong with the amount. */
  readonly problem?: string | undefined;
  /** What stands in the way whatever the amount is. */
  readonly obstacle: string | undefined;
  readonly flow: { readonly isRunning: boolean };
  readonly button: string;
  readonly isPrimary?: boolean;
  /** Undefined: it cannot be done, or it is not known yet what it would do. */
  readonly start: (() => Promise<Progress>) | undefined;
  /** Above the field. */
  readonly above?: ReactNode;
  /** Between field and button. */
  readonly children?: ReactNode;
}

export function AmountForm(props: Props) {
  const { typed, label, symbol, most, mostLabel, problem, obstacle, flow, button, isPrimary, start } = props;
  const { text, setText, decimals, amount, value } = typed;
  const id = useId();
  const ready = obstacle === undefined && problem === undefined && value > 0n && !flow.isRunning ? start : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void ready?.().then(({ status }) => {
          if (status === "done") setText("");
        });
      }}
    >
      {props.above}
      <AmountField
        {...{ label, symbol, decimals, text, amount, most, problem }}
        {...(mostLabel === undefined ? {} : { mostLabel })}
        onChange={setText}
        disabled={flow.isRunning}
      />
      {props.children}
      <button
        type="submit"
        className={isPrimary ? "primary wide" : undefined}
        disabled={ready === undefined}
        aria-describedby={`${id}-obstacle`}
      >
        {button}
      </button>
      <p id={`${id}-obstacle`} className="hint">
        {obstacle ?? ""}
      </p>
    </form>
  );
}
