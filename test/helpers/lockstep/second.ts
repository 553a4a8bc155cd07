/** The second source of a market: the Pyth SDK's own mock, as its package ships it, and updates for it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { AbiCoder, ContractFactory, zeroPadValue } from "ethers";
import type { Fixture } from "../fixture.ts";

const require = createRequire(import.meta.url);
const PACKAGE = "@pythnetwork/pyth-sdk-solidity";
const PRICE = "tuple(int64 price, uint64 conf, int32 expo, uint256 publishTime)";

/** {10^EXPONENT USD/coin} as the feeds of the fixture count. */
const EXPONENT = -8;

/** Deploys the mock; it takes no fee and believes every update. */
export async function deployPyth({ governor }: Fixture): Promise<string> {
  const abi = JSON.parse(readFileSync(require.resolve(`${PACKAGE}/abis/MockPyth.json`), "utf8"));
  const code = readFileSync(require.resolve(`${PACKAGE}/build/MockPyth_sol_MockPyth.bin`), "utf8");
  const factory = new ContractFactory(abi, `0x${code.trim()}`, governor);
  const pyth = await factory.deploy(60, 0);
  return pyth.getAddress();
}

export const priceIdOf = (market: number): string =>
  zeroPadValue(`0x${(market + 1).toString(16).padStart(2, "0")}`, 32);

/** A signed price of `answer` {1e-8 USD/coin}, the first one since before `publishTime`. */
export function updateFor(market: number, answer: bigint, publishTime: bigint, confidence = 0n): string {
  const price = [answer, confidence, EXPONENT, publishTime];
  return AbiCoder.defaultAbiCoder().encode(
    [`tuple(bytes32 id, ${PRICE} price, ${PRICE} emaPrice)`, "uint64"],
    [[priceIdOf(market), price, price], publishTime === 0n ? 0n : publishTime - 1n],
  );
}
