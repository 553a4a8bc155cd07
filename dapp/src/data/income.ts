/** What stakers may expect to earn, by source: what a year at today's rates would bring, divided as the stack would divide it. */
import { CapitalStackAbi } from "../../../sdk/src/abi.ts";
import { yearlyPremium } from "../lib/apr.ts";
import type { MarketView } from "./markets.ts";
import type { Pools } from "./pools.ts";
import type { Moment, Reader } from "./reader.ts";

export interface Expected {
  readonly premiums: bigint; // {asset/year} of all markets, before it is divided
  readonly toTreasury: bigint; // {asset/year}
  readonly toJunior: bigint; // {asset/year}
  readonly toSenior: bigint; // {asset/year}
}

export async function readExpected(
  { client, deployment }: Reader,
  markets: readonly MarketView[],
  { tokenUnit }: Pick<Pools, "tokenUnit">,
  block: Moment,
): Promise<Expected> {
  const premiums = markets.reduce((sum, view) => sum + yearlyPremium(view), 0n) / tokenUnit;
  const split = await client.readContract({
    ...{ address: deployment.contracts.stack, abi: CapitalStackAbi, functionName: "split", args: [premiums, 0n] },
    blockNumber: block.number,
  });
  return { premiums, toTreasury: split.toTreasury, toJunior: split.toJunior, toSenior: split.toSenior };
}
