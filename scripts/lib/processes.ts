/** Programs that run side by side in one terminal, each line after its name, and stop together. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

const root = path.resolve(import.meta.dirname, "../..");
/** {ms} given to end by themselves after SIGTERM. */
const PATIENCE = 20_000;
const WIDTH = 8;

export interface Program {
  readonly name: string;
  /** Of node, from the root of the repository. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Says nothing but what it says on standard error. */
  readonly quiet?: boolean;
}

export interface Stage {
  say(name: string, line: string): void;
  /** Runs until it is stopped. When it ends by itself, `onEnd` of {@link createStage} is told. */
  start(program: Program): void;
  /** Runs to its end. @throws when it fails */
  finish(program: Program): Promise<void>;
  /** The last started first; resolves when none is left. */
  stop(): Promise<void>;
}

export function createStage(out: NodeJS.WritableStream, onEnd: (name: string, code: number | null) => void): Stage {
  const running: { readonly name: string; readonly child: ChildProcess }[] = [];
  let stopping = false;
  const say = (name: string, line: string) => out.write(`${name.padEnd(WIDTH)} | ${line}\n`);

  function open({ name, args, env, quiet }: Program): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      detached: true, // Ctrl-C in the terminal is for us alone: we stop them in order
    });
    if (quiet === true) child.stdout.resume();
    for (const from of quiet === true ? [child.stderr] : [child.stdout, child.stderr])
      createInterface({ input: from }).on("line", (line) => say(name, readable(line)));
    running.push({ name, child });
    return child;
  }

  return {
    say,
    start: (program) => {
      const child = open(program);
      child.once("exit", (code) => {
        if (!stopping) onEnd(program.name, code);
      });
    },
    finish: async (program) => {
      const child = open(program);
      const [code] = await once(child, "exit");
      running.splice(
        running.findIndex((entry) => entry.child === child),
        1,
      );
      if (code !== 0) throw new Error(`${program.name} ended with exit code ${code}`);
    },
    stop: async () => {
      stopping = true;
      for (const { name, child } of running.splice(0).reverse()) await end(name, child, say);
    },
  };
}

const NOISE = new Set(["level", "time", "pid", "hostname", "name", "msg"]);

/** A structured log as a sentence with its fields; anything else as it is. */
export function readable(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof fields !== "object" || fields === null || typeof fields.msg !== "string") return line;
  const shown = Object.entries(fields).filter(([name, value]) => !NOISE.has(name) && value !== undefined);
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return [fields.msg, ...shown.map(([name, value]) => `${name}=${text(value)}`)].join(" ");
}

/** SIGTERM, then after a while SIGKILL, to the whole group: a launcher does not pass signals on. */
async function end(name: string, child: ChildProcess, say: Stage["say"]): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  const group = -child.pid;
  process.kill(group, "SIGTERM");
  const late = setTimeout(() => {
    say(name, `does not end within ${PATIENCE / 1_000} s and is killed`);
    process.kill(group, "SIGKILL");
  }, PATIENCE);
  await gone;
  clearTimeout(late);
}
