/** For wallets that cannot sign a permit: contracts. Nothing where the token takes none. */
import { useBackstop } from "../backstop.ts";

interface Props {
  readonly approves: boolean;
  readonly onChange: (approves: boolean) => void;
}

export function ApproveChoice({ approves, onChange }: Props) {
  const { token } = useBackstop();
  if (token.permit === undefined) return null;
  return (
    <label className="check">
      <input type="checkbox" checked={approves} onChange={(event) => onChange(event.target.checked)} />
      Approve by a transaction instead of signing a permit (for wallets that are contracts)
    </label>
  );
}
