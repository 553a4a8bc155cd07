/** Tells a person how far a long command is: a bar on a terminal, a line every tenth otherwise. */

export interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 40;

export function createProgress(stream: Stream, label: string): (done: number, of: number) => void {
  let shown = -1;
  return (done, of) => {
    const share = of === 0 ? 1 : done / of;
    const part = Math.floor(share * (stream.isTTY ? 100 : 10));
    if (part === shown) return;
    shown = part;
    if (!stream.isTTY) {
      stream.write(`${label}: ${part * 10} %\n`);
      return;
    }
    const full = Math.round(share * WIDTH);
    stream.write(`\r${label} [${"#".repeat(full)}${"-".repeat(WIDTH - full)}] ${String(part).padStart(3)} %`);
    if (done === of) stream.write("\n");
  };
}
