/** Numbers, fees and fates of transactions against anvil, whose blocks the test makes. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEther, parseUnits, type TransactionReceipt, Wallet } from "ethers";
import { type Node, rpc, startNode } from "../../../test/helpers/nodes.ts";
import { type Fees, feesFor } from "../../src/chain/fees.ts";
import { createFlightLog, type Flight, flightFile } from "../../src/chain/flights.ts";
import { KeeperProvider } from "../../src/chain/provider.ts";
import { createSender, type Outcome } from "../../src/chain/sender.ts";
import { createTransport } from "../../src/chain/transport.ts";
import { KeeperError } from "../../src/errors.ts";
import { startProxy } from "../helpers/proxy.ts";

const CHAIN = 31_337;
const caps = { maxFee: parseUnits("500", "gwei"), maxTip: parseUnits("3", "gwei") };
const TO = "0x00000000000000000000000000000000000000bb";

describe("the sender on anvil", () => {
  let node: Node;
  let provider: KeeperProvider;
  let folder: string;
  let wallet: Wallet;
  const ended: {
    label: string;
    nonce: number;
    outcome: Outcome;
    hash: string;
    receipt?: TransactionReceipt | undefined;
  }[] = [];
  let replaced = 0;
  const unsaved: string[] = [];
  const request = (method: string, ...params: unknown[]) => rpc(node.url, method, params);
  const mine = (blocks = 1) => request("anvil_mine", blocks);

  before(async () => {
    node = await startNode("anvil");
    provider = new KeeperProvider(createTransport({ urls: [node.url] }), CHAIN);
    await request("evm_setAutomine", false);
  });
  after(async () => {
    provider.destroy();
    await node.stop();
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "sender-"));
    wallet = new Wallet(Wallet.createRandom().privateKey);
    await request("anvil_setBalance", wallet.address, `0x${parseEther("10").toString(16)}`);
    [ended.length, unsaved.length, replaced] = [0, 0, 0];
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function sender(stuck = 3_600, outlet = provider) {
    const made = createSender({
      ...{ wallet, chainId: CHAIN, provider, outlet, caps, stuck },
      onUnsaved: (reason) => void unsaved.push(reason),
      log: createFlightLog(folder, { chainId: CHAIN, sender: wallet.address }, (_, reason) => assert.fail(reason)),
      onOutcome: ({ label, nonce, hashes }: Flight, outcome, receipt) =>
        void ended.push({ label, nonce, outcome, hash: hashes.at(-1) ?? "", receipt }),
      onReplace: () => void replaced++,
    });
    await made.start();
    return made;
  }
  const fees = async (): Promise<Fees> => {
    const offered = feesFor((await provider.head()).baseFee, 10n ** 9n, caps);
    assert.ok(offered);
    return offered;
  };
  const pay = (key: string, value = 1n) => ({ key, label: key, to: TO, data: "0x", value, gas: 21_000n });

  it("has several under way, numbered in the order of the calls, and sees them mined", async () => {
    const one = await sender();
    const offer = await fees();
    await Promise.all(["a", "b", "c", "d"].map((key) => one.send(pay(key), offer)));
    assert.deepEqual([...one.keys], ["a", "b", "c", "d"]);
    await one.poll(offer);
    assert.equal(one.size, 4, "nothing is mined yet");
    await mine();
    await one.poll(offer);
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
      [
        ["a", 0, "mined"],
        ["b", 1, "mined"],
        ["c", 2, "mined"],
        ["d", 3, "mined"],
      ],
    );
    assert.equal(one.size, 0);
  });

  it("offers an eighth more for what is stuck, until it is taken", async () => {
    const one = await sender(0.05);
    const offer = await fees();
    await one.send(pay("stuck"), offer);
    await request("anvil_setNextBlockBaseFeePerGas", `0x${(offer.maxFeePerGas * 2n).toString(16)}`);
    await mine();
    for (let i = 0; i < 20 && one.size > 0; i++) {
      await sleep(60);
      await one.poll(await fees());
      await mine();
    }
    assert.deepEqual(
      ended.map(({ nonce, outcome }) => [nonce, outcome]),
      [[0, "mined"]],
    );
    assert.ok(replaced > 0);
    const price = ended[0]?.receipt?.gasPrice ?? 0n;
    assert.ok(price > offer.maxFeePerGas, `${price}`);
  });

  it("never offers more than it is worth, and gives its number up when others wait behind it", async () => {
    const one = await sender(0.05);
    const offer = await fees();
    const most = offer.maxFeePerGas - 1n;
    await one.send({ ...pay("cheap"), gas: 900_000n, most }, offer);
    await request("anvil_setNextBlockBaseFeePerGas", `0x${(offer.maxFeePerGas * 8n).toString(16)}`);
    await mine();
    await one.send(pay("dear"), await fees());
    for (let i = 0; i < 20 && one.size > 0; i++) {
      await sleep(60);
      await one.poll(await fees());
      await mine();
    }
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
      [
        ["give up cheap", 0, "mined"],
        ["dear", 1, "mined"],
      ],
    );
    assert.equal(ended[0]?.receipt?.gasUsed, 21_000n);
    assert.equal(ended[0]?.receipt?.to, wallet.address);
  });

  it("finds after a restart what it had sent before, mined or not", async () => {
    const offer = await fees();
    const first = await sender();
    await first.send(pay("one"), offer);
    await first.send(pay("two"), offer);
    const second = await sender();
    assert.deepEqual([...second.keys], ["one", "two"]);
    await second.send(pay("three"), offer);
    await mine();
    await second.poll(offer);
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
      [
        ["one", 0, "mined"],
        ["two", 1, "mined"],
        ["three", 2, "mined"],
      ],
    );
  });

  it("is found again by its own key alone in a folder that keepers share", async () => {
    await (await sender()).send(pay("mine"), await fees());
    const of = (address: string) =>
      createFlightLog(folder, { chainId: CHAIN, sender: address }, (_, reason) => assert.fail(reason));
    const another = of(Wallet.createRandom().address);
    assert.deepEqual(await another.load(), []);
    await another.save([]);
    assert.deepEqual(
      (await of(wallet.address).load()).map(({ label }) => label),
      ["mine"],
    );
  });

  it("takes the place of a transaction with its number that it does not know of", async () => {
    const offer = await fees();
    const first = await sender();
    await first.send(pay("lost"), offer);
    await rm(path.join(folder, flightFile({ chainId: CHAIN, sender: wallet.address })));
    const second = await sender();
    await second.send(pay("mine", 2n), offer);
    assert.equal(replaced, 1);
    await mine();
    await second.poll(offer);
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
      [["mine", 0, "mined"]],
    );
  });

  it("gives up a number that somebody else with its key has used", async () => {
    const one = await sender();
    const offer = await fees();
    await one.send(pay("first"), offer);
    const signed = await wallet.signTransaction({
      ...{ type: 2, chainId: CHAIN, nonce: 0, to: TO, value: 3n, gasLimit: 21_000n },
      ...{ maxFeePerGas: offer.maxFeePerGas * 3n, maxPriorityFeePerGas: offer.maxPriorityFeePerGas * 3n },
    });
    await provider.broadcastTransaction(signed);
    await mine();
    await one.poll(offer);
    assert.deepEqual(
      ended.map(({ label, outcome }) => [label, outcome]),
      [["first", "overtaken"]],
    );
    await one.send(pay("second"), await fees());
    await mine();
    await one.poll(await fees());
    assert.deepEqual([ended.at(-1)?.nonce, ended.at(-1)?.outcome], [1, "mined"]);
  });

  it("says that a transaction reverted: a race was lost", async () => {
    const one = await sender();
    const code = "0x60006000fd"; // reverts
    const at = "0x00000000000000000000000000000000000000cc";
    await request("anvil_setCode", at, code);
    await one.send({ ...pay("race"), to: at, gas: 60_000n }, await fees());
    await mine();
    await one.poll(await fees());
    assert.deepEqual(
      ended.map(({ label, outcome }) => [label, outcome]),
      [["race", "reverted"]],
    );
  });

  it("fills the gap that a reorg leaves, so that what is behind it gets through", async () => {
    const one = await sender(0.05);
    const offer = await fees();
    await one.send(pay("first"), offer);
    await mine();
    await one.poll(offer);
    assert.equal(ended.length, 1);
    await one.send(pay("second"), await fees());
    await request("anvil_reorg", 1, []);
    await request("anvil_dropAllTransactions");
    for (let i = 0; i < 10 && one.size > 0; i++) {
      await sleep(60); // what the pool has forgotten counts as stuck, and is sent again
      await one.poll(await fees());
      await mine();
    }
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]).filter(([, nonce]) => nonce === 1),
      [["second", 1, "mined"]],
    );
    assert.equal(await provider.getTransactionCount(wallet.address), 2);
  });

  it("goes on with what is under way when there is no money for more beside it", async () => {
    const way = await startProxy(node.url);
    const outlet = new KeeperProvider(createTransport({ urls: [way.url] }), CHAIN);
    try {
      const one = await sender(3_600, outlet);
      const offer = await fees();
      await one.send(pay("first"), offer);
      // As geth counts: the most that all of them could cost.
      const message = "insufficient funds for gas * price + value: balance 9, queued cost 5, tx cost 5, overshot 1";
      way.lie(({ method }) =>
        method === "eth_sendRawTransaction" ? { error: { code: -32_000, message } } : undefined,
      );
      await one.send(pay("second"), offer);
      assert.deepEqual([...one.keys], ["first"]);
      way.lie();
      await one.send(pay("third"), offer);
      await mine();
      await one.poll(offer);
      assert.deepEqual(
        ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
        [
          ["second", 1, "refused"],
          ["first", 0, "mined"],
          ["third", 1, "mined"],
        ],
      );
    } finally {
      outlet.destroy();
      await way.cut();
    }
  });

  it("sends although nothing can be written down, and says so", async () => {
    const one = await sender();
    await rm(folder, { recursive: true });
    await one.send(pay("unwritten"), await fees());
    await mine();
    await one.poll(await fees());
    assert.deepEqual(
      ended.map(({ label, outcome }) => [label, outcome]),
      [["unwritten", "mined"]],
    );
    assert.ok(unsaved.length > 0 && unsaved.every((reason) => /ENOENT/.test(reason)), unsaved.join());
    folder = await mkdtemp(path.join(tmpdir(), "sender-"));
  });

  it("counts what was sent by a clock that has since been set back as stuck", async () => {
    const first = await sender();
    const offer = await fees();
    await first.send(pay("later"), offer);
    const file = path.join(folder, flightFile({ chainId: CHAIN, sender: wallet.address }));
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/"sentAt":\d+/, `"sentAt":${Date.now() + 3_600_000}`));
    const second = await sender(1);
    await second.poll(offer);
    assert.equal(replaced, 1);
  });

  it("stops when there is no money for gas, and says how much", async () => {
    const one = await sender();
    await request("anvil_setBalance", wallet.address, "0x10");
    await assert.rejects(one.send(pay("poor"), await fees()), (error: Error) => {
      assert.ok(error instanceof KeeperError);
      assert.match(
        error.message,
        /^The key 0x\w{40} has 0\.0+16 left, and "poor" may need [\d.]+: send it money for gas\.$/,
      );
      return true;
    });
    assert.equal(one.size, 0);
    await request("anvil_setBalance", wallet.address, `0x${parseEther("1").toString(16)}`);
    await one.send(pay("rich"), await fees());
    await mine();
    await one.poll(await fees());
    assert.deepEqual(
      ended.map(({ label, nonce, outcome }) => [label, nonce, outcome]),
      [["rich", 0, "mined"]],
    );
  });
});
