/** Two commands at a time, each line of theirs after a name. */
import { type Outcome, run } from "./run.ts";

export interface Task {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const LANES = 2;

/** Starts them in their order. @param onEnd called as each ends, with the {s} it took */
export async function inLanes(
  tasks: readonly Task[],
  onEnd: (task: Task, outcome: Outcome, seconds: number) => void,
): Promise<void> {
  const width = Math.max(...tasks.map(({ name }) => name.length));
  const left = [...tasks];
  async function lane(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [program, ...args] = next.command;
      const start = performance.now();
      const outcome = await run(program, args, { echo: `${next.name.padEnd(width)} | ` });
      onEnd(next, outcome, Math.round((performance.now() - start) / 1000));
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
}
