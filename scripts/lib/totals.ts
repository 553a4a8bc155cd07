/** Reads the totals that a test runner prints: Mocha and Hardhat's Solidity runner, node:test, or Vitest. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  /** Skipped, pending or todo. */
  readonly skipped: number;
}

/** Undefined when the output holds no total. A runner's last total counts: a test may print an earlier one. */
export function parseTotals(output: string): Totals | undefined {
  const last = (pattern: RegExp): number | undefined => {
    const found = [...output.matchAll(pattern)].at(-1)?.[1];
    return found === undefined ? undefined : Number(found);
  };

  const vitest = /^ *Tests +(.*)\(\d+\) *$/gm;
  const summary = [...output.matchAll(vitest)].at(-1)?.[1];
  if (summary !== undefined) {
    const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
    return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") + count("todo") };
  }

  const nodePassed = last(/^(?:ℹ|#) pass (\d+)$/gm);
  if (nodePassed !== undefined) {
    return {
      passed: nodePassed,
      failed: (last(/^(?:ℹ|#) fail (\d+)$/gm) ?? 0) + (last(/^(?:ℹ|#) cancelled (\d+)$/gm) ?? 0),
      skipped: (last(/^(?:ℹ|#) skipped (\d+)$/gm) ?? 0) + (last(/^(?:ℹ|#) todo (\d+)$/gm) ?? 0),
    };
  }

  const passing = last(/^ *(\d+) passing(?: \([^)]*\))?$/gm);
  const failing = last(/^ *(\d+) failing$/gm);
  if (passing === undefined && failing === undefined) return undefined;
  return {
    passed: passing ?? 0,
    failed: failing ?? 0,
    skipped: last(/^ *(\d+) (?:pending|skipped)$/gm) ?? 0,
  };
}

/** What a finished runner counts for. No total, no test, a skipped test or a bad exit without a failure is one failure. */
export function judge(exitCode: number, output: string): { passed: number; failed: number; complaint?: string } {
  const totals = parseTotals(output);
  if (totals === undefined) return { passed: 0, failed: 1, complaint: `printed no total (exit code ${exitCode})` };

  const { passed, failed, skipped } = totals;
  if (passed + failed === 0) return { passed, failed: 1, complaint: "ran no test" };
  if (failed === 0 && exitCode !== 0) return { passed, failed: 1, complaint: `exit code ${exitCode}` };
  if (skipped > 0) return { passed, failed: failed + skipped, complaint: `${skipped} skipped, counted as failed` };
  return { passed, failed };
}

/** What a failed runner says of its failures, at most 120 lines: the part under that heading, or the end of its output. */
export function failures(output: string): string {
  const lines = output.trimEnd().split("\n");
  const heading = lines.findLastIndex((line) => /^ *(?:\d+ failing|✖ failing tests:)$/.test(line));
  return (heading === -1 ? lines.slice(-120) : lines.slice(heading, heading + 120)).join("\n");
}
