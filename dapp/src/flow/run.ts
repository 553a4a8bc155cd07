/** Runs a declared flow step by step. Everything it touches comes in, so that it can be watched and replaced. */
import type { Hex, TransactionReceipt } from "viem";
import { type Explanation, PlainError } from "../errors/explain.ts";
import type { Call, Flow, Progress, StepProgress, TypedData } from "./types.ts";

export interface Mined {
  readonly receipt: TransactionReceipt;
  /** Another transaction took the place of the one that was sent. */
  readonly replaced: "no" | "repriced" | "cancelled" | "other";
}

export interface Outside<Page> {
  sign(data: TypedData): Promise<Hex>;
  /** Tries the call first and throws what it reverts with, then sends it. */
  send(call: Call): Promise<Hex>;
  wait(hash: Hex): Promise<Mined>;
  /** Why a mined transaction reverted: throws it. */
  blame(call: Call, receipt: TransactionReceipt): Promise<never>;
  /** The page's data, read afresh at a block not before this one. */
  page(block: bigint): Promise<Page>;
  /** History that the page shows, read afresh: it knows of this block too. */
  history(block: bigint): Promise<void>;
  explain(error: unknown): Explanation;
  pause(milliseconds: number): Promise<void>;
}

/** Times the page is read again before chain and page are said to disagree. */
const LOOKS = 20;

export async function runFlow<Page>(
  flow: Flow<Page>,
  outside: Outside<Page>,
  report: (progress: Progress) => void,
): Promise<Progress> {
  let steps: readonly StepProgress[] = flow.steps.map(({ label, kind }) => ({ label, kind, state: "waiting" }));
  const { title } = flow;
  const at = (index: number, change: Partial<StepProgress>, note?: string) => {
    steps = steps.map((step, i) => (i === index ? { ...step, ...change } : step));
    report({ status: "running", title, steps, ...(note === undefined ? {} : { note }) });
  };
  const end = (progress: Progress): Progress => {
    report(progress);
    return progress;
  };

  const signatures: Hex[] = [];
  let receipt: TransactionReceipt | undefined;
  let current = 0;
  try {
    for (const [index, step] of flow.steps.entries()) {
      current = index;
      at(index, { state: "wallet" });
      if (step.kind === "sign") signatures.push(await outside.sign(await step.data()));
      else {
        const call = await step.call(signatures);
        const hash = await outside.send(call);
        at(index, { state: "pending", hash });
        const mined = await outside.wait(hash);
        receipt = mined.receipt;
        at(index, { hash: receipt.transactionHash });
        if (mined.replaced === "cancelled") throw new PlainError("You cancelled the transaction in the wallet.");
        if (mined.replaced === "other")
          throw new PlainError("Another transaction of the wallet took its place. Nothing of this one happened.");
        if (receipt.status === "reverted") await outside.blame(call, receipt);
      }
      at(index, { state: "done" });
    }
    if (receipt === undefined) throw new PlainError("The flow sent no transaction.");
  } catch (error) {
    at(current, { state: "failed" });
    return end({ status: "failed", title, steps, ...outside.explain(error) });
  }
  at(current, {}, "Mined. Waiting until the page shows it …");
  try {
    return end({ status: "done", title, steps, sentence: await agreement(flow, outside, receipt) });
  } catch (error) {
    return end({ status: "failed", title, steps, ...outside.explain(error) }); // its steps are done all the same
  }
}

async function agreement<Page>(flow: Flow<Page>, outside: Outside<Page>, receipt: TransactionReceipt): Promise<string> {
  for (let look = 0; look < LOOKS; look += 1) {
    const page = await outside.page(receipt.blockNumber).catch(() => undefined); // a node that is away may come back
    const sentence = page === undefined ? undefined : flow.verify(receipt, page);
    if (sentence !== undefined) {
      await outside.history(receipt.blockNumber);
      return sentence;
    }
    await outside.pause(250 * (look + 1));
  }
  throw new PlainError(
    "The transaction was mined, but this page does not show what it did. Reload it before going on.",
  );
}
