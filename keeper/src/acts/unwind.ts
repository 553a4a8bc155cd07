/** Sells to the AMM what liquidations have left in the keeper's own account. */
import { abs, mulDivCeil, mulDivFloor } from "../../../sdk/src/math.ts";
import { MarketStatus } from "../../../sdk/src/types.ts";
import { BPS } from "../../../sdk/src/units.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { Job } from "./desk.ts";
import { engineAbi } from "./simulate.ts";

const PATIENCE = 600n; // {s} in which the trade may be mined

/** For each market all of the position, and should the depth not be there, a quarter. At most `carryBps` worse than the mark. */
export function unwindings(mirror: Mirror, engine: string, account: bigint, now: bigint, carryBps: bigint): Job[][] {
  const { holdings } = mirror.engine.settled(account);
  return holdings
    .filter(({ market }) => mirror.state.market(market).status < MarketStatus.SETTLING)
    .map(({ market, lots }) => {
      const { price } = mirror.state.market(market);
      return [lots, lots / 4n]
        .filter((part) => part !== 0n)
        .map((part): Job => {
          const atMark = abs(part) * price;
          const limit = part > 0n ? mulDivCeil(atMark, BPS - carryBps, BPS) : mulDivFloor(atMark, BPS + carryBps, BPS);
          const order = { account, market, lots: -part, limit, deadline: now + PATIENCE, reduceOnly: true };
          return {
            ...{
              key: `unwind:${market}`,
              label: "unwind",
              purpose: "upkeep",
              to: engine,
              about: { market, lots: part },
            },
            data: engineAbi.encodeFunctionData("trade", [order]),
          };
        });
    });
}
