/** What is done about an account below maintenance margin: the best that the chain accepts and that is worth its gas. */
import { marketsOf } from "../../../sdk/src/ledger.ts";
import { isRunning } from "../../../sdk/src/liquidation.ts";
import { abs } from "../../../sdk/src/math.ts";
import { BPS } from "../../../sdk/src/units.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { View } from "../mirror/screen.ts";
import type { Purpose } from "./profit.ts";
import { engineAbi, isSyncable, type Simulated } from "./simulate.ts";

export interface Step {
  readonly label: "liquidateToAmm" | "liquidate" | "takeover" | "flag";
  readonly purpose: Purpose;
  readonly data: string;
  /** Of the account: synced before the two looks at the reward account. */
  readonly markets: readonly number[];
  /** {lot} times {u/lot} that stay with the keeper for a result of the call; nothing when none do. */
  readonly carried?: (result: string) => bigint;
}

const ALL = 2n ** 56n - 1n;

/** Ways to close positions, in no order: they are compared by what they bring. */
export function liquidations(mirror: Mirror, view: View, rewardAccount: bigint): Step[] {
  const open = marketsOf(view.markets);
  const markets = open.filter((id) => isSyncable(mirror.state.market(id).status));
  return markets.flatMap((id) => {
    const { price } = mirror.state.market(id);
    const own = (most: bigint): Step => ({
      label: "liquidate",
      purpose: "profit",
      data: engineAbi.encodeFunctionData("liquidate", [view.account, id, rewardAccount, most, 0n]),
      markets,
      carried: (result) => BigInt(engineAbi.decodeFunctionResult("liquidate", result)[0]) * price,
    });
    const quarter = abs(mirror.state.position(view.account, id).lots) / 4n;
    return [
      {
        label: "liquidateToAmm" as const,
        purpose: "profit" as const,
        data: engineAbi.encodeFunctionData("liquidateToAmm", [view.account, id, rewardAccount, ALL, 0n]),
        markets,
      },
      own(ALL),
      ...(quarter > 0n ? [own(quarter)] : []), // what the keeper's margin allows may be less than is due
    ];
  });
}

/** What is left when nobody is paid to close it: the pool takes over, or the clock starts that lets it. */
export function rescues(mirror: Mirror, view: View, rewardAccount: bigint, now: bigint): Step[] {
  const markets = marketsOf(view.markets).filter((id) => isSyncable(mirror.state.market(id).status));
  const takeover: Step = {
    label: "takeover",
    purpose: "solvency",
    data: engineAbi.encodeFunctionData("takeover", [view.account, rewardAccount]),
    markets,
  };
  const flag: Step = {
    label: "flag",
    purpose: "solvency",
    data: engineAbi.encodeFunctionData("flag", [view.account]),
    markets,
  };
  return isRunning(view.unhealthySince, now) ? [takeover] : [takeover, flag];
}

/** {u} what a step brings, less what carrying lots is worth to the keeper. */
export function worthOf({ carried }: Step, { reward, result }: Simulated, carryBps: bigint): bigint {
  return carried === undefined ? reward : reward - (carried(result) * carryBps) / BPS;
}
