/** A written life of one market through every level, up and down, with what each level allows; then a held step and a crowded side. */
import { expect } from "chai";
import { ALT, BTC, ETH } from "../../../deploy/markets.ts";
import type { LocalMarket } from "../../../deploy/modules/Local.ts";
import { dollars } from "../fixture.ts";
import type { Script } from "./waves.ts";

/** As deployed, but for funding, in the first market it soon shows which side is crowded, and the third's cap on inventory. */
export const DEPLOYED: readonly LocalMarket[] = [
  { config: { ...ETH, rules: { ...ETH.rules, skewFactor: 4_000_000 } }, answer: dollars(2_000n) },
  { config: BTC, answer: dollars(60_000n) },
  { config: { ...ALT, inventoryCapBps: null }, answer: dollars(2n) },
];

const MINUTE = 60n;
const HOUR = 3_600n;
const [LONG, SHORT, POOR] = [0, 1, 2] as const;

/** Moves prices, or leaves them, until the level is `wanted`; returns the levels on the way. */
async function until(script: Script, wanted: bigint, most: number, observe: (i: number) => Promise<void>) {
  const way = [script.level(0)];
  for (let i = 0; i < most && way.at(-1) !== wanted; ++i) {
    await observe(i);
    const level = script.level(0);
    if (level === way.at(-1)) continue;
    way.push(level);
    await trades(script, level);
  }
  expect(way.at(-1), "level").to.equal(wanted);
  return way;
}

/** New risk at every level but the last, and less of it at any. */
async function trades(script: Script, level: bigint): Promise<void> {
  await script.trade(0, LONG, SHORT, 1_000n, level === 4n ? "LevelTooHigh(0, 4)" : "success");
  await script.trade(0, SHORT, LONG, 800n);
}

/** Up by a price that swings, down by one that rests. */
export async function everyLevel(script: Script): Promise<{ up: bigint[]; down: bigint[] }> {
  for (const who of [LONG, SHORT]) await script.deposit(who, 40_000n);
  await script.move(0, 0);
  await script.trade(0, LONG, SHORT, 3_000n);
  const up = await until(script, 4n, 60, async (i) => {
    script.wait(MINUTE);
    await script.move(0, (i % 2 === 0 ? 1 : -1) * (100 + 5 * i)); // wider and wider
  });
  const down = await until(script, 0n, 80, async () => {
    script.wait(HOUR);
    await script.move(0, 0);
  });
  return { up, down };
}

/** A fall that the feed has to repeat: meanwhile the market is blind. What it costs makes the shorts the crowded side. */
export async function heldAndCrowded(script: Script): Promise<void> {
  await script.trade(0, POOR, SHORT, 40_000n, "InitialMarginNotMet");
  await script.deposit(POOR, 20_000n);
  await script.trade(0, POOR, SHORT, 40_000n);
  await script.withdraw(POOR, 19_500n);
  script.wait(MINUTE);
  await script.move(0, 0);
  const before = script.level(0); // by use
  await script.signal(0, 9_000n, 6n * HOUR);
  script.wait(MINUTE);
  await script.move(0, 0);
  expect(script.level(0), "a signal adds one").to.equal(before + 1n);

  script.wait(MINUTE);
  await script.move(0, -3_000);
  expect(script.level(0), "blind").to.equal(3n);
  await script.trade(0, 5, 6, 1_000n, "PriceNotValid(0, 3)");
  script.wait(9n * MINUTE);
  await script.move(0, 0); // the same, again: not long enough
  expect(script.level(0), "still blind").to.equal(3n);
  script.wait(2n * MINUTE);
  await script.move(0, 0);
  await script.takeover(POOR, LONG);
  for (let i = 0; i < 60; ++i) {
    script.wait(HOUR);
    await script.move(0, 0);
  }
}
