/** The keeper view when one account is due: what each way of acting pays, to the cent, and that it is paid. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { abi } from "../../../lab/src/site.ts";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { usd } from "../../../sdk/src/units.ts";
import { latest, snapshotAt } from "../../src/data/reader.ts";
import { readerOf } from "../helpers/reader.ts";
import { outcome, seriousFindings } from "../helpers/stage.ts";
import { PRICE } from "../helpers/world.ts";
import { CARA, DAY, type Journeys } from "./context.ts";

const MARK = 0;
const FAVOURABLE = 2;

export function keeperJourneys(on: Journeys): void {
  const healthOf = async (account: bigint, valuation: number) => {
    const call = abi.engine.encodeFunctionData("health", [account, valuation]);
    const answer = await on.stage.world.site.chain.call(on.contract("engine"), call);
    return abi.engine.decodeFunctionResult("health", answer)[0];
  };
  /** {u} at the mark */
  const worthOf = async (seat: number): Promise<bigint> => (await healthOf(on.account(seat), MARK)).equity;
  const isAnybodyDue = async (): Promise<boolean> => {
    const healths = on.stage.world.traders.map((account) => healthOf(account, FAVOURABLE));
    return (await Promise.all(healths)).some(({ equity, maintenance }) => equity < maintenance);
  };

  it("says whose accounts it looks at, and that none is due", async () => {
    const page = await on.visit(CARA, "/keeper");
    await page.getByText(/^Your own account holds \$[\d,.]+ of cash\. .*The accounts are those /).waitFor();
    assert.equal(await page.getByRole("table").getByRole("button").count(), 0);
    assert.ok((await page.getByText("healthy", { exact: true }).count()) > 3);
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("asks for more accounts at once than a node takes in one call", async () => {
    const { reader } = readerOf(on.stage.world);
    const { contracts } = reader.deployment;
    const engine = { address: contracts.engine, abi: MarginEngineAbi, functionName: "health" } as const;
    const healths = await reader.client.multicall({
      ...snapshotAt(await latest(reader)),
      contracts: Array.from({ length: 1_000 }, (_, i) => ({ ...engine, args: [BigInt(i + 1) << 96n, 0] }) as const),
    });
    assert.equal(healths.length, 1_000);
  });

  it("says what acting pays through the AMM and into an account, and pays exactly that", async () => {
    const { pass } = on.stage.world;
    const page = await on.visit(CARA, "/keeper");
    await pass(60);
    await on.fund(CARA, usd(5_000));
    for (let price = PRICE; !(await isAnybodyDue()); ) {
      price -= PRICE / 200n; // half a per cent at a time: who is due is due by little
      await pass(300, price);
    }
    const due = page.getByRole("button", { name: /^Liquidate through the AMM: / });
    const ways = page.locator(".ways").first();
    await ways.getByText(/ETH are closed against the AMM; the account pays \$[\d,.]+$/).waitFor();
    await ways.getByText(/ETH become your position; the account pays \$[\d,.]+$/).waitFor();
    await on.stage.shot(page, "keeper-due");
    const promised = (await ways.locator("li", { hasText: "through the AMM" }).locator("strong").textContent()) ?? "";
    const before = await worthOf(CARA);
    await due.first().click();
    assert.match(
      await outcome(page, "done"),
      /^The account paid a penalty of \$[\d,.]+\. Your account's cash went from/,
    );
    const paid = Number((await worthOf(CARA)) - before) / 1e12;
    assert.ok(
      paid > 0 && Math.abs(paid - Number(promised.replaceAll(/[$,]/g, ""))) < 0.011,
      `${paid}, not ${promised}`,
    );
    await pass(DAY, PRICE);
  });
}
