/** What reporters sign, equal to the contract's by a vector that test/unit/Signals.t.sol has too. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { id, recoverAddress, Signature, SigningKey, Wallet } from "ethers";
import { hashSignal, inOrder, nearestProbability, SIGNAL_TYPES, type Signal, signalDomain } from "../src/signals.ts";

const CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const HASH = "0xa762135805d90ef7ef36921b4dc801374f1d2f11e15e21b520e955fef396402e";
const signal: Signal = {
  modelHash: id("logit + funding, 2026-06"),
  market: 3n,
  probability: 2_500n,
  validFrom: 1_790_000_000n,
  expiry: 1_790_021_600n,
  nonce: 7n,
};

describe("hashSignal", () => {
  it("is the contract's", () => {
    assert.equal(hashSignal(signalDomain(31_337n, CONTRACT), signal), HASH);
  });

  it("is another one for another chain, contract or field", () => {
    const hashes = [
      hashSignal(signalDomain(31_337n, CONTRACT), signal),
      hashSignal(signalDomain(1n, CONTRACT), signal),
      hashSignal(signalDomain(31_337n, "0x0000000000000000000000000000000000000001"), signal),
      ...(["market", "probability", "validFrom", "expiry", "nonce"] as const).map((field) =>
        hashSignal(signalDomain(31_337n, CONTRACT), { ...signal, [field]: signal[field] + 1n }),
      ),
      hashSignal(signalDomain(31_337n, CONTRACT), { ...signal, modelHash: id("another") }),
    ];
    assert.equal(new Set(hashes).size, 9);
  });

  it("refuses what does not fit its field", () => {
    const domain = signalDomain(31_337n, CONTRACT);
    assert.throws(() => hashSignal(domain, { ...signal, probability: 65_536n }), /out-of-bounds/);
    assert.throws(() => hashSignal(domain, { ...signal, validFrom: -1n }), /out-of-bounds/);
  });

  it("is what a wallet signs", async () => {
    const wallet = new Wallet(id("reporter"));
    const domain = signalDomain(31_337n, CONTRACT);
    const signature = await wallet.signTypedData(domain, SIGNAL_TYPES, { ...signal });
    assert.equal(recoverAddress(hashSignal(domain, signal), signature), wallet.address);
    assert.equal(Signature.from(signature).serialized, new SigningKey(id("reporter")).sign(HASH).serialized);
  });
});

describe("inOrder", () => {
  it("sorts by address, whatever its case", () => {
    const [a, b, c] = ["0x0a", "0x0B", "0x0c"].map((end) => ({ reporter: end.padEnd(42, "0"), signature: "0x" }));
    assert.ok(a && b && c);
    assert.deepEqual(inOrder([c, a, b]), [a, b, c]);
  });

  it("refuses the same reporter twice", () => {
    const one = { reporter: CONTRACT, signature: "0x" };
    assert.throws(() => inOrder([one, { ...one, reporter: CONTRACT.toLowerCase() }]), /signs twice/);
  });
});

describe("nearestProbability", () => {
  const last = { acceptedAt: 1_000n, probability: 3_000n };

  it("is at most a step away within an hour", () => {
    assert.equal(nearestProbability(9_000n, last, 4_599n), 5_000n);
    assert.equal(nearestProbability(0n, last, 1_000n), 1_000n);
    assert.equal(nearestProbability(3_100n, last, 1_000n), 3_100n);
  });

  it("is any after an hour, and with the first signal of a model", () => {
    assert.equal(nearestProbability(9_000n, last, 4_600n), 9_000n);
    assert.equal(nearestProbability(10_001n, { acceptedAt: 0n, probability: 0n }, 1_790_000_000n), 10_000n);
  });
});
