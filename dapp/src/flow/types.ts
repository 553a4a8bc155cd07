/** A transaction as it is declared: what it is called, its steps, and what must be seen afterwards. */
import type { Abi, Address, Hex, TransactionReceipt, TypedDataDomain } from "viem";

/** A call of a contract by the connected account. */
export interface Call {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
}

export interface TypedData {
  readonly domain: TypedDataDomain;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Costs nothing: the wallet signs a text. What comes back is in `signatures` of the steps behind it, in order. */
export interface SignStep {
  readonly kind: "sign";
  readonly label: string;
  data(): Promise<TypedData>;
}

/** A transaction. */
export interface SendStep {
  readonly kind: "send";
  readonly label: string;
  call(signatures: readonly Hex[]): Promise<Call> | Call;
}

export type Step = SignStep | SendStep;

export interface Flow<Page> {
  readonly title: string;
  readonly steps: readonly Step[];
  /**
   * What the last transaction did, in a sentence, once the page shows it; undefined while it does not yet.
   * `page` is what is on the screen, read at or after the block of `receipt`.
   */
  verify(receipt: TransactionReceipt, page: Page): string | undefined;
}

export type StepState = "waiting" | "wallet" | "pending" | "done" | "failed";

export interface StepProgress {
  readonly label: string;
  readonly kind: Step["kind"];
  readonly state: StepState;
  readonly hash?: Hex;
}

export type Progress =
  | { readonly status: "idle" }
  | {
      readonly status: "running";
      readonly title: string;
      readonly steps: readonly StepProgress[];
      readonly note?: string;
    }
  | {
      readonly status: "done";
      readonly title: string;
      readonly steps: readonly StepProgress[];
      readonly sentence: string;
    }
  | {
      readonly status: "failed";
      readonly title: string;
      readonly steps: readonly StepProgress[];
      readonly sentence: string;
      readonly kind: "rejected" | "refused" | "trouble";
    };

export const IDLE: Progress = { status: "idle" };
