/** The drill as a person runs it: a process with options, an exit code, a report and a last line. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import { type Outcome, run } from "../../scripts/lib/run.ts";

/** Amounts are decimal strings of 1e-12 USD. */
interface Layers {
  readonly shortfall: string;
  readonly paidBy: {
    readonly bucket: string;
    readonly pool: string;
    readonly lossShare: string;
    readonly deficit: string;
  };
}

interface Result extends Layers {
  readonly paidByTranche: { readonly junior: string; readonly senior: string };
  readonly episode: string;
  readonly seed: number;
  readonly steps: number;
  readonly accounts: number;
  readonly highestLevel: number;
  readonly liquidations: number;
  readonly takeovers: number;
  readonly takenBy: Readonly<Record<"curve" | "bands" | "keeper" | "takeover", string>>;
  readonly insolventTakeovers: number;
  readonly poolNavStart: string;
  readonly poolNavEnd: string;
  readonly accountsLeft: number;
  readonly conservationChecks: number;
  readonly conservationFailures: number;
  readonly durationMs: number;
  readonly withoutBackstop: Layers;
}

const STEPS = 48 * 12;
const folder = mkdtempSync(path.join(os.tmpdir(), "backstop-drill-"));
const reportFile = path.join(folder, "report.html");

const drill = (...args: string[]): Promise<Outcome> =>
  run("tsx", ["scripts/drill.ts", "--report", reportFile, ...args], { echo: false });

async function result(...args: string[]): Promise<Result> {
  const { code, output } = await drill("--json", ...args);
  expect(code, output).to.equal(0);
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  return JSON.parse(last);
}

const sumOf = ({ paidBy }: Layers) =>
  BigInt(paidBy.bucket) + BigInt(paidBy.pool) + BigInt(paidBy.lossShare) + BigInt(paidBy.deficit);

describe("drill", () => {
  after(() => rmSync(folder, { recursive: true }));

  it("matters by default: bucket and pool pay, without the pool winners do, and nobody is left", async function () {
    this.timeout(600_000);
    const found = await result();

    expect(found.episode).to.equal("eth-2020-03-12");
    expect(found.steps).to.equal(STEPS);
    expect(found.accounts).to.be.greaterThan(200);
    expect(found.highestLevel).to.equal(4); // a crash as this one closes the market to new risk
    expect(found.liquidations).to.be.greaterThan(0);
    expect(found.insolventTakeovers).to.be.greaterThan(0);
    expect(found.takeovers).to.be.at.least(found.insolventTakeovers);
    for (const taker of ["curve", "bands", "takeover"] as const) {
      expect(BigInt(found.takenBy[taker]) > 0n, taker).to.equal(true); // the AMM is the default way
    }

    expect(BigInt(found.shortfall) > 0n).to.equal(true);
    expect(BigInt(found.paidBy.bucket) > 0n).to.equal(true);
    expect(BigInt(found.paidBy.pool) > 0n).to.equal(true);
    const { junior, senior } = found.paidByTranche;
    expect(BigInt(junior) > 0n).to.equal(true);
    expect(BigInt(junior) + BigInt(senior) >= BigInt(found.paidBy.pool)).to.equal(true);
    expect(sumOf(found)).to.equal(BigInt(found.shortfall));
    expect(BigInt(found.poolNavEnd) < BigInt(found.poolNavStart)).to.equal(true);

    expect(BigInt(found.withoutBackstop.paidBy.lossShare) > 0n).to.equal(true);
    expect(found.withoutBackstop.paidBy.pool).to.equal("0");
    expect(sumOf(found.withoutBackstop)).to.equal(BigInt(found.withoutBackstop.shortfall));

    expect(found.conservationFailures).to.equal(0);
    expect(found.conservationChecks).to.equal(2 * 4 * (STEPS + 2)); // both runs: before, after each step, after the wind-down
    expect(found.accountsLeft).to.equal(0);

    const html = readFileSync(reportFile, "utf8");
    expect(html.match(/<svg /g)).to.have.lengthOf(6);
    expect(html.trimEnd().endsWith("</html>")).to.equal(true);
  });

  it("repeats a run of the same options to the last unit, on a node as in process", async function () {
    this.timeout(600_000);
    const node = await network.createServer("default", "127.0.0.1", 0);
    const { port } = await node.listen();
    const options = ["--episode", "eth-2021-05-19", "--seed", "7", "--traders", "12", "--pool", "0"];
    try {
      const [inProcess, onNode] = await Promise.all([
        result(...options, "--latency", "0"),
        result(...options, "--latency", "0", "--network", `http://127.0.0.1:${port}`),
      ]);

      expect(inProcess).to.include({ episode: "eth-2021-05-19", seed: 7, steps: STEPS, conservationFailures: 0 });
      expect({ ...onNode, durationMs: 0 }).to.deep.equal({ ...inProcess, durationMs: 0 });
    } finally {
      await node.close();
    }
  });

  for (const options of [
    ["--pool", "0", "--path", "inverted"],
    ["--pool", "tiny", "--path", "reversed"],
  ]) {
    it(`leaves nobody with a position: ${options.join(" ")}`, async function () {
      this.timeout(600_000);
      const found = await result("--traders", "12", ...options);

      expect(found).to.include({ steps: STEPS, accountsLeft: 0, conservationFailures: 0 });
      expect(sumOf(found)).to.equal(BigInt(found.shortfall));
      expect(sumOf(found.withoutBackstop)).to.equal(BigInt(found.withoutBackstop.shortfall));
    });
  }

  it("has bad debt where nobody acts for two hours and nobody stands behind", async function () {
    this.timeout(600_000);
    const found = await result("--traders", "24", "--pool", "0", "--latency", "24");

    expect(BigInt(found.paidBy.deficit) > 0n).to.equal(true);
    expect(found.paidBy.pool).to.equal("0");
    expect(found).to.include({ accountsLeft: 0, conservationFailures: 0 });
  });

  it("explains its options", async () => {
    const { code, output } = await drill("--help");

    expect(code).to.equal(0);
    for (const option of ["episode", "path", "seed", "traders", "pool", "latency", "report", "network", "json"])
      expect(output).to.contain(`--${option} `);
  });

  /** One of each kind; lab/test/settings.test.ts has the others. */
  const bad: readonly (readonly [args: string[], message: string])[] = [
    [["--episode", "btc-2009"], '--episode must be eth-2020-03-12 or eth-2021-05-19, not "btc-2009"'],
    [["--traders", "1"], '--traders must be a whole number from 2 to 2000, not "1"'],
    [["--network", "mainnet"], '--network must be localhost or the URL of a local node, not "mainnet"'],
    [["--report="], "--report must name a file"],
    [["--speed", "9"], "--speed"],
  ];
  for (const [args, message] of bad) {
    it(`refuses ${args.join(" ")} with a sentence and the help`, async () => {
      const { code, output } = await drill(...args);

      expect(code).to.equal(1);
      expect(output).to.contain(message);
      expect(output).to.contain("Usage: npm start -- [options]");
      expect(output).not.to.match(/^ +at /m); // no stack trace
    });
  }

  it("says so when the report cannot be written or no node answers", async () => {
    const [unwritable, silent] = await Promise.all([
      drill("--report", path.join("package.json", "below-a-file.html")),
      drill("--network", "http://127.0.0.1:9"),
    ]);

    expect(unwritable.code).to.equal(1);
    expect(unwritable.output).to.contain("The report cannot be written");
    expect(silent.code).to.equal(75);
    expect(silent.output).to.contain("No node answers at http://127.0.0.1:9");
  });
});
