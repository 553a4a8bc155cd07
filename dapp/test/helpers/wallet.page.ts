/** Runs in the page under test: a wallet that announces itself (EIP-6963) and lets the node sign for one of its unlocked accounts. */

interface WalletSetup {
  readonly account: string;
  readonly rpcUrl: string;
  /** Chain that the wallet starts on. */
  readonly chainId: number;
}

type Listener = (value: unknown) => void;

function installWallet({ account: first, rpcUrl, chainId }: WalletSetup): void {
  const KEY = "testWallet"; // that the person let this page in is remembered over a reload
  const listeners = new Map<string, Set<Listener>>();
  let isAuthorized = sessionStorage.getItem(KEY) !== null;
  let current = chainId;
  let account = first;
  let rejections = 0;

  const emit = (event: string, value: unknown) => {
    for (const listener of listeners.get(event) ?? []) listener(value);
  };
  const failure = (code: number, message: string) => Object.assign(new Error(message), { code });

  async function forward(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = await answer.json();
    if (error !== undefined) throw Object.assign(failure(error.code, error.message), { data: error.data });
    return result;
  }

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    if (rejections > 0) {
      rejections -= 1;
      throw failure(4001, "User rejected the request.");
    }
    return forward(method, params);
  }

  async function request({ method, params = [] }: { method: string; params?: readonly unknown[] }): Promise<unknown> {
    switch (method) {
      case "eth_requestAccounts":
        if (rejections > 0) return ask(method, params);
        isAuthorized = true;
        sessionStorage.setItem(KEY, "yes");
        return [account];
      case "eth_accounts":
        return isAuthorized ? [account] : [];
      case "eth_chainId":
        return `0x${current.toString(16)}`;
      case "wallet_revokePermissions":
        isAuthorized = false;
        sessionStorage.removeItem(KEY);
        return null;
      case "wallet_switchEthereumChain": {
        const [wanted] = params;
        const id = typeof wanted === "object" && wanted !== null ? Number(Reflect.get(wanted, "chainId")) : Number.NaN;
        if (rejections > 0) return ask(method, params);
        current = id;
        emit("chainChanged", `0x${id.toString(16)}`);
        return null;
      }
      case "eth_sendTransaction":
      case "eth_signTypedData_v4":
        return ask(method, params);
      default:
        return forward(method, params);
    }
  }

  const provider = {
    request,
    on: (event: string, listener: Listener) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    removeListener: (event: string, listener: Listener) => {
      listeners.get(event)?.delete(listener);
    },
  };
  const info = {
    uuid: "9c1f2a60-6a44-4a0c-9d3a-3b1f0a7c51d2",
    name: "Test Wallet",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><rect width='1' height='1'/></svg>",
    rdns: "test.wallet",
  };
  const announce = () =>
    window.dispatchEvent(
      new CustomEvent("eip6963:announceProvider", {
        detail: Object.freeze({ info, provider: Object.freeze(provider) }),
      }),
    );
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
  Object.assign(window, {
    testWallet: {
      /** The next `times` questions are answered with no. */
      reject: (times: number) => {
        rejections = times;
      },
      /** The person goes over to another account. */
      use: (other: string) => {
        account = other;
        emit("accountsChanged", [account]);
      },
    },
  });
}

Object.assign(window, { installWallet });
