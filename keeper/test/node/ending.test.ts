/** Steps that wait for the second source, and the end of a market whose feed has died: days of a chain, all by the keeper. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { MarketStatus, PriceState } from "../../../sdk/src/types.ts";
import { deposit, dollars } from "../../../test/helpers/fixture.ts";
import { act } from "../helpers/act.ts";
import { startService } from "../helpers/service.ts";
import { createWorld, type World } from "../helpers/world.ts";

const DAY = 86_400;
const LOTS = 600_000n;

describe("the keeper and the second source", () => {
  let world: World;
  let service: Awaited<ReturnType<typeof startService>>;
  let said = { price: dollars(2_000n), time: 0n };
  let snapshot: unknown;
  before(async () => {
    world = await createWorld("anvil");
    await deposit(world.fx, world.fx.maker, 400_000n);
    service = await startService(world.pyth, () => said);
  });
  after(async () => {
    await service.close();
    await world.close();
  });
  beforeEach(async () => {
    snapshot = await world.request("evm_snapshot");
  });
  afterEach(() => world.request("evm_revert", snapshot));

  const now = async () => BigInt((await world.fx.connection.ethers.provider.getBlock("latest"))?.timestamp ?? 0);
  const status = async () => Number((await world.fx.engine.markets(0)).status);

  it("brings it when a step is held, syncs, and takes over who fell through", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 10_000n, LOTS);
    await world.answer(dollars(1_600n)); // a fifth: more than a step
    const alone = await act(world);
    assert.ok(alone.events.includes("PriceHeld"), alone.events.join());
    assert.equal(Number((await fx.engine.markets(0)).state), PriceState.JUMP);
    assert.notEqual((await fx.engine.accounts(alice)).markets, 0n);

    said = { price: dollars(1_600n), time: await now() };
    const { events } = await act(world, { KEEPER_HERMES_URL: service.url });
    assert.ok(events.includes("SecondUpdated"), events.join());
    assert.ok(events.includes("TakenOver"), events.join());
    assert.equal((await fx.engine.accounts(alice)).markets, 0n);
  });

  it("goes on when nobody answers for the second source", async () => {
    const { fx } = world;
    await world.open(fx.alice, 10_000n, LOTS);
    await world.answer(dollars(1_600n));
    const { events } = await act(world, { KEEPER_HERMES_URL: "http://127.0.0.1:9" });
    assert.ok(events.includes("PriceHeld"), events.join());
  });

  it("ends a market whose feed has died: begins, proposes, challenges, closes everybody", async () => {
    const { fx } = world;
    const alice = await world.open(fx.alice, 20_000n, LOTS);
    await world.wait(15 * DAY); // feed and second source have stood long enough; the price is long stale
    const begun = await act(world);
    assert.ok(begun.events.includes("StatusSet"), begun.events.join());
    assert.equal(await status(), MarketStatus.WINDING_DOWN);

    await world.wait(DAY + 60);
    const proposed = await act(world);
    assert.ok(proposed.events.includes("SettlementPriceSet"), proposed.events.join());
    assert.equal(await status(), MarketStatus.SETTLING);

    assert.notEqual((await fx.engine.accounts(alice)).markets, 0n);

    said = { price: dollars(1_950n), time: await now() };
    await world.wait(120);
    const challenged = await act(world, { KEEPER_HERMES_URL: service.url });
    const of = (name: string) => challenged.events.filter((event) => event === name).length;
    assert.deepEqual([of("SecondPriceRecorded"), of("SettlementPriceSet")], [3, 3], "all three feeds have died");
    assert.equal(await status(), MarketStatus.SETTLED);
    assert.equal((await fx.engine.markets(0)).price, dollars(1_950n));

    await world.wait(3_700);
    await act(world);
    for (const person of [fx.alice, fx.maker])
      assert.equal((await fx.engine.accounts(BigInt(person.address) << 96n)).markets, 0n);
    assert.equal((await fx.engine.markets(0)).openInterest, 0n);
  });
});
