/** Gas of closing winners pro rata and of bringing one of them up to date, for any number of accounts and records. */
import { accountOf } from "../test/helpers/actors.ts";
import { deployBackstop, deposit, dollars, setPrice, stake } from "../test/helpers/fixture.ts";
import { createChain } from "./chain.ts";
import { gasOf } from "./receipts.ts";

export interface DeleveragingGas {
  /** {gas} of the call that closes a part of them all: in a market that was never deleveraged, and in one that was. */
  readonly triggerFirst: number;
  readonly trigger: number;
  /** {gas} of `settle` for an account that was never settled before, after one record. */
  readonly settleFirst: number;
  /** {gas} for one that was, after one record more, and after `records` more. */
  readonly settleAfterOne: number;
  readonly settleAfterAll: number;
}

const PRICE = dollars(2_000n); // {u/lot}
const LOTS = 100n; // {lot} of each winner: the smallest position
const MARGIN = 4n; // {USD} of each winner, who has $20 open
const AT_ONCE = 80; // calls in one transaction

/** `accounts` shorts of one owner win against one long, who goes to the pool; then the pool's cap falls, `records` times. */
export async function measureDeleveraging(accounts: number, records: number): Promise<DeleveragingGas> {
  const connection = await createChain();
  const fx = await deployBackstop(connection);
  const { engine, exchange, alice, bob, keeper, unit } = fx;
  await stake(fx, fx.staker, 20_000_000n);
  await deposit(fx, keeper, 100n);
  await setPrice(fx, PRICE);

  const ids = Array.from({ length: accounts }, (_, i) => accountOf(alice, BigInt(i)));
  await fx.token.mint(alice, BigInt(accounts) * MARGIN * unit);
  await fx.token.connect(alice).approve(engine, BigInt(accounts) * MARGIN * unit);
  for (const some of chunks(ids)) {
    const calls = some.map((id) => engine.interface.encodeFunctionData("deposit", [id, MARGIN * unit]));
    await engine.connect(alice).multicall(calls);
  }

  const loser = await deposit(fx, bob, initialMargin(BigInt(accounts)));
  await fillAll();
  await setPrice(fx, (PRICE * 92n) / 100n);
  await engine.connect(keeper).takeover(loser, accountOf(keeper));

  const total = BigInt(accounts) * LOTS;
  const record = async (part: bigint) => {
    const { lots } = await engine.inventory(0);
    await engine.setInventoryCap(0, { lots: lots - part, bps: 5_000 });
    await engine.sync(0);
    return gasOf(engine.deleverage(0));
  };
  const [first = 0n, last = 0n] = ids;
  const triggerFirst = await record(total / 10n);
  const settleFirst = await gasOf(engine.settle(first));
  await engine.settle(last);
  const trigger = await record(total / 10n);
  const settleAfterOne = await gasOf(engine.settle(first));
  const part = max(1n, (total * 4n) / 10n / BigInt(records));
  for (let i = 1; i < records; i += 1) await record(part);
  const settleAfterAll = await gasOf(engine.settle(last));
  return { triggerFirst, trigger, settleFirst, settleAfterOne, settleAfterAll };

  /** The fills an exchange would send, without the signatures. */
  async function fillAll(): Promise<void> {
    const address = await exchange.getAddress();
    await connection.networkHelpers.setBalance(address, 10n ** 20n);
    await connection.networkHelpers.impersonateAccount(address);
    const runner = await connection.ethers.getSigner(address);
    const fill = (seller: bigint) => ({
      market: 0,
      buyer: loser,
      seller,
      lots: LOTS,
      price: PRICE,
      buyerIsTaker: true,
      buyerReduceOnly: false,
      sellerReduceOnly: false,
    });
    for (const some of chunks(ids)) {
      await setPrice(fx, PRICE);
      await engine.connect(runner).multicall(some.map((id) => engine.interface.encodeFunctionData("fill", [fill(id)])));
    }
    await connection.networkHelpers.stopImpersonatingAccount(address);
  }
}

/** {USD} that the loser needs to open, a little more than 5 % and the ramp of it: a fall of 8 % is too much. */
const initialMargin = (accounts: bigint) => (accounts * 12n) / 10n + (accounts ** 2n * 9n) / 1_000_000n + 1n;

const max = (a: bigint, b: bigint) => (a > b ? a : b);

function* chunks(ids: readonly bigint[]): Generator<readonly bigint[]> {
  for (let i = 0; i < ids.length; i += AT_ONCE) yield ids.slice(i, i + AT_ONCE);
}
