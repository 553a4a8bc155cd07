/** How much worse than the preview is still accepted. */
import { percent } from "../lib/format.ts";

/** {bps} */
export const SLIPPAGES = [10n, 50n, 100n] as const;
const BPS = 10_000n;

interface Props {
  readonly value: bigint; // {bps}
  /** What it is measured by: "worse", "fewer shares". */
  readonly what: string;
  readonly onChange: (bps: bigint) => void;
}

export function SlippageSelect({ value, what, onChange }: Props) {
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
