/** Brings stakers, a liquidity provider, market makers and traders to a fresh deployment on a node of this machine. */
import type { JsonRpcProvider } from "ethers";
import type { Deployment } from "../../../sdk/src/deployment.ts";
import { Exchange__factory } from "../../../typechain-types/index.js";
import { createChain } from "../chain.ts";
import { populate } from "../population.ts";
import { fundAll, provide, settleAll, stakeAll } from "../setup.ts";
import { abi, MARKET, publish, type Site, TOKEN_UNIT } from "../site.ts";
import { USD } from "../units.ts";
import { accountOf, createPairs, identity, settleListing } from "../world.ts";

const MINUTE = 60;
/** {USD} */
const STAKES = { junior: 100_000n, senior: 400_000n, pocket: 100_000n, keeper: 200_000n } as const;
/** Of the notional that traders open, what the provider puts into the curve. */
const PROVIDED = 4n;

/** Who is who among the node's unlocked accounts; 0 deploys, 1 to 4 are named in the parameters of the deployment. */
export const SEATS = { provider: 5, junior: 6, senior: 7, keeper: 9, visitors: [10, 11, 12] } as const;

export interface Crowd {
  readonly traders: number;
  readonly senior: bigint; // {USD} staked in the senior pool
  /** {USD} that becomes the curve; a fourth of what traders open unless given. */
  readonly provided?: bigint;
}

const CROWD: Crowd = { traders: 60, senior: STAKES.senior };

/** {token} that each visitor holds. */
export const POCKET = (STAKES.pocket * USD) / TOKEN_UNIT;

/** A deployment on a node of this machine, to speak to. */
export async function siteOf(provider: JsonRpcProvider, { contracts, markets, deployer }: Deployment): Promise<Site> {
  const feed = markets[MARKET]?.feed;
  if (feed === undefined) throw new Error(`The deployment has no market ${MARKET}`);
  const request = ({ method, params }: { method: string; params?: unknown }) =>
    provider.send(method, Array.isArray(params) ? params : []);
  return { chain: await createChain({ request }), addresses: { ...contracts, feed }, operator: deployer };
}

/** Returns the margin accounts of the traders. @param price {1e-8 USD} at which everybody opens */
export async function settle(
  site: Site,
  provider: JsonRpcProvider,
  seed: number,
  price: bigint,
  crowd = CROWD,
): Promise<readonly bigint[]> {
  await settleListing(site, price);
  const accounts: string[] = await provider.send("eth_accounts", []);
  const seat = (index: number): string => {
    const found = accounts[index];
    if (found === undefined)
      throw new Error(`The node has ${accounts.length} unlocked accounts; ${index + 1} are needed`);
    return found;
  };
  await stakeAll(site, [
    { staker: seat(SEATS.junior), tranche: "junior", amount: (STAKES.junior * USD) / TOKEN_UNIT },
    { staker: seat(SEATS.senior), tranche: "senior", amount: (crowd.senior * USD) / TOKEN_UNIT },
  ]);
  site.chain.setNextTime(site.chain.now() + MINUTE);
  await publish(site, price); // the market may now grow as far as the stake allows

  const population = populate(seed, crowd.traders, price);
  const traders = population.traders.map((trader) => ({ ...trader, ...identity(seed, trader.name) }));
  const makers = population.makers.map((maker) => ({ ...maker, ...identity(seed, maker.name) }));
  const notional = traders.reduce((sum, { lots }) => sum + lots * price, 0n);
  const wanted = crowd.provided === undefined ? notional / PROVIDED : crowd.provided * USD;
  const provided = (wanted / TOKEN_UNIT) * TOKEN_UNIT; // down
  const owner = seat(SEATS.provider);
  await fundAll(site, [
    ...makers,
    ...traders,
    { account: accountOf(seat(SEATS.keeper)), deposit: STAKES.keeper * USD },
    { account: accountOf(owner), deposit: provided },
  ]);
  await provide(site, owner, accountOf(owner), provided);
  const pair = createPairs(Exchange__factory.connect(site.addresses.exchange, provider));
  const pairs = traders.map((trader, i) => {
    const maker = makers[i % makers.length];
    if (maker === undefined) throw new Error("There is no market maker");
    return pair(maker, trader, trader.side === "short", trader.lots, price);
  });
  await settleAll(site, await Promise.all(pairs));
  for (const visitor of SEATS.visitors) {
    const mint = abi.token.encodeFunctionData("mint", [seat(visitor), POCKET]);
    await site.chain.send(site.operator, site.addresses.token, mint);
  }
  return traders.map(({ account }) => account);
}
