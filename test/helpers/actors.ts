/** The people of the tests, each an unlocked signer of the local chain. */
import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

/** Order matters: Ignition's account 0 deploys and governs, account 1 is the guardian. */
const NAMES = [
  "governor",
  "guardian",
  "alice",
  "bob",
  "carol",
  "dave",
  "maker",
  "keeper",
  "staker",
  "staker2",
] as const;

export type ActorName = (typeof NAMES)[number];
export type Actor = HardhatEthersSigner;
export type Actors = Readonly<Record<ActorName, Actor>>;

export async function actors(ethers: HardhatEthers): Promise<Actors> {
  const signers = await ethers.getSigners();
  const named = NAMES.map((name, i) => {
    const signer = signers[i];
    if (signer === undefined) throw new Error(`The chain has no unlocked account for ${name}`);
    return [name, signer] as const;
  });
  return Object.fromEntries(named) as Record<ActorName, Actor>; // every name is in the list above
}

/** Account `subId` of an owner: owner << 96 | subId. */
export const accountOf = (owner: { readonly address: string }, subId = 0n): bigint =>
  (BigInt(owner.address) << 96n) | subId;

/** The account of the fees ledger; ids 0 to 63 are the pool's inventories, one a market. */
export const FEES = 64n;
/** What income has paid on claims and nobody has collected yet. */
export const CLAIMS = 65n;
