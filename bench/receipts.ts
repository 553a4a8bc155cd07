/** Gas of a mined transaction. */
import type { ContractTransactionResponse } from "ethers";

export async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const transaction = await sent;
  const receipt = await transaction.wait();
  if (receipt === null) throw new Error(`${transaction.hash} was not mined`);
  return Number(receipt.gasUsed);
}

/** {gas} of the call alone, as one made inside a transaction that is paid for already: without the base and the calldata. */
export async function gasInside(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const { data } = await sent;
  return (await gasOf(sent)) - 21_000 - calldataGas(data);
}

/** 4 for a zero byte, 16 for any other: EIP-2028. */
function calldataGas(data: string): number {
  return Buffer.from(data.slice(2), "hex").reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0);
}
