/** What the risk engine stores, slot by slot, beside what the model holds. */
import { AbiCoder, Interface, keccak256 } from "ethers";
import { type Risk, varianceOf } from "../../../sdk/src/risk.ts";
import { RiskEngine__factory } from "../../../typechain-types/index.js";
import type { World } from "./world.ts";

const abi = new Interface(RiskEngine__factory.abi); // takes any name, where the generated one wants a literal

/** Slots of the contract's own storage, after those of what it inherits. */
const STATES = 11n;
const HISTORIES = 13n;
const RING_BITS = 21;

const coder = AbiCoder.defaultAbiCoder();
const slotOf = (market: bigint, mapping: bigint) =>
  BigInt(keccak256(coder.encode(["uint256", "uint256"], [market, mapping])));

/** Fields of a word, lowest first, as [name, bits]; a negative width is signed. */
function unpack<N extends string>(word: bigint, fields: readonly (readonly [N, number])[]): Record<N, bigint> {
  let left = word;
  const found = fields.map(([name, bits]) => {
    const width = Math.abs(bits);
    const value = bits < 0 ? BigInt.asIntN(width, left) : BigInt.asUintN(width, left);
    left >>= BigInt(width);
    return [name, value];
  });
  return Object.fromEntries(found);
}

export function createRiskComparison({ chain, model, riskAt }: Pick<World, "chain" | "model" | "riskAt">) {
  const { state } = model;
  const view = async (name: string, ...args: readonly bigint[]): Promise<bigint> =>
    abi.decodeFunctionResult(name, await chain.call(riskAt, abi.encodeFunctionData(name, args)))[0];

  async function stored(market: bigint): Promise<Record<string, bigint>> {
    const at = slotOf(market, HISTORIES);
    const [row, more, averages, range, ring] = [
      await chain.storage(riskAt, slotOf(market, STATES)),
      await chain.storage(riskAt, slotOf(market, STATES) + 1n),
      await chain.storage(riskAt, at),
      await chain.storage(riskAt, at + 1n),
      await chain.storage(riskAt, at + 2n),
    ];
    return {
      ...unpack(row, [
        ...([
          ["level", 8],
          ["wanted", 8],
          ["crowd", -8],
          ["updatedAt", 32],
          ["calmSince", 32],
        ] as const),
        ...([
          ["use", 16],
          ["coverage", 16],
          ["funding", -48],
          ["liability", 88],
        ] as const),
      ]),
      ...unpack(more, [
        ["divergence", 16],
        ["depletion", 16],
        ["seen", 64],
      ]),
      ...unpack(averages, [
        ["fast", 72],
        ["slow", 72],
        ["price", 64],
        ["observedAt", 48],
      ]),
      ...unpack(range, [
        ["high", 64],
        ["low", 64],
        ["closed", 32],
        ["bucket", 48],
      ]),
      ring,
    };
  }

  return {
    /** Every stored field of one market, and the variance that its level is of. */
    market: async (id: bigint): Promise<string[]> => {
      const risk = state.risks.get(id);
      const real = { ...(await stored(id)), variance: await view("variances", id) };
      return differ(`risk ${id}`, real, { ...expected(risk), variance: varianceOf(risk) });
    },
    total: async (): Promise<string[]> =>
      differ("risk", { liabilities: await view("liabilities") }, { liabilities: state.liabilities }),
  };
}

/** The model's in the form of the slots; without a history they are empty. */
function expected({ history, ...row }: Risk): Record<string, bigint> {
  const empty = { fast: 0n, slow: 0n, price: 0n, observedAt: 0n, high: 0n, low: 0n, bucket: 0n, ring: [] };
  const { ring, ...rest } = history ?? empty;
  const packed = ring.map((one, i) => one << BigInt(RING_BITS * i)).reduce((word, part) => word | part, 0n);
  return { ...row, ...rest, closed: ring.reduce((sum, one) => sum + one, 0n), ring: packed };
}

function differ(what: string, real: Record<string, bigint>, model: Record<string, bigint>): string[] {
  return Object.entries(model)
    .filter(([name, value]) => real[name] !== value)
    .map(([name, value]) => `${what}.${name}: contract ${real[name]}, model ${value}`);
}
