/** Spans of time in seconds, and the moment of the latest block. */
import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export async function now(ethers: HardhatEthers): Promise<number> {
  const block = await ethers.provider.getBlock("latest");
  if (block === null) throw new Error("The chain has no block");
  return block.timestamp;
}
