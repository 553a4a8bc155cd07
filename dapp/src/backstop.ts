/** What every page knows: the deployment, the chain, the client, the facts that never change. */
import { createContext, use } from "react";
import type { Chain } from "viem";
import type { Settings } from "./config.ts";
import type { Reader } from "./data/reader.ts";
import type { Token } from "./data/token.ts";
import type { Names } from "./errors/words.ts";

export interface Backstop {
  readonly settings: Settings;
  readonly chain: Chain;
  readonly reader: Reader;
  readonly token: Token;
  readonly names: Names;
}

export const BackstopContext = createContext<Backstop | undefined>(undefined);

export function useBackstop(): Backstop {
  const backstop = use(BackstopContext);
  if (backstop === undefined) throw new Error("useBackstop is for what is inside BackstopContext");
  return backstop;
}
