/** How a flow ends when what is around it fails, without chain and browser. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TransactionReceipt } from "viem";
import { explain, PlainError } from "../src/errors/explain.ts";
import { type Outside, runFlow } from "../src/flow/run.ts";
import type { Flow, Progress } from "../src/flow/types.ts";

const HASH = `0x${"12".repeat(32)}` as const;
const ADDRESS = `0x${"34".repeat(20)}` as const;
const receipt: TransactionReceipt = {
  ...{ blockHash: HASH, blockNumber: 7n, contractAddress: null, cumulativeGasUsed: 1n, effectiveGasPrice: 1n },
  ...{ from: ADDRESS, gasUsed: 1n, logs: [], logsBloom: "0x", status: "success", to: ADDRESS },
  ...{ transactionHash: HASH, transactionIndex: 0, type: "eip1559" },
};
const names = { token: { symbol: "USD", decimals: 6 }, markets: new Map() };
const call = { address: ADDRESS, abi: [], functionName: "pay", args: [] };

/** A page that shows what happened from the look `seenAt` on. */
function flowOf(seenAt: number): Flow<number> {
  return {
    title: "Pay",
    steps: [{ kind: "send", label: "Pay", call: () => call }],
    verify: (_receipt, look) => (look >= seenAt ? "Paid." : undefined),
  };
}

/** @param failing looks at the page that fail before one succeeds */
function outsideOf(failing: number, change: Partial<Outside<number>> = {}): Outside<number> {
  let looks = 0;
  return {
    sign: () => Promise.reject(new Error("Nothing is signed here")),
    send: () => Promise.resolve(HASH),
    wait: () => Promise.resolve({ receipt, replaced: "no" }),
    blame: () => Promise.reject(new PlainError("It reverted.")),
    page: () => {
      looks += 1;
      return looks <= failing ? Promise.reject(new Error("fetch failed")) : Promise.resolve(looks);
    },
    history: () => Promise.resolve(),
    explain: (error) => explain(error, names),
    pause: () => Promise.resolve(),
    ...change,
  };
}

const stepsOf = (progress: Progress) => (progress.status === "idle" ? [] : progress.steps.map(({ state }) => state));

describe("a flow", () => {
  it("that was mined is done, though the node was away while the page looked", async () => {
    const end = await runFlow(flowOf(0), outsideOf(3), () => {});
    assert.equal(end.status, "done");
  });

  it("that was mined is never said not to be: what the page cannot show is said of the page", async () => {
    for (const [flow, outside] of [
      [flowOf(Number.POSITIVE_INFINITY), outsideOf(0)],
      [flowOf(0), outsideOf(Number.POSITIVE_INFINITY)],
    ] as const) {
      const end = await runFlow(flow, outside, () => {});
      assert.ok(end.status === "failed");
      assert.match(end.sentence, /^The transaction was mined, but this page does not show what it did/);
      assert.deepEqual(stepsOf(end), ["done"]);
    }
  });

  it("that reverted says so of its step", async () => {
    const reverted = { ...receipt, status: "reverted" } as const;
    const wait = () => Promise.resolve({ receipt: reverted, replaced: "no" } as const);
    const end = await runFlow(flowOf(0), outsideOf(0, { wait }), () => {});
    assert.ok(end.status === "failed");
    assert.equal(end.sentence, "It reverted.");
    assert.deepEqual(stepsOf(end), ["failed"]);
  });
});
