/** Deleveraging: a long is taken over, the pool may not keep it, a short is closed by it before the ledger says so. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { abi, MARKET } from "../../../lab/src/site.ts";
import { formatLots, usd } from "../../../sdk/src/units.ts";
import { PRICE } from "../helpers/world.ts";
import { ANNA, BEN, CARA, DAY, type Journeys } from "./context.ts";

const ETHER = 10_000n; // {lot}
const ANY_LOTS = 2n ** 56n - 1n;
const DEFAULT_BPS = 3_500n;

export function deleveragingJourneys(on: Journeys): void {
  const govern = (data: string) => {
    const { chain, operator } = on.stage.world.site;
    return chain.send(operator, on.contract("engine"), data);
  };

  async function lotsOf(seat: number): Promise<bigint> {
    const call = abi.engine.encodeFunctionData("positions", [on.account(seat), MARKET]);
    const answer = await on.stage.world.site.chain.call(on.contract("engine"), call);
    return abi.engine.decodeFunctionResult("positions", answer)[0].lots;
  }

  const isTakeable = async (seat: number): Promise<boolean> => {
    const { site } = on.stage.world;
    const call = abi.engine.encodeFunctionData("takeover", [on.account(seat), on.account(CARA)]);
    return site.chain.call(on.contract("engine"), call, site.operator).then(
      () => true,
      () => false,
    );
  };

  it("shows the size in the ledger beside what deleveraging has left of it, until it is settled", async () => {
    const { pass } = on.stage.world;
    await pass(60);
    await on.fund(ANNA, usd(1_100));
    await on.trade(ANNA, -5n * ETHER);
    await on.fund(BEN, usd(340));
    await on.trade(BEN, 2n * ETHER);
    const page = await on.visit(ANNA, "/portfolio");
    const row = page.getByRole("table", { name: /^Positions at/ }).getByRole("row", { name: /^ETH/ });
    const size = row.getByRole("cell").nth(1);
    await page.getByText("5.0000 ETH", { exact: true }).waitFor();
    assert.equal(await size.textContent(), "5.0000 ETH");
    const before = await row.getByRole("cell").nth(6).textContent();

    for (let price = (PRICE * 93n) / 100n; !(await isTakeable(BEN)); price -= PRICE / 400n) await pass(60, price);
    await govern(abi.engine.encodeFunctionData("takeover", [on.account(BEN), on.account(CARA)]));
    await govern(abi.engine.encodeFunctionData("setInventoryCap", [MARKET, { lots: 1n, bps: DEFAULT_BPS }]));
    await govern(abi.engine.encodeFunctionData("deleverage", [MARKET]));
    const effective = -(await lotsOf(ANNA));
    assert.ok(effective < 5n * ETHER && effective > 4n * ETHER, `${effective} lots are left`);
    const closed = formatLots(5n * ETHER - effective, 4);
    await page.getByText(`ledger 5.0000, of which ${closed} deleveraged`).waitFor();
    assert.match((await size.textContent()) ?? "", new RegExp(`^${formatLots(effective, 4)} ETHledger`));
    assert.notEqual(await row.getByRole("cell").nth(6).textContent(), before);
    await on.stage.shot(page, "portfolio-deleveraged");

    await govern(abi.engine.encodeFunctionData("settle", [on.account(ANNA)]));
    await page.getByText(/deleveraged$/).waitFor({ state: "detached" });
    assert.equal(await size.textContent(), `${formatLots(effective, 4)} ETH`);

    await govern(abi.engine.encodeFunctionData("setInventoryCap", [MARKET, { lots: ANY_LOTS, bps: DEFAULT_BPS }]));
    await pass(DAY, PRICE);
    await pass(300); // what the jump of the price added to the curve's fee is over
    await on.trade(ANNA, effective);
  });
}
