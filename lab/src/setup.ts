/** What people do before the crash: stake, pay margin in, open positions; or take their stake out again. */
import type { MatchFields } from "../../test/helpers/orders.ts";
import { abi, MARKET, type Site, TOKEN_UNIT } from "./site.ts";

export interface Stake {
  readonly staker: string;
  readonly tranche: "junior" | "senior";
  readonly amount: bigint; // {token}
}

const PAIRS_PER_BATCH = 10;

const mint = ({ chain, addresses, operator }: Site, to: string, amount: bigint) =>
  chain.send(operator, addresses.token, abi.token.encodeFunctionData("mint", [to, amount]));

const approve = ({ chain, addresses }: Site, owner: string, spender: string, amount: bigint) =>
  chain.send(owner, addresses.token, abi.token.encodeFunctionData("approve", [spender, amount]));

export async function stakeAll(site: Site, stakes: readonly Stake[]): Promise<void> {
  const { chain, addresses } = site;
  for (const { staker, tranche, amount } of stakes) {
    const pool = addresses[tranche];
    await mint(site, staker, amount);
    await approve(site, staker, pool, amount);
    await chain.send(staker, pool, abi.pool.encodeFunctionData("deposit", [amount, staker]));
  }
}

/** Each asks for the same part of his shares: all but `staying` of `staked`. */
export async function requestExits(
  { chain, addresses }: Site,
  stakes: readonly Stake[],
  staying: bigint,
  staked: bigint,
): Promise<void> {
  for (const { staker, tranche } of stakes) {
    const pool = addresses[tranche];
    const balance = BigInt(await chain.call(pool, abi.pool.encodeFunctionData("balanceOf", [staker])));
    const shares = (balance * (staked - staying)) / staked; // down
    const request = abi.pool.encodeFunctionData("requestRedeem", [shares, staker, staker]);
    await chain.send(staker, pool, request);
  }
}

/** Once the cooldowns of `requestExits` are over. A controller's first request has id 1. */
export async function claimExits({ chain, addresses }: Site, stakes: readonly Stake[]): Promise<void> {
  for (const { staker, tranche } of stakes) {
    const pool = addresses[tranche];
    const shares = await chain.call(pool, abi.pool.encodeFunctionData("maxRedeem", [staker]));
    await chain.send(staker, pool, abi.pool.encodeFunctionData("claimExit", [staker, 1n, shares, staker]));
  }
}

export interface Deposit {
  readonly account: bigint;
  readonly deposit: bigint; // {u}
}

/** The operator pays everybody's margin in: anyone may fund anyone. */
export async function fundAll(site: Site, deposits: readonly Deposit[]): Promise<void> {
  const { chain, addresses, operator } = site;
  const amounts = deposits.map(({ account, deposit }) => ({ account, amount: deposit / TOKEN_UNIT })); // down
  const total = amounts.reduce((sum, { amount }) => sum + amount, 0n);
  await mint(site, operator, total);
  await approve(site, operator, addresses.engine, total);
  for (const { account, amount } of amounts)
    await chain.send(operator, addresses.engine, abi.engine.encodeFunctionData("deposit", [account, amount]));
}

/** The provider's margin becomes the curve. @param cash {u} */
export async function provide({ chain, addresses }: Site, provider: string, account: bigint, cash: bigint) {
  const add = abi.amm.encodeFunctionData("addLiquidity", [MARKET, account, cash, 0n]);
  await chain.send(provider, addresses.amm, add);
}

/** A pair that the margin rules refuse is left out by the exchange; the others stand. */
export async function settleAll({ chain, addresses, operator }: Site, pairs: readonly MatchFields[]): Promise<void> {
  for (let i = 0; i < pairs.length; i += PAIRS_PER_BATCH) {
    const batch = abi.exchange.encodeFunctionData("settleBatch", [pairs.slice(i, i + PAIRS_PER_BATCH)]);
    await chain.send(operator, addresses.exchange, batch);
  }
}
