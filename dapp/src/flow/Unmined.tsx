/** What of the connected account waits to be mined though no flow runs here: sent before the page was loaded, or elsewhere. */
import { useQuery } from "@tanstack/react-query";
import { useBackstop } from "../backstop.ts";
import { unminedQuery } from "../data/unmined.ts";
import { Notice } from "../ui/parts.tsx";
import { useActor } from "../wallet/useActor.ts";

export function Unmined() {
  const { reader } = useBackstop();
  const { address } = useActor();
  const { data = 0 } = useQuery(unminedQuery(reader, address));
  if (data <= 0) return null;
  return (
    <Notice
      tone="warn"
      title={
        data === 1 ? "A transaction of yours is not mined yet." : `${data} transactions of yours are not mined yet.`
      }
    >
      What it does is not in the figures here: wait for it before you send the same again. Your wallet knows more.
    </Notice>
  );
}
