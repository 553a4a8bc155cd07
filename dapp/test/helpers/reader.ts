/** Reads as the page reads, outside a browser, and remembers which logs were asked for. */
import { createPublicClient, custom, getAddress } from "viem";
import { hardhat } from "viem/chains";
import { BackstopPoolAbi } from "../../../sdk/src/abi.ts";
import { tokenUnit } from "../../../sdk/src/units.ts";
import { rpc } from "../../../test/helpers/nodes.ts";
import { earningsOf, historyOf } from "../../src/data/history/chain.ts";
import { type ChainLogs, readLogs } from "../../src/data/history/logs.ts";
import type { Reader } from "../../src/data/reader.ts";
import type { World } from "./world.ts";

const DECIMALS = 6; // of the test token

export function readerOf({ url, deployment }: Pick<World, "url" | "deployment">) {
  const asked: bigint[] = [];
  const request = ({ method, params = [] }: { method: string; params?: readonly unknown[] }) => {
    const [filter] = params;
    if (method === "eth_getLogs" && typeof filter === "object" && filter !== null)
      asked.push(BigInt(String(Reflect.get(filter, "fromBlock"))));
    return rpc(url, method, params);
  };
  const reader: Reader = { client: createPublicClient({ chain: hardhat, transport: custom({ request }) }), deployment };
  return {
    reader,
    /** {block} The first of each question for logs, since the last call. */
    asked: () => asked.splice(0),
    history: (logs: ChainLogs) =>
      historyOf(
        logs,
        deployment.markets.map(({ index }) => index),
        tokenUnit(DECIMALS),
      ),
    earnings: async (logs: ChainLogs) => {
      const { junior, senior } = deployment.contracts;
      const [inJunior, inSenior] = await Promise.all(
        [junior, senior].map((pool) =>
          reader.client.readContract({
            ...{ address: getAddress(pool), abi: BackstopPoolAbi, functionName: "bookedAssets" },
            blockNumber: logs.to,
          }),
        ),
      );
      const booked = { junior: inJunior ?? 0n, senior: inSenior ?? 0n };
      return earningsOf(logs, deployment.contracts, booked, tokenUnit(DECIMALS));
    },
    logs: (known?: ChainLogs) => readLogs(reader, known),
  };
}
