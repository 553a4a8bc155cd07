/** Lets every feed and the second source of a local deployment speak. */
import type { JsonRpcProvider } from "ethers";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { MockPyth__factory, Oracle__factory } from "../../../typechain-types/index.js";
import { abi } from "../site.ts";
import { type Print, TICK } from "./prices.ts";

const pyth = MockPyth__factory.createInterface();
const oracle = Oracle__factory.createInterface();
const EXPONENT = -8; // of the second source: the feeds have eight decimals
/** The second source is unsure of this part of the price. */
const UNSURE = 2_000n;

export interface Feeds {
  /** {1e-8 USD} what each feed says, in the order of the deployment's markets. */
  read(): Promise<bigint[]>;
  /** Every feed says `factor` times its opening. The chain's clock runs ahead when more than a tick passes. */
  print(opening: readonly bigint[], print: Print): Promise<void>;
}

export function createFeeds(provider: JsonRpcProvider, deployment: Deployment): Feeds {
  const { markets, contracts, deployer } = deployment;
  const send = (to: string, data: string) => provider.send("eth_sendTransaction", [{ from: deployer, to, data }]);

  /** Signed now, as far as a double signs. */
  async function updateOf(priceId: string, price: bigint): Promise<string> {
    const block = await provider.getBlock("latest");
    const now = block?.timestamp ?? 0;
    const unsure = price / UNSURE;
    const data = pyth.encodeFunctionData("createPriceFeedUpdateData", [
      ...([priceId, price, unsure, EXPONENT, price, unsure, now, now - 1] as const),
    ]);
    const made = await provider.call({ to: deployment.pyth, data });
    return pyth.decodeFunctionResult("createPriceFeedUpdateData", made)[0];
  }

  return {
    read: () =>
      Promise.all(
        markets.map(async ({ feed }) => {
          const data = await provider.call({ to: feed, data: abi.feed.encodeFunctionData("latestRoundData") });
          return abi.feed.decodeFunctionResult("latestRoundData", data)[1];
        }),
      ),
    print: async (opening, { factor, seconds }) => {
      if (seconds > TICK) await provider.send("evm_increaseTime", [seconds - TICK]);
      for (const [i, { index, feed, priceId }] of markets.entries()) {
        const price = BigInt(Math.round(Number(opening[i] ?? 0n) * factor)); // below 2^53
        await send(feed, abi.feed.encodeFunctionData("setAnswer", [price]));
        const update = await updateOf(priceId, price);
        await send(contracts.oracle, oracle.encodeFunctionData("updateSecond", [index, [update]]));
      }
    },
  };
}
