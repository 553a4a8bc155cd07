/** A real headless browser: found in a fixed order, cut off from everything but this machine. */
import { existsSync } from "node:fs";
import sparticuz from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const SYSTEM = "/usr/bin/chromium";

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", // there is nothing but this machine
];

/** CHROME_BIN, else the npm package's, else the system's. */
async function findBrowser(): Promise<string | undefined> {
  const { CHROME_BIN } = process.env;
  if (CHROME_BIN !== undefined && CHROME_BIN !== "") return CHROME_BIN;
  const packed = await sparticuz.executablePath().catch(() => undefined);
  if (packed !== undefined && existsSync(packed)) return packed;
  return existsSync(SYSTEM) ? SYSTEM : undefined;
}

/** Ends the process with a sentence when there is no browser: a suite that skipped itself would look like one that passed. */
export async function launch(): Promise<Browser> {
  const executablePath = await findBrowser();
  if (executablePath === undefined || !existsSync(executablePath)) {
    process.stderr.write(
      `There is no browser to test with${executablePath === undefined ? "" : ` at ${executablePath}`}. ` +
        `Set CHROME_BIN to a Chromium or Chrome, run npm ci (it brings @sparticuz/chromium), or install ${SYSTEM}.\n`,
    );
    process.exit(1);
  }
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}
