/** Connects a wallet: those that this browser has (EIP-6963), and WalletConnect when it is configured. */
import { useRef } from "react";
import { useConnect, useConnection, useConnectors, useDisconnect } from "wagmi";
import { useBackstop } from "../backstop.ts";
import { explain } from "../errors/explain.ts";
import { shortHex } from "../lib/format.ts";

export function WalletButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  const { address, connector, isConnected } = useConnection();
  const { mutate: disconnect } = useDisconnect();
  return (
    <>
      <button type="button" className={isConnected ? "quiet" : "primary"} onClick={() => dialog.current?.showModal()}>
        {address === undefined ? "Connect wallet" : <code>{shortHex(address)}</code>}
      </button>
      <dialog ref={dialog} aria-labelledby="wallet-title">
        <header className="panel-head">
          <h2 id="wallet-title">{isConnected ? "Your wallet" : "Connect a wallet"}</h2>
          <button type="button" className="quiet" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        {address === undefined ? (
          <Wallets onDone={() => dialog.current?.close()} />
        ) : (
          <>
            <p>
              <code className="long">{address}</code> by {connector?.name ?? "a wallet"}
            </p>
            <button
              type="button"
              onClick={() => {
                disconnect({});
                dialog.current?.close();
              }}
            >
              Disconnect
            </button>
          </>
        )}
      </dialog>
    </>
  );
}

function Wallets({ onDone }: { onDone: () => void }) {
  const connectors = useConnectors();
  const { names } = useBackstop();
  const { mutate: connect, error, isPending, variables } = useConnect({ mutation: { onSuccess: onDone } });
  if (connectors.length === 0)
    return (
      <p>
        There is no wallet in this browser. Install one that announces itself (EIP-6963, as most do), and reload the
        page. Everything can be looked at without one.
      </p>
    );
  return (
    <>
      <ul className="wallets">
        {connectors.map((connector) => (
          <li key={connector.uid}>
            <button type="button" disabled={isPending} onClick={() => connect({ connector })}>
              {connector.icon === undefined ? null : <img src={connector.icon} alt="" width="24" height="24" />}
              {connector.name}
              {isPending && variables?.connector === connector ? (
                <span className="hint">confirm in the wallet</span>
              ) : null}
            </button>
          </li>
        ))}
      </ul>
      {error === null ? null : (
        <p className="problem" role="alert">
          {explain(error, names).sentence}
        </p>
      )}
    </>
  );
}
