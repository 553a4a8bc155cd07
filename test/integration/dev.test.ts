/** `npm run dev` as a developer runs it: everything comes up, a fall in the price makes a shortfall, Ctrl-C ends it all. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import path from "node:path";
import { expect } from "chai";
import { freePort } from "../helpers/nodes.ts";

const root = path.resolve(import.meta.dirname, "../..");
const id = `test-${randomUUID()}`;

function start(...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", "scripts/dev.ts", "--deployment", id, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const from of [child.stdout, child.stderr])
    from.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return { child, until, output: () => output };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}

const isGone = (url: string) =>
  fetch(url).then(
    () => false,
    () => true,
  );

describe("npm run dev", function () {
  this.timeout(300_000);
  let child: ChildProcess | undefined;

  after(async () => {
    if (child?.exitCode === null) child.kill("SIGTERM");
    await rm(path.join(root, "deploy/addresses", `${id}.json`), { force: true });
    await rm(path.join(root, "deploy/deployments", id), { recursive: true, force: true });
  });

  it("shows a shortfall being absorbed, layer by layer, and leaves nothing behind", async () => {
    const port = await freePort();
    const dev = start("--do", "price 0.8", "--port", String(port));
    child = dev.child;
    await dev.until(/prices +\| a price of 0.8 times the first/);
    const page = await (await fetch(`http://127.0.0.1:${port + 3}`)).text();
    expect(page, "the dApp").to.match(/<title>.*Backstop/);
    const layers = await dev.until(
      /SHORTFALL ([\d,.]+) absorbed: bucket ([\d,.]+), pools ([\d,.]+), winners ([\d,.]+), deficit ([\d,.]+)/,
    );
    const [shortfall, ...paid] = layers.slice(1).map((text) => Math.round(Number(text.replaceAll(",", "")) * 100));
    const sum = paid.reduce((total, part) => total + part, 0);
    expect((shortfall ?? 0) - sum, "cents cut off the four layers").to.be.within(0, 3);

    dev.child.kill("SIGINT");
    expect(await exitOf(dev.child), dev.output()).to.equal(0);
    for (const at of [port, port + 1, port + 2, port + 3])
      expect(await isGone(`http://127.0.0.1:${at}`), `port ${at}`).to.equal(true);
  });

  for (const [args, message] of [
    [["--do", "panic"], /"panic" is no command; there are calm, crash/],
    [["--seed", "x"], /--seed must be a whole number up to 4294967295, not "x"/],
    [["--prot", "1"], /Unknown option '--prot'/],
  ] as const)
    it(`refuses ${args.join(" ")}`, async () => {
      const dev = start(...args);
      expect(await exitOf(dev.child)).to.equal(1);
      expect(dev.output()).to.match(message);
    });
});
