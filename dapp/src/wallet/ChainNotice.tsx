/** Says that the wallet is on another chain, and switches it. */
import { useConnection, useSwitchChain } from "wagmi";
import { useBackstop } from "../backstop.ts";
import { explain } from "../errors/explain.ts";
import { Notice } from "../ui/parts.tsx";

export function ChainNotice() {
  const { chain, names } = useBackstop();
  const { isConnected, chainId } = useConnection();
  const { mutate: switchChain, isPending, error } = useSwitchChain();
  if (!isConnected || chainId === chain.id) return null;
  return (
    <Notice tone="warn" title={`Your wallet is on chain ${chainId}. Backstop is on ${chain.name}.`}>
      <p>You can look at everything; to do anything, switch.</p>
      <button type="button" disabled={isPending} onClick={() => switchChain({ chainId: chain.id })}>
        {isPending ? "Confirm in the wallet …" : `Switch to ${chain.name}`}
      </button>
      {error === null ? null : <p className="problem">{explain(error, names).sentence}</p>}
    </Notice>
  );
}
