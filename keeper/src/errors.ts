/** What the keeper complains about: a sentence for a person, and whether trying again could help. */
import { DeployError, RetryableError } from "../../deploy/errors.ts";

/** The chain or the network failed: the next pass may succeed. Exit code 75. */
export { RetryableError };

/** Nobody answers at all: what is left of a pass would fail like this, too. */
export class NoNodeError extends RetryableError {}

/** What ethers says of an answer that does not fit its question, and of a revert that nobody expects: the node's, not ours. */
const UNFIT = new Set(["BAD_DATA", "CALL_EXCEPTION"]);

/** The failure of a node behind an error; undefined when it is none: a bug, or yours to fix. */
export function nodeFailure(error: unknown): RetryableError | undefined {
  if (error instanceof RetryableError) return error;
  if (!(error instanceof Error && "code" in error && UNFIT.has(String(error.code)))) return undefined;
  const said = "shortMessage" in error ? String(error.shortMessage) : error.message;
  return new RetryableError(`The node's answer cannot be used: ${said}`, { cause: error });
}

/** Yours to fix: exit code 1. `runCommand` of deploy/errors.ts prints it without a stack. */
export class KeeperError extends DeployError {}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
