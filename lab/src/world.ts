/** Brings stakers, a liquidity provider, makers, traders and a keeper to a fresh deployment and lets time pass until the crash begins. */

import { keccak256, type Signer, toUtf8Bytes, Wallet } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { max } from "../../sdk/src/math.ts";
import { accountId } from "../../sdk/src/units.ts";
import { type MatchFields, matchOf, nonceOf, orderOf } from "../../test/helpers/orders.ts";
import { Exchange__factory } from "../../typechain-types/index.js";
import { populate } from "./population.ts";
import type { Settings } from "./settings.ts";
import { claimExits, fundAll, provide, requestExits, type Stake, settleAll, stakeAll } from "./setup.ts";
import {
  CLAIMS,
  curveAccount,
  type DrillSite,
  deploySite,
  FEES,
  INVENTORY,
  publish,
  readMarket,
  type Site,
  TOKEN_UNIT,
} from "./site.ts";
import { USD } from "./units.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** From opening to the crash: long enough for a staker to leave either pool in between. */
const LEAD = 22 * DAY;
/** From the requests of the junior pool to those of the senior one, so that both may be claimed on the same day. */
const LONGER_COOLDOWN = 14 * DAY;
/** Of the stake, what the protocol's reserve puts into the junior pool: as thick as the attachment floor wants it. */
const JUNIOR_PERCENT = 20n;
const SENIORS = [5n, 3n]; // parts of the rest
const KEEPER_CAPITAL = 500_000n; // {USD}
/** Of the notional that traders open, what the provider puts into the curve: its reserves are four times that, so as deep as the market. */
const PROVIDED = 4n;
const LEAST_PROVIDED = 1_000n; // {USD} MIN_CASH of the AMM

export interface Participant {
  readonly name: string;
  readonly account: bigint;
  readonly wallet: Pick<Signer, "signTypedData">;
}

export interface World extends DrillSite {
  readonly keeper: Participant & { readonly address: string };
  readonly makers: readonly Participant[];
  readonly traders: readonly Participant[];
  /** Account of the providers' curve. */
  readonly curve: bigint;
  /** Every account of the ledger: the inventory first, the traders last. */
  readonly accounts: readonly bigint[];
  /** Seconds at which the first bar opens. */
  readonly start: number;
  /** A signed pair at `price` {u/lot}, `lots` of it, the maker buying when `makerBuys`. */
  pair(maker: Participant, taker: Participant, makerBuys: boolean, lots: bigint, price: bigint): Promise<MatchFields>;
}

/**
 * @param price {1e-8 USD} at which everybody opens; a lot of 1e-4 coin makes the same number {u/lot}
 * @param staked {USD} of the stake that stays: the rest leaves between opening and crash, as anyone may
 */
export async function createWorld(
  connection: NetworkConnection,
  settings: Settings,
  price: bigint,
  staked: number,
): Promise<World> {
  const [operator, provider, keeperSigner, ...stakerSigners] = await connection.ethers.getSigners();
  if (!operator || !provider || !keeperSigner || stakerSigners.length <= SENIORS.length)
    throw new Error("The drill needs a chain with unlocked accounts, such as `npx hardhat node`");
  const site = await deploySite(connection, operator.address, price);
  const pair = createPairs(Exchange__factory.connect(site.addresses.exchange, operator));

  const population = populate(settings.seed, settings.traders, price);
  const traders = population.traders.map((trader) => ({ ...trader, ...identity(settings.seed, trader.name) }));
  const makers = population.makers.map((maker) => ({ ...maker, ...identity(settings.seed, maker.name) }));
  const { address } = keeperSigner;
  const keeper = { name: "keeper", address, account: accountOf(address), wallet: keeperSigner };

  await settleListing(site, price);
  // The pool's budgets run in aligned weeks: opening at the start of one makes a run independent of when it is started.
  // Two weeks on, the feed has stood long enough to settle the market.
  const opening = Math.ceil(site.chain.now() / WEEK + 2) * WEEK;
  site.chain.setNextTime(opening);
  await publish(site, price);
  const stakes = stakesOf(
    BigInt(settings.opening),
    stakerSigners.map((staker) => staker.address),
  );
  await stakeAll(site, stakes);
  await publish(site, price); // the market may now grow as far as the stake allows
  const notional = traders.reduce((sum, { lots }) => sum + lots * price, 0n);
  const provided = max(notional / PROVIDED, LEAST_PROVIDED * USD);
  const providerAccount = accountOf(provider.address);
  await fundAll(site, [
    ...makers,
    ...traders,
    { account: keeper.account, deposit: KEEPER_CAPITAL * USD },
    { account: providerAccount, deposit: provided },
  ]);
  const pairs = traders.map((trader, i) => {
    const maker = makers[i % makers.length];
    if (maker === undefined) throw new Error("There is no market maker");
    return pair(maker, trader, trader.side === "short", trader.lots, price);
  });
  await settleAll(site, await Promise.all(pairs));
  await provide(site, provider.address, providerAccount, provided - (provided % TOKEN_UNIT)); // whole tokens were paid in

  const leave = staked < settings.opening;
  const ask = async (tranche: Stake["tranche"]) => {
    const leaving = stakes.filter((stake) => stake.tranche === tranche);
    await requestExits(site, leaving, BigInt(staked), BigInt(settings.opening));
  };
  if (leave) {
    await ask("junior");
    site.chain.setNextTime(opening + LONGER_COOLDOWN);
    await ask("senior");
  }
  site.chain.setNextTime(opening + LEAD - HOUR);
  await publish(site, price);
  if (leave) await claimExits(site, stakes);

  const curve = await curveAccount(site);
  const people = [keeper, ...makers, ...traders].map(({ account }) => account);
  return {
    ...site,
    keeper,
    makers,
    traders,
    curve,
    accounts: [INVENTORY, FEES, CLAIMS, curve, providerAccount, ...people],
    start: opening + LEAD,
    pair,
  };
}

/** The reserve first: nobody joins the senior pool before the junior one is thick enough. @param opening {USD} */
function stakesOf(opening: bigint, [first = "", second = "", reserve = ""]: readonly string[]): Stake[] {
  const least = (opening * JUNIOR_PERCENT + 99n) / 100n; // up: the floor counts whole tokens
  const parts = SENIORS.reduce((sum, part) => sum + part, 0n);
  return [
    { staker: reserve, tranche: "junior", amount: (least * USD) / TOKEN_UNIT },
    ...[first, second].map((staker, i) => ({
      staker,
      tranche: "senior" as const,
      amount: ((opening - least) * USD * (SENIORS[i] ?? 0n)) / parts / TOKEN_UNIT, // down
    })),
  ];
}

/** How long the deployment took has no part in the run: funding counts from a moment a fixed time after the listing. */
export async function settleListing(site: Site, price: bigint): Promise<void> {
  const { syncedAt } = await readMarket(site);
  site.chain.setNextTime(Number(syncedAt) + MINUTE);
  await publish(site, price);
}

export const accountOf = (owner: string, subId = 0n): bigint => accountId(BigInt(owner), subId);

export function identity(seed: number, name: string): Omit<Participant, "name"> {
  const wallet = new Wallet(keccak256(toUtf8Bytes(`backstop drill/${seed}/${name}`)));
  return { wallet, account: accountOf(wallet.address) };
}

/** Every order gets a higher sequence in lane 0, so pairs are to be settled in the order in which they were made. */
export function createPairs(exchange: Parameters<typeof matchOf>[0]): World["pair"] {
  let sequence = 0n;
  return (maker, taker, makerBuys, lots, price) => {
    sequence += 1n;
    const nonce = nonceOf(0n, sequence);
    const side = ({ account, wallet }: Participant, buys: boolean) => ({
      order: orderOf({ account, lots: buys ? lots : -lots, price, nonce }),
      signer: wallet,
    });
    return matchOf(exchange, side(maker, makerBuys), side(taker, !makerBuys));
  };
}
