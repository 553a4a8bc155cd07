/** Holds the mirror against the chain: every account, every figure that margin rules look at. */
import assert from "node:assert/strict";
import { Valuation } from "../../../sdk/src/types.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import type { Keeper } from "../../src/keeper.ts";
import type { World } from "./world.ts";

const ATTEMPTS = 20;

/** Returns how many accounts were compared. A block that comes in between is no difference: then all is compared again. */
export async function sameAsChain(world: World, keeper: Keeper): Promise<number> {
  const { provider } = world.fx.connection.ethers;
  for (let attempt = 1; ; attempt++) {
    await keeper.pass(); // may have begun before
    await keeper.pass();
    const at = keeper.follower.tip?.number;
    try {
      return await compare(world, keeper);
    } catch (error) {
      const isStill = (await provider.getBlockNumber()) === at && keeper.follower.tip?.number === at;
      if (isStill || attempt === ATTEMPTS) throw error;
    }
  }
}

async function compare({ fx }: World, keeper: Keeper): Promise<number> {
  const { mirror } = keeper.follower;
  let count = 0;
  for (const [account] of mirror.state.accounts.entries()) {
    const found = await fx.engine.accounts(account);
    const mirrored = mirror.engine.account(account);
    const { cash, markets, unhealthySince } = mirrored;
    assert.deepEqual(
      { cash, markets, unhealthySince },
      { cash: found.cash, markets: found.markets, unhealthySince: found.unhealthySince },
    );
    count += 1;
    for (const id of mirror.state.marketIds) {
      const { lots, quote } = await fx.engine.positions(account, id);
      const position = mirror.engine.position(account, id);
      assert.deepEqual([position.lots, position.quote], [lots, quote], `position of ${account} in ${id}`);
    }
    if (isSystem(account)) continue;
    for (const valuation of Object.values(Valuation)) {
      const { equity, maintenance, initial } = await fx.engine.health(account, valuation);
      const health = mirror.engine.health(account, valuation);
      assert.deepEqual(
        [health.equity, health.maintenance, health.initial],
        [equity, maintenance, initial],
        `health of ${account}`,
      );
    }
  }
  for (const id of mirror.state.marketIds) {
    const market = mirror.state.market(id);
    const row = await fx.engine.markets(id);
    assert.deepEqual(
      [market.price, market.indexLong, market.indexShort, market.openInterest, market.level, BigInt(market.status)],
      [row.price, row.indexLong, row.indexShort, row.openInterest, row.level, row.status],
    );
    assert.equal(mirror.state.params.get(id)?.maintenanceBps, (await fx.engine.marketParams(id)).maintenanceBps);
  }
  return count;
}
