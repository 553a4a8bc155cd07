/** Everything that can be wrong with where a keeper is put: the sentence, and the exit code that goes with it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { Wallet } from "ethers";
import { accountOf } from "../../../test/helpers/actors.ts";
import { deposit, dollars } from "../../../test/helpers/fixture.ts";
import { freePort, type Node, run, startNode } from "../../../test/helpers/nodes.ts";
import { KeeperError, RetryableError } from "../../src/errors.ts";
import { createLogger } from "../../src/logger.ts";
import { createWorld, KEYS, type World } from "../helpers/world.ts";

const NOBODY = "0x00000000000000000000000000000000000000aa";

describe("what stops a keeper", () => {
  let world: World;
  let other: Node;
  before(async () => {
    [world, other] = await Promise.all([
      createWorld("anvil", { curve: 0n }),
      startNode("anvil", { args: ["--chain-id", "5"] }),
    ]);
    await deposit(world.fx, world.fx.maker, 400_000n);
  });
  after(async () => {
    await other.stop();
    await world.close();
  });

  /** The error of a keeper that does not start; one that does is stopped. */
  async function refusal(changes: Readonly<Record<string, string | undefined>>): Promise<Error> {
    try {
      const keeper = await world.keeper(changes);
      await keeper.stop();
    } catch (error) {
      assert.ok(error instanceof Error);
      return error;
    }
    throw new assert.AssertionError({ message: "It started" });
  }

  const fixed = async (changes: Readonly<Record<string, string | undefined>>, sentence: RegExp) => {
    const error = await refusal(changes);
    assert.ok(error instanceof KeeperError, `${error.name} is not the caller's to fix: ${error.message}`);
    assert.match(error.message, sentence);
  };

  async function changedAddresses(change: (deployment: Record<string, unknown>) => void): Promise<string> {
    const file = path.join(world.folder, `addresses-${Math.random()}.json`);
    const deployment = JSON.parse(await readFile(world.addresses, "utf8"));
    change(deployment);
    await writeFile(file, JSON.stringify(deployment));
    return file;
  }

  it("every variable that is missing or wrong, at once", () =>
    fixed(
      {
        ...{
          KEEPER_RPC_URL: "localhost:8545",
          KEEPER_KEY: "0x12zz",
          KEEPER_ADDRESSES: "/nowhere.json",
          KEEPER_PORT: "70000",
        },
        ...{ KEEPER_NATIVE_USD: undefined, KEEPER_MAX_TIP: "300", KEEPER_TYPO: "1" },
      },
      new RegExp(
        [
          "The configuration cannot be used:",
          "  KEEPER_RPC_URL must be a URL that begins with http:// or https://.",
          "  KEEPER_KEY is no private key: it must be 64 hex digits and is 4 characters that are not all hex.",
          "  KEEPER_ADDRESSES cannot be used: ENOENT: no such file or directory, open '/nowhere.json'.",
          "  KEEPER_PORT must be 0 to 65535.",
          "  KEEPER_NATIVE_USD or KEEPER_NATIVE_FEED must be set, and only one of them: gas is paid in that coin.",
          "  KEEPER_MAX_TIP must not be above KEEPER_MAX_FEE.",
          "  KEEPER_TYPO is no variable of the keeper.",
        ]
          .join("\n")
          .replace(/[()]/g, "\\$&"),
      ),
    ));

  it("a key that is none, without repeating it", async () => {
    const error = await refusal({ KEEPER_KEY: "f".repeat(64) });
    assert.match(error.message, /KEEPER_KEY is no private key: its number is out of range\./);
    assert.ok(!error.message.includes("ffff"));
  });

  it("a URL where nobody answers: worth retrying", async () => {
    const port = await freePort();
    const error = await refusal({ KEEPER_RPC_URL: `http://127.0.0.1:${port}/secret` });
    assert.ok(error instanceof RetryableError);
    assert.equal(
      error.message,
      `No node answers at http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}. Is it running, is the URL right?`,
    );
  });

  it("a URL that is not a node's", async () => {
    const server = createServer((_, answer) => answer.end("<html>hello</html>")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    try {
      await fixed(
        { KEEPER_RPC_URL: url },
        /^The URL is not a node's: .*it answers, but not as an Ethereum node: HTTP 200, "<html>hello<\/html>"/,
      );
    } finally {
      server.close();
    }
  });

  it("the wrong chain, also of the second node and of the private one", async () => {
    const sentence = new RegExp(
      `^${other.url} is chain 5; the addresses of KEEPER_ADDRESSES are of anvil, chain 31337\\.$`,
    );
    await fixed({ KEEPER_RPC_URL: other.url }, sentence);
    await fixed({ KEEPER_RPC_URL_2: other.url }, sentence);
    await fixed({ KEEPER_SEND_URL: other.url }, sentence);
  });

  it("a contract that is not there", async () => {
    const file = await changedAddresses((deployment) => {
      deployment.contracts = { ...world.deployment.contracts, engine: NOBODY, oracle: NOBODY };
    });
    await fixed(
      { KEEPER_ADDRESSES: file },
      /^There is no contract at 0x0+aa, where engine should be, on chain 31337\.\nThere is no contract at 0x0+aa, where oracle should be, on chain 31337\.$/,
    );
    await fixed(
      { KEEPER_L1_FEE_ORACLE: NOBODY },
      /^There is no contract at 0x0+AA, where KEEPER_L1_FEE_ORACLE should be, on chain 31337\.$/,
    );
  });

  it("no money for gas", () =>
    fixed(
      { KEEPER_KEY: Wallet.createRandom().privateKey },
      /^The key 0x\w{40} has 0\.0 to pay gas with; it needs [\d.]+, 5 million gas at today's price\. Send it money\.$/,
    ));

  it("money that runs out on the way", async () => {
    const { fx } = world;
    const key = Wallet.createRandom().privateKey;
    const { address } = new Wallet(key);
    await world.request("anvil_setBalance", address, "0xde0b6b3a7640000");
    const keeper = await world.keeper({ KEEPER_KEY: key });
    try {
      await world.request("anvil_setBalance", address, "0x1");
      await world.answer(dollars(1_990n));
      await assert.rejects(keeper.pass(), (error: Error) => {
        assert.ok(error instanceof KeeperError, error.message);
        assert.match(
          error.message,
          /^The key 0x\w{40} has 0\.0+1 left, and "sync" may need [\d.]+: send it money for gas\.$/,
        );
        return true;
      });
    } finally {
      await keeper.stop();
    }
    await fx.engine.sync(0);
  });

  it("an account that the key does not operate, at the start and when the right is taken away", async () => {
    const { fx } = world;
    const { address } = new Wallet(KEYS[0]);
    const theirs = accountOf(fx.bob);
    const changes = { KEEPER_ACCOUNT: `${theirs}` };
    const sentence = new RegExp(
      `^The key ${address} may not act for the margin account ${theirs}: its owner ${fx.bob.address} must make it an operator with setOperator, or KEEPER_ACCOUNT must go\\.$`,
    );
    await fixed(changes, sentence);
    await fx.engine.connect(fx.bob).setOperator(address, true);
    const keeper = await world.keeper(changes);
    try {
      await keeper.pass();
      await fx.engine.connect(fx.bob).setOperator(address, false);
      await world.wait(301);
      await assert.rejects(
        keeper.pass(),
        (error: Error) => error instanceof KeeperError && sentence.test(error.message),
      );
    } finally {
      await keeper.stop();
    }
  });

  it("a port that is taken", async () => {
    const first = await world.keeper();
    try {
      const port = new URL(first.url).port;
      await fixed(
        { KEEPER_PORT: port },
        new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is taken: another keeper, or set KEEPER_PORT\\.$`),
      );
    } finally {
      await first.stop();
    }
  });

  it("a state folder that cannot be written to", () =>
    fixed(
      { KEEPER_STATE: path.join(world.addresses, "state") },
      /^The state folder .* cannot be written to: ENOTDIR: .*\.$/,
    ));

  it("not a state file that is cut off or another's: it is named and built anew", async () => {
    const state = path.join(world.folder, "kept");
    const first = await world.keeper({ KEEPER_STATE: state });
    await first.pass();
    await first.stop();
    const file = path.join(state, "mirror.json");
    const text = await readFile(file, "utf8");
    for (const [broken, reason] of [
      [text.slice(0, -20), "its checksum is wrong: it was cut off or changed"],
      [text.replace('"chainId":31337', '"chainId":1'), "it is of chain 1, not 31337"],
      [text.replace('"version":1', '"version":9'), "it is of version 9; this keeper writes 1"],
      [
        text.replace(/"engine":"0x\w+"/, `"engine":"${NOBODY}"`),
        `it is of the engine ${NOBODY}, not ${world.deployment.contracts.engine}`,
      ],
      ["nonsense", "Unexpected token 'o', \"nonsense\" is not valid JSON"],
    ] as const) {
      await mkdir(state, { recursive: true });
      await writeFile(file, broken);
      const lines: string[] = [];
      const logger = createLogger("warn");
      logger.warn = (fields: unknown) => void lines.push(JSON.stringify(fields));
      const keeper = await world.keeper({ KEEPER_STATE: state }, { logger });
      assert.ok(
        lines.some((line) => line.includes(file) && line.includes(JSON.stringify(reason).slice(1, -1))),
        lines.join("\n"),
      );
      assert.ok((await keeper.pass()).block > 0);
      await keeper.stop();
      await writeFile(file, text);
    }
  });

  it("not a pause: it is said, and the rest goes on", async () => {
    const { fx } = world;
    await fx.engine.connect(fx.guardian).pauseMarket(0);
    await fx.pool.connect(fx.guardian).pause();
    const lines: unknown[] = [];
    const logger = createLogger("warn");
    logger.warn = (fields: { msg: string }) => void lines.push(fields.msg);
    const keeper = await world.keeper({}, { logger });
    await keeper.pass();
    await keeper.stop();
    assert.equal(lines[0], "Market ETH is paused: it takes no new risk.");
    assert.match(String(lines[1]), /^The senior pool is paused until \d{4}-\d\d-\d\dT[\d:.]+Z\.$/);
  });

  describe("as a command", () => {
    const command = (args: string[], changes: Readonly<Record<string, string | undefined>> = {}) =>
      run("../keeper/src/main", args, world.env(changes));

    it("exits with 0, 1 and 75", async () => {
      const help = await command(["--help"]);
      assert.deepEqual([help.code, help.output.includes("KEEPER_RPC_URL_2")], [0, true]);
      const done = await command(["--once", "--json", "--dry-run"]);
      assert.equal(done.code, 0, done.errors);
      assert.equal(JSON.parse(done.output).sent, 0);
      const wrong = await command(["--json"]);
      assert.deepEqual([wrong.code, wrong.errors], [1, "--json says what one pass did: it needs --once.\n"]);
      const silent = await command(["--once"], { KEEPER_RPC_URL: `http://127.0.0.1:${await freePort()}` });
      assert.equal(silent.code, 75, silent.errors);
      assert.match(silent.errors, /No node answers at .* Is it running, is the URL right\?/);
    });

    it("drains at SIGTERM and exits with 0", async () => {
      const main = path.resolve(import.meta.dirname, "../../src/main.ts");
      const env = { ...process.env, ...world.env({ KEEPER_LOG: "info" }) };
      const child = spawn(process.execPath, ["--import", "tsx", main], { env, stdio: ["ignore", "ignore", "pipe"] });
      let log = "";
      for await (const chunk of child.stderr) {
        log += String(chunk);
        if (log.includes('"msg":"ready"') && !child.killed) child.kill("SIGTERM");
      }
      if (child.exitCode === null) await once(child, "exit");
      assert.equal(child.exitCode, 0, log);
      assert.match(log, /"msg":"stopped"/);
    });
  });
});
