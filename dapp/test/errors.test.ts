/** Every error of the contracts has its sentence, or a reason why no user meets it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AbiParameter,
  encodeErrorResult,
  encodeFunctionData,
  type Hex,
  parseAbi,
  UserRejectedRequestError,
} from "viem";
import { ConnectorChainMismatchError } from "wagmi";
import { decodeFault, errorAbi } from "../src/errors/decode.ts";
import { explain, PlainError } from "../src/errors/explain.ts";
import { sentences, unreachable } from "../src/errors/table.ts";
import { type Names, wordsOf } from "../src/errors/words.ts";

const names: Names = {
  token: { symbol: "USDX", decimals: 6 },
  markets: new Map([[1, { name: "BTC", lotDecimals: 4 }]]),
};

/** A value of the type that no sentence can take for another one. */
function sample({ type }: AbiParameter): unknown {
  if (type === "address") return "0x00000000000000000000000000000000000000aa";
  if (type === "bytes32") return `0x${"11".repeat(32)}`;
  if (type === "string") return "text";
  return /^u?int(8|16|24|32|40|48)$/.test(type) ? 1 : 1_700_000_000n;
}

const errors = errorAbi.flatMap((item) => (item.type === "error" ? [item] : []));

describe("sentences for errors", () => {
  it("says each error in one place: a sentence, or why it cannot be met", () => {
    const declared = new Set(errors.map(({ name }) => name));
    const said = [...Object.keys(sentences), ...Object.keys(unreachable)];
    assert.deepEqual(
      [...declared].filter((name) => !said.includes(name)),
      [],
      "errors without a word about them",
    );
    assert.deepEqual(
      said.filter((name) => !declared.has(name)),
      [],
      "words about errors that there are not",
    );
    assert.deepEqual(
      Object.keys(sentences).filter((name) => name in unreachable),
      [],
      "errors with a sentence that are said to be unreachable",
    );
  });

  for (const item of errors) {
    const sentence = sentences[item.name];
    if (sentence === undefined) continue;
    it(`says ${item.name}(${item.inputs.map(({ type }) => type).join(", ")})`, () => {
      const data = encodeErrorResult({ abi: [item], errorName: item.name, args: item.inputs.map(sample) });
      const fault = decodeFault(data);
      assert.equal(fault?.name, item.name);
      const text = sentence(wordsOf(fault, names));
      assert.match(text, /^[A-Z].{10,}\.$/s);
      assert.doesNotMatch(text, /undefined|NaN|\[object|Invalid/);
    });
  }

  it("finds revert data wherever a node puts it", () => {
    const data = encodeErrorResult({ abi: errorAbi, errorName: "GateClosed", args: [1_700_000_000n] });
    const wrap = (inner: object) =>
      Object.assign(new Error("outer"), { cause: Object.assign(new Error("inner"), inner) });
    for (const error of [wrap({ data }), wrap({ data: { data } }), wrap({ raw: data })]) {
      const { kind, sentence } = explain(error, names);
      assert.equal(kind, "refused");
      assert.match(sentence, /^The gate is closed, at the latest until 14 Nov 2023/);
    }
  });

  it("tells a no of the person from a refusal and from trouble", () => {
    const rejected = explain(new UserRejectedRequestError(new Error("no")), names);
    assert.deepEqual(rejected, { kind: "rejected", sentence: "You declined in the wallet. Nothing was sent." });
    assert.equal(explain({ code: 4001, message: "no" }, names).kind, "rejected");
    assert.deepEqual(explain(new PlainError("As it is."), names), { kind: "trouble", sentence: "As it is." });
  });

  it("says in its own words what viem and wagmi know: another chain, no wallet, too large an amount", () => {
    const gone = Object.assign(new Error("Connector not connected.\n\nVersion: 3"), {
      name: "ConnectorNotConnectedError",
    });
    const mismatch = new ConnectorChainMismatchError({ connectionChainId: 31_337, connectorChainId: 1 });
    assert.match(explain(mismatch, names).sentence, /^The wallet is on another chain\./);
    assert.match(explain(gone, names).sentence, /^The wallet is not connected any more\./);
    const encode = () => encodeFunctionData({ abi: parseAbi(["function sell(int64 lots)"]), args: [10n ** 20n] });
    assert.throws(
      encode,
      (error) => explain(error, names).sentence === "The amount is larger than the contract can hold.",
    );
    const other = explain(new Error("First line.\n\nVersion: 1"), names);
    assert.equal(other.sentence, "First line.");
    const unknown: Hex = "0x12345678";
    assert.equal(decodeFault(unknown), undefined);
  });
});
