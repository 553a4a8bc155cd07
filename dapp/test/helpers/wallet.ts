/** Puts the test wallet into a page, and tells it what to do. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { transformWithOxc } from "vite";

const file = path.resolve(import.meta.dirname, "wallet.page.ts");

export interface WalletOptions {
  readonly account: string;
  readonly rpcUrl: string;
  readonly chainId: number;
}

export async function addWallet(context: BrowserContext, options: WalletOptions): Promise<void> {
  const { code } = await transformWithOxc(readFileSync(file, "utf8"), file);
  await context.addInitScript({ content: `${code}\ninstallWallet(${JSON.stringify(options)});` });
}

/** The next question of the page is answered with no. */
export const rejectNext = (page: Page): Promise<void> => page.evaluate("window.testWallet.reject(1)");

/** The person goes over to another account in the wallet. */
export const useAccount = (page: Page, account: string): Promise<void> =>
  page.evaluate(`window.testWallet.use(${JSON.stringify(account)})`);
