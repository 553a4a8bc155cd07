/** Every page on a narrow, dark screen, by keyboard alone: what axe finds, what does not fit, what cannot be reached. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Page } from "playwright-core";
import { connect, seriousFindings } from "../helpers/stage.ts";
import { CARA, type Journeys } from "./context.ts";

const WIDTH = 360; // {px}
const PAGES = [
  { path: "/stake", title: "Your stake" },
  { path: "/risk", title: /^Why ETH is at level/ },
  { path: "/portfolio", title: "Provide liquidity" },
  { path: "/keeper", title: "Accounts nearest to liquidation" },
] as const;

/** Between two looks at what is left. */
const STRIDE = 10;
/** What a person without a mouse must reach: of a group of radio buttons the one that is chosen. */
const CONTROLS = `a[href], button:enabled, select:enabled, input:enabled:not([type="radio"]), input[type="radio"]:checked, [tabindex="0"]`;

/** Walks through the page by Tab; returns the controls that it does not stop at. */
async function unreached(page: Page): Promise<unknown> {
  await page.evaluate(`{
    document.activeElement?.blur();
    window.expected = [...document.querySelectorAll(${JSON.stringify(CONTROLS)})].filter((one) => one.checkVisibility());
    window.reached = new Set();
    document.addEventListener("focusin", ({ target }) => window.reached.add(target));
  }`);
  const count = Number(await page.evaluate("window.expected.length"));
  assert.ok(count > 8, `${count} controls cannot be all of the page`);
  for (let pressed = 1; ; pressed += 1) {
    await page.keyboard.press("Tab");
    if (pressed % STRIDE !== 0) continue;
    const left = await page.evaluate(
      "window.expected.filter((one) => one.isConnected && !window.reached.has(one)).map((one) => one.outerHTML)",
    );
    if (pressed > 2 * count || (Array.isArray(left) && left.length === 0)) return left;
  }
}

export function accessJourneys(on: Journeys): void {
  it("fits 360 px in dark without a serious finding of axe, and every control is reached by keyboard", async () => {
    const page = await on.stage.open("/stake", { seat: CARA, scheme: "dark", width: WIDTH });
    await connect(page);
    for (const { path, title } of PAGES) {
      await page.locator(`nav a[href="${path}"]`).click();
      await page.getByRole("heading", { name: title }).waitFor();
      assert.deepEqual(await seriousFindings(page), [], path);
      const width = Number(await page.evaluate("document.documentElement.scrollWidth"));
      assert.ok(width <= WIDTH, `${path} is ${width} px wide`);
      assert.deepEqual(await unreached(page), [], path);
      await on.stage.shot(page, `${path.slice(1)}-360-dark-keyboard`);
    }
    await page.context().close();
  });
}
