/** Brings the crowd, who took the other side, providers, stakers and an arbitrageur to a fresh deployment. */
import type { Signer } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { ETH } from "../../deploy/markets.ts";
import { Exchange__factory } from "../../typechain-types/index.js";
import { type Cell, crowd, DEPTH, openInterestOf, poolOf, type Setting, type Tiers } from "./phase.ts";
import { fundAll, provide, settleAll, stakeAll } from "./setup.ts";
import {
  abi,
  CLAIMS,
  curveAccount,
  type DrillSite,
  deploySite,
  FEES,
  INVENTORY,
  MARKET,
  publish,
  TOKEN_UNIT,
} from "./site.ts";
import { USD } from "./units.ts";
import { accountOf, createPairs, identity, type Participant, settleListing } from "./world.ts";

const WEEK = 7 * 24 * 3_600;
const LEAD = 600; // {s} from opening to the first step
const WINNERS = 4;
/** {USD} on either side that the arbitrageur holds against itself, to close when the curve is off the index. */
const STOCK = 10_000_000n;
const JUNIOR_PERCENT = 20n;
const LEVERAGE = 4n; // reserves of the curve over providers' cash
/** {bps} beyond maintenance margin, of the shock by which open interest is limited while people open: the least there is. */
const OPENING_SHOCK = 100;

export interface PhaseWorld extends DrillSite {
  readonly setting: Setting;
  readonly tiers: Tiers;
  readonly keeper: { readonly address: string; readonly account: bigint };
  readonly arbitrageur: { readonly address: string; readonly long: bigint; readonly short: bigint };
  /** The account of the providers. */
  readonly curve: bigint;
  readonly provided: bigint; // {u}
  readonly longs: readonly Participant[];
  /** Accounts that may be deleveraged. */
  readonly winning: readonly bigint[];
  /** Every account of the ledger. */
  readonly accounts: readonly bigint[];
  /** Seconds at which the first step is due. */
  readonly start: number;
}

/** @param price {1e-8 USD} at which everybody opens */
export async function createPhaseWorld(
  connection: NetworkConnection,
  { cell, setting, seed, count, price }: { cell: Cell; setting: Setting; seed: number; count: number; price: bigint },
): Promise<PhaseWorld> {
  const [operator, , keeper, staker, reserve, provider, arbitrageur] = await connection.ethers.getSigners();
  if (!operator || !keeper || !staker || !reserve || !provider || !arbitrageur)
    throw new Error("The chain has too few unlocked accounts");
  const site = await deploySite(connection, operator.address, price, 0);
  const { chain, addresses } = site;
  await settleListing(site, price);
  const { initialBps, maintenanceBps } = setting;
  const set = (shockBps: number) => {
    const [params, rules] = [
      { ...ETH.params, initialBps, maintenanceBps },
      { ...ETH.rules, shockBps },
    ];
    return chain.send(
      operator.address,
      addresses.engine,
      abi.engine.encodeFunctionData("setMarket", [MARKET, params, rules]),
    );
  };
  await set(ETH.rules.shockBps); // maintenance margin rises by a bp in six minutes, and is there by the opening
  const opening = Math.ceil(chain.now() / WEEK + 2) * WEEK; // the pool's budgets run in aligned weeks
  chain.setNextTime(opening);
  await publish(site, price);

  const junior = (poolOf(cell) * JUNIOR_PERCENT) / 100n / TOKEN_UNIT;
  await stakeAll(site, [
    { staker: reserve.address, tranche: "junior", amount: junior },
    { staker: staker.address, tranche: "senior", amount: poolOf(cell) / TOKEN_UNIT - junior },
  ]);

  const tiers: Tiers = {
    initialBps: BigInt(initialBps),
    maintenanceBps: BigInt(maintenanceBps),
    rampNotional: ETH.params.rampNotional,
  };
  const provided = (DEPTH * USD) / LEVERAGE;
  const stock = (STOCK * USD) / price; // {lot}
  const longs = crowd(seed, count, openInterestOf(cell), price, tiers).map((long) => ({
    ...long,
    ...identity(seed, long.name),
  }));
  const winners = Array.from({ length: WINNERS }, (_, i) => ({
    name: `winner ${i + 1}`,
    deposit: openInterestOf(cell) / BigInt(WINNERS - 1), // more than each has to carry
    ...identity(seed, `winner ${i + 1}`),
  }));
  const trader = (name: string, wallet: Pick<Signer, "signTypedData">, account: bigint) => ({ name, wallet, account });
  const [bought, sold] = [0n, 1n].map((sub) => accountOf(arbitrageur.address, sub)) as [bigint, bigint];
  const keeperAccount = accountOf(keeper.address);
  await fundAll(site, [
    ...longs,
    ...winners,
    { account: accountOf(provider.address), deposit: provided },
    { account: bought, deposit: 2n * STOCK * USD },
    { account: sold, deposit: 2n * STOCK * USD },
    { account: keeperAccount, deposit: USD },
  ]);

  await set(maintenanceBps + OPENING_SHOCK);
  await publish(site, price);
  const pair = createPairs(Exchange__factory.connect(addresses.exchange, operator));
  const pairs = longs.map((long, i) => {
    const winner = winners[i % WINNERS];
    if (winner === undefined) throw new Error("There is nobody on the other side");
    return pair(winner, long, false, long.lots, price);
  });
  const own = pair(trader("sold", arbitrageur, sold), trader("bought", arbitrageur, bought), false, stock, price);
  await settleAll(site, await Promise.all([...pairs, own]));
  await provide(site, provider.address, accountOf(provider.address), provided);
  await set(ETH.rules.shockBps);

  const curve = await curveAccount(site);
  const people = [...longs, ...winners].map(({ account }) => account);
  return {
    ...site,
    setting,
    tiers,
    keeper: { address: keeper.address, account: keeperAccount },
    arbitrageur: { address: arbitrageur.address, long: bought, short: sold },
    curve,
    provided,
    longs,
    winning: [...winners.map(({ account }) => account), sold, curve],
    accounts: [INVENTORY, FEES, CLAIMS, curve, bought, sold, keeperAccount, accountOf(provider.address), ...people],
    start: opening + LEAD,
  };
}
