/** The stage of the end-to-end tests: world, indexer, built site, browser; pages with or without a wallet; screenshots. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type Indexer, startIndexer } from "../../../indexer/test/helpers/indexer.ts";
import { buildSite, type Site } from "./app.ts";
import { launch } from "./browser.ts";
import { type Relay, startRelay } from "./relay.ts";
import { addWallet } from "./wallet.ts";
import { createWorld, type World } from "./world.ts";

/** Where the page sends people to look at a transaction. */
export const EXPLORER = "https://explorer.example";
const SHOTS = path.resolve(import.meta.dirname, "../screenshots");

export interface Visit {
  /** Index of the node's account that the wallet holds; none: no wallet. */
  readonly seat?: number;
  /** Of the wallet. */
  readonly chainId?: number;
  readonly scheme?: "light" | "dark";
  readonly width?: number;
}

export interface Stage {
  readonly world: World;
  readonly indexer: Indexer;
  /** Between indexer and node. */
  readonly relay: Relay;
  readonly site: Site;
  /** What any page threw and nobody caught; nothing is what a test wants. */
  readonly faults: readonly string[];
  /** A new window at `path`. */
  open(path: string, visit?: Visit): Promise<Page>;
  shot(page: Page, name: string): Promise<void>;
  end(): Promise<void>;
}

export async function createStage(): Promise<Stage> {
  const closers: (() => Promise<void>)[] = [];
  const end = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const world = await createWorld();
    closers.push(world.end);
    const relay = await startRelay(world.url);
    closers.push(relay.stop);
    const indexer = await startIndexer(world.deployment, relay.url, { pollingInterval: 500 });
    closers.push(indexer.stop);
    const site = await buildSite({
      ...{ NETWORK: world.id, VITE_RPC_URL: world.url, VITE_POLLING_INTERVAL: "500" },
      ...{ VITE_INDEXER_URL: indexer.apiUrl, VITE_EXPLORER_URL: EXPLORER },
    });
    closers.push(site.close);
    const browser: Browser = await launch();
    closers.push(() => browser.close());
    const faults: string[] = [];
    return {
      ...{ world, indexer, relay, site, end, faults },
      open: (at, visit = {}) => open(browser, world, `${site.url}${at}`, visit, faults),
      shot: async (page, name) => {
        await mkdir(SHOTS, { recursive: true });
        await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function open(browser: Browser, world: World, url: string, visit: Visit, faults: string[]): Promise<Page> {
  const context: BrowserContext = await browser.newContext({
    colorScheme: visit.scheme ?? "light",
    viewport: { width: visit.width ?? 1_200, height: 900 },
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(15_000);
  if (visit.seat !== undefined)
    await addWallet(context, {
      ...{ account: world.seat(visit.seat), rpcUrl: world.url },
      chainId: visit.chainId ?? world.deployment.chainId,
    });
  const page = await context.newPage();
  page.on("pageerror", ({ stack, message }) => faults.push(`${new URL(page.url()).pathname}: ${stack ?? message}`));
  await page.goto(url);
  return page;
}

export async function connect(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Connect wallet" }).click();
  await page.getByRole("button", { name: "Test Wallet" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
}

/** What axe finds that is serious or critical, as lines; nothing is what a test wants. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ["violations"] })
    .setLegacyMode() // there are no frames, and no second page is opened to sum them up
    .analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
    );
}

/** Until what a click began is on the page: before that the outcome of the flow before it still stands there. */
const drawn = (page: Page) =>
  page.evaluate(
    "new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 100))",
  );

/** Waits for a flow to end, and returns what it says. */
export async function outcome(page: Page, status: "done" | "failed"): Promise<string> {
  await drawn(page);
  const flow = page.locator(`[data-flow="${status}"]`);
  await flow.waitFor();
  return (await flow.locator(".outcome").textContent()) ?? "";
}
