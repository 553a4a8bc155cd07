/** Two commands at a time, each line of theirs after a name. */
import { type Outcome, run } from "./run.ts";

export interface Task {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const LANES = 2;

/** Starts them in their order. @param onEnd called as each ends */
export async function inLanes(tasks: readonly Task[], onEnd: (task: Task, outcome: Outcome) => void): Promise<void> {
  const width = Math.max(...tasks.map(({ name }) => name.length));
  const left = [...tasks];
  async function lane(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [program, ...args] = next.command;
      onEnd(next, await run(program, args, { echo: `${next.name.padEnd(width)} | ` }));
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
}
