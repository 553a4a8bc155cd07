/**
 * Waves of Hyperliquid's auto-deleveraging on 2025-10-10, as far as they are known: what losers could not pay, what production took
 * from winners, what winners had. The books behind them are not known: here each is a seeded synthetic one, played on the contracts.
 */

import { keccak256, toUtf8Bytes, Wallet } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { ETH } from "../../deploy/markets.ts";
import { max, min } from "../../sdk/src/math.ts";
import { deployBackstop, type Fixture, setPrice, stake } from "../../test/helpers/fixture.ts";
import { type MatchFields, matchOf, nonceOf, orderOf } from "../../test/helpers/orders.ts";
import { type Rng, rng } from "./rng.ts";
import { USD } from "./units.ts";

/** Amounts in u. */
export interface Wave {
  readonly name: string;
  /** What the losers' accounts were below zero. */
  readonly needed: bigint;
  /** What production took from winners. */
  readonly production: bigint;
  /** Profit of all winners: what could have been taken. */
  readonly profit: bigint;
}

export interface WaveResult {
  readonly wave: Wave;
  /** {u} shortfall of the synthetic book, as the contracts recognised it. */
  readonly needed: bigint;
  /** {u} what winners paid through the index. */
  readonly taken: bigint;
  /** {u} what bucket, pool and nobody paid. */
  readonly byBucket: bigint;
  readonly byPool: bigint;
  readonly deficit: bigint;
  /** {u} profit of the synthetic winners before they paid. */
  readonly profit: bigint;
  /** {lot} of the winning side. */
  readonly lots: bigint;
  readonly winners: number;
  readonly losers: number;
}

const OPEN = 2_000n * 10n ** 8n; // {u/lot}
const MOVE = OPEN / 4n; // {u/lot} that everything falls by
const LEAST_LOTS = 100n;
/** Of its notional, what a loser that ends below zero is short of. {bps} */
const SHORT_OF = 1_500n;
const MOST_PER_LOSER = 150_000n * USD; // {u} shortfall of one
const LEAST_LOSERS = 3;
const WINNERS = 12;
const STAKE = 4_000_000_000n; // {USD} behind the opening of the largest book
const WEEK = 7 * 24 * 3_600;

/** No fees and no funding: then bucket and pools stay empty and only winners can pay. */
const CONFIG = {
  ...ETH,
  params: { ...ETH.params, takerFeePpm: 0, makerRebatePpm: 0, takeoverReward: 0n },
  feed: { ...ETH.feed, jumpBps: 65_535 }, // one print is the move of a whole wave
  rules: { ...ETH.rules, interestRate: 0, skewFactor: 0, premiumRate: 0, bucketTarget: 0 },
};

/** The columns that are used of policy_per_wave_metrics.csv. */
export function parseWaves(csv: string): Wave[] {
  const [header = "", ...lines] = csv.trim().split("\n");
  const names = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    const cell = (name: string) => {
      const text = cells[names.indexOf(name)];
      if (text === undefined) throw new Error(`The table has no column ${name}`);
      return text;
    };
    const amount = (name: string) => amountOf(cell(name));
    return {
      name: cell("wave"),
      needed: amount("budget_needed"),
      production: amount("budget_prod"),
      profit: amount("total_cap"),
    };
  });
}

/** {u} of a decimal number of dollars, cut after twelve digits. */
function amountOf(text: string): bigint {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is not an amount`);
  const [, whole = "", fraction = ""] = match;
  return BigInt(whole + fraction.slice(0, 12).padEnd(12, "0"));
}

/** A total in `count` random parts, none below a fifth of the mean; they sum to it exactly. */
export function split(total: bigint, count: number, random: Rng): bigint[] {
  const weights = Array.from({ length: count }, () => BigInt(random.int(200, 1_800)));
  const sum = weights.reduce((a, b) => a + b, 0n);
  const parts = weights.map((weight) => (total * weight) / sum); // down
  const rest = total - parts.reduce((a, b) => a + b, 0n);
  return parts.map((part, i) => (i === 0 ? part + rest : part));
}

/** Contracts with a stake that lets the largest book open. */
export async function deployForWaves(connection: NetworkConnection): Promise<Fixture> {
  const fx = await deployBackstop(connection, { markets: [{ config: CONFIG, answer: OPEN }] });
  await stake(fx, fx.staker, STAKE);
  return fx;
}

interface Person {
  readonly wallet: Wallet;
  readonly account: bigint;
  readonly lots: bigint;
}

/** Opens the book of one wave, empties the pool, lets the price fall and takes the losers over. @param fx untouched since its deployment */
export async function playWave(fx: Fixture, wave: Wave, seed: number): Promise<WaveResult> {
  const { engine, pool, staker, keeper, connection } = fx;
  const random = rng(seed, `wave ${wave.name}`);
  const person = (role: string, i: number, lots: bigint): Person => {
    const wallet = new Wallet(keccak256(toUtf8Bytes(`backstop wave/${seed}/${wave.name}/${role}/${i}`)));
    return { wallet, account: BigInt(wallet.address) << 96n, lots };
  };

  const short = wave.profit / MOVE; // {lot} down: profit is less than one lot's move short
  const winners = split(short, WINNERS, random).map((lots, i) => person("winner", i, lots));
  const count = Math.max(LEAST_LOSERS, Number(wave.needed / MOST_PER_LOSER) + 1);
  const losses = split(wave.needed, count, random);
  const losers = losses.map((loss, i) => person("loser", i, max(LEAST_LOTS, (loss * 10_000n) / SHORT_OF / OPEN)));
  const lost = losers.reduce((sum, { lots }) => sum + lots, 0n);
  const solvent = [person("solvent", 0, short - lost)];

  await fund(
    fx,
    [...winners, ...solvent].map(({ account, lots }) => ({ account, amount: (lots * OPEN * 6n) / 5n })),
  );
  await fund(
    fx,
    losers.map(({ account, lots }, i) => ({ account, amount: lots * MOVE - (losses[i] ?? 0n) })),
  );
  await setPrice(fx, OPEN);
  await open(fx, winners, [...losers, ...solvent]);

  const shares = await pool.balanceOf(staker);
  await pool.connect(staker).requestRedeem(shares, staker, staker);
  await connection.networkHelpers.time.increase(WEEK + 3_600);
  await pool.connect(staker).claimExit(staker, 1n, shares, staker);
  await setPrice(fx, OPEN);

  const equities = async () => {
    const all = await Promise.all(winners.map(({ account }) => engine.health(account, 0n)));
    return all.reduce((sum, { equity }) => sum + equity, 0n);
  };
  const before = await equities();
  await setPrice(fx, OPEN - MOVE);
  const profit = (await equities()) - before;
  for (const { account } of losers) await engine.connect(keeper).takeover(account, BigInt(keeper.address) << 96n);
  const paid = before + profit - (await equities());

  const [covered, shared, { openInterest }] = await Promise.all([
    engine.queryFilter(engine.filters.ShortfallCovered()),
    engine.queryFilter(engine.filters.LossShared()),
    engine.markets(0),
  ]);
  const sum = (of: (args: (typeof covered)[number]["args"]) => bigint) =>
    covered.reduce((total, { args }) => total + of(args), 0n);
  const taken = shared.reduce((total, { args }) => total + args.collected, 0n);
  if (taken !== paid) throw new Error(`Winners are ${paid} u poorer, the log says ${taken} u`);
  return {
    wave,
    needed: sum(({ shortfall }) => shortfall),
    taken,
    byBucket: sum(({ byBucket }) => byBucket),
    byPool: sum(({ byPool }) => byPool),
    deficit: sum(({ toDeficit }) => toDeficit),
    profit,
    lots: openInterest,
    winners: winners.length,
    losers: losers.length,
  };
}

async function fund(
  fx: Fixture,
  deposits: readonly { readonly account: bigint; readonly amount: bigint }[],
): Promise<void> {
  const { engine, token, governor } = fx;
  const unit = await engine.tokenUnit();
  const tokens = deposits.map(({ account, amount }) => ({ account, amount: amount / unit })); // down: at most a token unit short
  const total = tokens.reduce((sum, { amount }) => sum + amount, 0n);
  await token.mint(governor, total);
  await token.connect(governor).approve(engine, total);
  const calls = tokens.map(({ account, amount }) => engine.interface.encodeFunctionData("deposit", [account, amount]));
  await engine.connect(governor).multicall(calls);
}

/** Every short meets longs until both are filled. */
async function open(fx: Fixture, shorts: readonly Person[], longs: readonly Person[]): Promise<void> {
  let sequence = 0n;
  const pairs: MatchFields[] = [];
  const left = longs.map(({ lots }) => lots);
  let at = 0;
  for (const seller of shorts) {
    let unsold = seller.lots;
    while (unsold > 0n) {
      const buyer = longs[at];
      const wanted = left[at] ?? 0n;
      if (buyer === undefined) throw new Error("There are more shorts than longs");
      const lots = min(unsold, wanted);
      sequence += 1n;
      const side = ({ account, wallet }: Person, signed: bigint) => ({
        signer: wallet,
        order: orderOf({ account, lots: signed, price: OPEN, nonce: nonceOf(0n, sequence) }),
      });
      if (lots > 0n) pairs.push(await matchOf(fx.exchange, side(seller, -lots), side(buyer, lots)));
      unsold -= lots;
      left[at] = wanted - lots;
      if (left[at] === 0n) at += 1;
    }
  }
  for (const pair of pairs) await fx.exchange.connect(fx.keeper).settle(pair);
}
