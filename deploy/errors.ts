/** What the commands of deploy/ complain about: a sentence for a person, and whether trying again could help. */

/** Yours to fix: exit code 1. */
export class DeployError extends Error {}

/** The chain or the network failed: exit code 75, the next try may succeed. */
export class RetryableError extends Error {}

const [YOURS_TO_FIX, WORTH_RETRYING] = [1, 75];

/** Runs a command, prints what stops it and sets the exit code. A bug keeps its stack. */
export async function runCommand(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof DeployError || error instanceof RetryableError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error instanceof RetryableError ? WORTH_RETRYING : YOURS_TO_FIX;
  }
}
