/** Gas of peers on the same chain and token: OpenZeppelin's bare ERC-4626 vault and a market of Morpho Blue. */
import type { HDNodeWallet } from "ethers";
import { BareVault__factory, type MockToken } from "../typechain-types/index.js";
import { deployMorpho } from "./morpho.ts";
import { gasOf } from "./receipts.ts";

export interface PoolGas {
  readonly depositFirst: number;
  readonly depositTopUp: number;
  readonly withdraw: number; // a part
}

/** `first` is there before; `user` is measured. Both hold tokens. */
export interface People {
  readonly token: MockToken;
  readonly first: HDNodeWallet;
  readonly user: HDNodeWallet;
  readonly amount: bigint; // {token} of each deposit
}

const MAX = 2n ** 256n - 1n;

export async function measureBareVault({ token, first, user, amount }: People): Promise<PoolGas> {
  const vault = await new BareVault__factory(first).deploy(token);
  for (const one of [first, user]) await token.connect(one).approve(vault, MAX);
  await vault.deposit(amount, first);
  const joined = vault.connect(user);
  const depositFirst = await gasOf(joined.deposit(amount, user));
  const depositTopUp = await gasOf(joined.deposit(amount, user));
  const shares = await vault.balanceOf(user);
  return { depositFirst, depositTopUp, withdraw: await gasOf(joined.redeem(shares / 4n, user, user)) };
}

export async function measureMorpho({ token, first, user, amount }: People): Promise<PoolGas> {
  const { morpho, market } = await deployMorpho(first, await token.getAddress());
  for (const one of [first, user]) await token.connect(one).approve(morpho, MAX);
  const call = (name: string, by: HDNodeWallet, assets: bigint, ...rest: readonly string[]) =>
    gasOf(
      morpho
        .connect(by)
        .getFunction(name)
        .send(market, assets, 0, by.address, ...rest),
    );
  await call("supply", first, amount, "0x");
  const depositFirst = await call("supply", user, amount, "0x");
  const depositTopUp = await call("supply", user, amount, "0x");
  return { depositFirst, depositTopUp, withdraw: await call("withdraw", user, amount / 2n, user.address) };
}
