/** What the keeper complains about: a sentence for a person, and whether trying again could help. */
import { DeployError, RetryableError } from "../../deploy/errors.ts";

/** The chain or the network failed: the next pass may succeed. Exit code 75. */
export { RetryableError };

/** Yours to fix: exit code 1. `runCommand` of deploy/errors.ts prints it without a stack. */
export class KeeperError extends DeployError {}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
