/** The commands against real nodes, two implementations of the EVM: deploy, interrupt, go on, hand over, inspect, break, inspect. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { JsonRpcProvider } from "ethers";
import { compareCode } from "../../deploy/inspect/code.ts";
import { inspect } from "../../deploy/inspect/index.ts";
import { readSettings } from "../../deploy/parameters.ts";
import { addressOfKey, checkMoney, checkParameters, connect } from "../../deploy/preflight.ts";
import { readRecord } from "../../deploy/record.ts";
import { GOVERNANCE } from "../../deploy/wiring.ts";
import { AccessManager__factory, CapitalStack__factory } from "../../typechain-types/index.js";
import { freePort, type Node, type NodeKind, rpc, run, startNode } from "../helpers/nodes.ts";

const deploy = path.resolve(import.meta.dirname, "../../deploy");
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"; // account 0 of both nodes
const TWO_DAYS = 172_800; // {s}
const MOST = 10n ** 18n; // {wei} for who is impersonated

/** Futures are recorded one by one: this many are about half of them. */
const HALF = 14;

for (const [kind, network, variable] of [
  ["hardhat", "localhost", "LOCALHOST_URL"],
  ["anvil", "anvil", "ANVIL_URL"],
] as const satisfies readonly (readonly [NodeKind, string, string])[])
  describe(`deployment to a ${kind} node`, function () {
    this.timeout(180_000);
    const id = `test-${randomUUID()}`;
    const args = ["--network", network, "--deployment", id];
    let node: Node;
    let env: Record<string, string>;
    let provider: JsonRpcProvider;

    before(async () => {
      node = await startNode(kind);
      env = { [variable]: node.url };
      provider = new JsonRpcProvider(node.url, 31_337, { staticNetwork: true, cacheTimeout: -1 });
    });

    after(async () => {
      provider?.destroy();
      await node?.stop();
      await rm(path.join(deploy, "deployments", id), { recursive: true, force: true });
      await rm(path.join(deploy, "addresses", `${id}.json`), { force: true });
    });

    const found = async () => (await inspect(provider, await readRecord(id), await readSettings(network))).wrong;

    /** Sends from an address that the node need not have the key of. */
    async function as(account: string, to: string, data: string): Promise<void> {
      const prefix = kind === "hardhat" ? "hardhat" : "anvil";
      await rpc(node.url, `${prefix}_setBalance`, [account, `0x${MOST.toString(16)}`]);
      await rpc(node.url, `${prefix}_impersonateAccount`, [account]);
      await rpc(node.url, "eth_sendTransaction", [{ from: account, to, data, gas: "0xf4240" }]);
    }

    const file = path.join(deploy, "deployments", id, "deployed_addresses.json");
    const addresses = (): Record<string, string> => {
      try {
        return JSON.parse(readFileSync(file, "utf8"));
      } catch {
        return {}; // not there yet, or being written
      }
    };

    it("goes on after a power cut, and changes nothing that was there", async () => {
      const cut = await run("deploy", args, env, () => Object.keys(addresses()).length >= HALF);
      expect(cut.code, cut.errors).to.equal(null);
      const half = addresses();
      expect(Object.keys(half).length).to.be.within(HALF, 21);

      const whole = await run("deploy", args, env);
      expect(whole.code, whole.errors).to.equal(0);
      expect(whole.output).to.contain(`Goes on    with what deploy/deployments/${id} records`);
      expect(addresses()).to.include(half);
      expect(Object.keys(addresses())).to.have.lengthOf(22);
      expect((await readRecord(id)).contracts.engine).to.equal(addresses()["Backstop#MarginEngine"]);
    });

    it("is said to be the deployer's until it is handed over", async () => {
      const wrong = await found();
      expect(wrong.slice(0, 3)).to.deep.equal([
        "Nobody governs but the deployer: it is not handed over yet.",
        `The deployer, ${DEPLOYER}, kept ADMIN.`,
        `The deployer, ${DEPLOYER}, kept GOVERNANCE.`,
      ]);
      expect(wrong[3]).to.contain(`The deployer, ${DEPLOYER}, may call oracle.configure, oracle.configureSecond,`);
      expect(wrong).to.have.lengthOf(4);
    });

    it("passes the inspection once it is handed over, in two parts", async () => {
      const isBegun = () => Object.keys(addresses()).some((name) => name.startsWith("Timelock#"));
      const cut = await run("deploy", [...args, "--hand-over"], env, isBegun);
      expect(cut.code, cut.errors).to.equal(null);
      expect(await found(), "a power of the deployer's").not.to.deep.equal([]);

      const done = await run("deploy", args, env); // what has begun goes on
      expect(done.code, done.errors).to.equal(0);

      const { code, output, errors } = await run("inspect", [...args, "--json"], env);
      expect(code, output + errors).to.equal(0);
      const result: { ok: boolean; wrong: string[]; checks: number; holders: { role: string; account: string }[] } =
        JSON.parse(output);
      expect([result.ok, result.wrong]).to.deep.equal([true, []]);
      expect(result.checks).to.be.greaterThan(300);
      const { timelock } = await readRecord(id);
      expect(result.holders.filter(({ account }) => account === timelock).map(({ role }) => role)).to.deep.equal([
        "ADMIN",
        "GOVERNANCE",
        "admin of the timelock",
      ]);
      expect(result.holders.some(({ account }) => account === DEPLOYER)).to.equal(false);
    });

    it("fails it for a power that came back, a term that was changed, a feed that is dead, code that is gone", async () => {
      const { contracts, timelock } = await readRecord(id);
      if (timelock === null) throw new Error("There is no timelock");
      const managed = AccessManager__factory.createInterface();
      await as(timelock, contracts.manager, managed.encodeFunctionData("grantRole", [GOVERNANCE, DEPLOYER, 0]));
      const stack = CapitalStack__factory.createInterface();
      await as(timelock, contracts.stack, stack.encodeFunctionData("setBudgets", [600, 700]));
      await rpc(node.url, "evm_increaseTime", [TWO_DAYS]);
      await rpc(node.url, "evm_mine");

      const wrong = await found();
      for (const sentence of [
        "stack.budgets.marketDayBps is 600; expected 5000.",
        "stack.budgets.windowBps is 700; expected 8000.",
        "ETH: the oracle's price is STALE; expected OK or WIDE.",
        "ALT: the oracle's price is STALE; expected OK or WIDE.",
        `The deployer, ${DEPLOYER}, kept GOVERNANCE.`,
      ])
        expect(wrong).to.include(sentence);
      expect(wrong.at(-1)).to.contain(`The deployer, ${DEPLOYER}, may call oracle.configure,`);
      expect(wrong).to.have.lengthOf(7);

      await rpc(node.url, `${kind}_setCode`, [contracts.exchange, "0x"]);
      await rpc(node.url, `${kind}_setCode`, [contracts.risk, "0x6001"]);
      expect(await found()).to.deep.equal([
        `There is no contract at ${contracts.exchange}, where exchange should be.`,
        `The code of risk at ${contracts.risk} is not what this repository builds: it has 2 bytes; expected ${await sizeOf()}.`,
      ]);
    });

    // The same whoever runs the chain, and anvil starts faster.
    if (kind === "anvil") {
      it("says which step the chain refuses, and takes it up again with parameters that were mended", async () => {
        const refused = `${id}-refused`;
        const own = ["--network", network, "--deployment", refused];
        const { contracts } = await readRecord(id);
        const file = path.join(tmpdir(), `${refused}.json5`);
        const mended = readFileSync(path.join(deploy, "parameters", `${network}.json5`), "utf8");
        await writeFile(file, mended.replace(/sequencer: "0x0+"/, `sequencer: "${contracts.token}"`)); // which is none
        try {
          const stopped = await run("deploy", [...own, "--parameters", file], env);
          expect(stopped.code).to.equal(1);
          expect(stopped.errors).to.contain("The deployment stopped.").and.to.contain("Backstop#configureETH");
          expect(stopped.errors).to.contain("FeedInvalid");
          const done = await run("deploy", own, env);
          expect(done.code, done.errors).to.equal(0);
        } finally {
          await rm(file);
          await rm(path.join(deploy, "deployments", refused), { recursive: true, force: true });
          await rm(path.join(deploy, "addresses", `${refused}.json`), { force: true });
        }
      });

      it("starts afresh on a local chain that was started afresh", async () => {
        const other = await startNode(kind);
        try {
          const again = await run("deploy", args, { [variable]: other.url });
          expect(again.code, again.errors).to.equal(0);
          expect(again.output).to.contain("Afresh     this is another chain than the last time");
        } finally {
          await other.stop();
        }
      });
    }

    it("says what is wrong with node, chain, key, contracts and money", async () => {
      const settings = await readSettings(network);
      const refused = async (promise: Promise<unknown>): Promise<string> =>
        promise.then(
          () => "",
          (error: Error) => error.message,
        );
      expect(await refused(connect("sepolia", node.url))).to.equal(
        `${node.url} is chain 31337; sepolia is chain 11155111. Check the URL, or the name of the network.`,
      );
      const sources = { token: DEPLOYER, ethUsdFeed: DEPLOYER, btcUsdFeed: DEPLOYER, pyth: DEPLOYER };
      expect(await refused(checkParameters(provider, { ...settings, sources, guardian: DEPLOYER }, DEPLOYER))).to.equal(
        [
          ...Object.keys(sources).map((name) => `Backstop.${name}: there is no contract at ${DEPLOYER} on this chain.`),
          `The deployer, ${DEPLOYER}, is the guardian: it must keep no power.`,
        ].join("\n"),
      );
      expect(await refused(checkMoney(provider, network, "0x00000000000000000000000000000000000000AA"))).to.match(
        /^The deployer, 0x0+AA, has 0\.0 ETH on \w+; the deployment needs 62 million gas at [\d.]+ gwei = [\d.]+ ETH\. Send it [\d.]+ ETH, or wait for a lower fee\.$/,
      );
    });
  });

/** Bytes of the risk engine as built. */
async function sizeOf(): Promise<number> {
  const { artifacts } = await import("hardhat");
  return ((await artifacts.readArtifact("RiskEngine")).deployedBytecode.length - 2) / 2;
}

describe("the commands of a deployment", () => {
  it("exit with 75 where nobody answers, with 1 where it is the caller's to fix", async function () {
    this.timeout(60_000);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const silent = await run("deploy", ["--network", "localhost"], { LOCALHOST_URL: url });
    expect([silent.code, silent.errors]).to.deep.equal([
      75,
      `No node answers at ${url}: connect ECONNREFUSED 127.0.0.1:${port}. Is it running, is the URL right?\n`,
    ]);
    const unknown = await run("inspect", ["--network", "mainnet"], {});
    expect([unknown.code, unknown.errors]).to.deep.equal([
      1,
      'No network "mainnet"; there are localhost, anvil, sepolia, base-sepolia, arbitrum-sepolia.\n',
    ]);
  });

  it("say what a URL is not", async () => {
    const server = createServer((_, answer) => answer.end("<html>hello</html>")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    for (const [url, sentence] of [
      ["localhost:8545", 'The URL of localhost, "localhost:8545", is none: it must begin with http:// or https://.'],
      [
        `http://127.0.0.1:${port}/secret`,
        `http://127.0.0.1:${port} answers, but not as an Ethereum node: HTTP 200, "<html>hello</html>".`,
      ],
    ] as const)
      expect(
        await connect("localhost", url).then(
          () => "",
          (error: Error) => error.message,
        ),
      ).to.equal(sentence);
    server.close();
  });

  it("say what is wrong with a key, and do not repeat it", () => {
    const refused = (key: string): string => {
      try {
        return addressOfKey(key);
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
    };
    const form = "DEPLOYER_KEY is no private key: it must be 64 hex digits, with or without 0x, and is";
    expect(refused("0xabc")).to.equal(`${form} 3 characters.`);
    expect(refused("z".repeat(64))).to.equal(`${form} 64 characters that are not all hex.`);
    expect(refused("0".repeat(64))).to.equal("DEPLOYER_KEY is no private key: its number is out of range.");
    expect(refused(`0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80`)).to.equal(DEPLOYER);
  });

  it("compare code byte by byte but for immutables, and libraries by their address", () => {
    const library = "0x00000000000000000000000000000000000000ab";
    const built = `0x6001${"0".repeat(4)}73__$${"1".repeat(34)}$__00`;
    const links = { "A.sol": { Lib: [{ start: 5, length: 20 }] } };
    const code = (immutable: string, at: string, end = "00") => `0x6001${immutable}73${at.slice(2)}${end}`;
    const compare = (text: string) => compareCode(text, built, [{ start: 2, length: 2 }], links, { Lib: library });
    expect(compare(code("beef", library))).to.equal(undefined);
    expect(compare(code("beef", library, "01"))).to.equal("it differs from byte 25 on");
    expect(compare(code("beef", DEPLOYER))).to.equal(`it calls Lib at ${DEPLOYER.toLowerCase()}; expected ${library}`);
    expect(compare("0x6001")).to.equal("it has 2 bytes; expected 26");
  });
});
