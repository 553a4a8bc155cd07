/** I1 to I4 of docs/mechanism.md, held as equalities from the contracts' state over every account there ever was. */
import { expect } from "chai";
import { CLAIMS, FEES } from "./actors.ts";
import type { Fixture } from "./fixture.ts";

/** Number under which a deficit of the engine itself is booked. */
const ENGINE = 64;

/** Names under which events of the engine carry account ids. */
const ROLES = new Set(["account", "from", "to", "buyer", "seller", "liquidator", "rewardAccount"]);

/** Every account an event ever named, the pool's inventories, FEES and CLAIMS. */
export async function everyAccount({ connection, engine, feeds }: Fixture): Promise<bigint[]> {
  const logs = await connection.ethers.provider.getLogs({ address: await engine.getAddress(), fromBlock: 0 });
  const named = logs.flatMap((log) => {
    const event = engine.interface.parseLog(log);
    if (event === null) throw new Error(`An event the engine's interface does not know: ${log.topics[0]}`);
    return event.fragment.inputs.flatMap((input, i) =>
      input.type === "uint256" && ROLES.has(input.name) ? [BigInt(event.args[i])] : [],
    );
  });
  return [...new Set([...feeds.map((_, market) => BigInt(market)), FEES, CLAIMS, ...named])];
}

/** Zero tolerance: the ledger is exact. What deleveraging has closed is settled first, on a copy of the chain that is thrown away. */
export async function expectConserved(fx: Fixture): Promise<void> {
  const sides = await Promise.all(
    [...fx.feeds.keys()].flatMap((market) => [fx.engine.sides(market, true), fx.engine.sides(market, false)]),
  );
  if (sides.every(({ pending }) => pending === 0n)) return expectBooksConserved(fx);

  const snapshot = await fx.connection.networkHelpers.takeSnapshot();
  try {
    await settleEverybody(fx);
    await expectBooksConserved(fx);
  } finally {
    await snapshot.restore();
  }
}

/** Brings the positions of every account up to what deleveraging has recorded. */
export async function settleEverybody(fx: Fixture): Promise<void> {
  for (const account of await everyAccount(fx)) if (account >> 96n !== 0n) await fx.engine.settle(account);
}

async function expectBooksConserved(fx: Fixture): Promise<void> {
  const { engine, junior, pool, token, feeds } = fx;
  const [accounts, tokenUnit, internalBalance, totalDeficit] = await Promise.all([
    everyAccount(fx),
    engine.tokenUnit(),
    engine.internalBalance(),
    engine.totalDeficit(),
  ]);
  const owed = tokenUnit * internalBalance; // {u}

  let ledger = 0n; // {u} left side of I2
  let equities = 0n; // {u}
  for (const account of accounts) {
    ledger += (await engine.accounts(account)).cash;
    equities += (await engine.health(account, 0n)).equity; // at the mark
  }
  let outside = 0n; // {u} what sits in markets instead of accounts
  let deficits = await engine.deficit(ENGINE); // {u}
  outside -= deficits;
  for (const market of feeds.keys()) {
    const positions = await Promise.all(accounts.map((account) => engine.positions(account, market)));
    const { openInterest, indexLong, indexShort, bucket } = await engine.markets(market);
    const longs = sum(positions.map(({ lots }) => (lots > 0n ? lots : 0n)));
    const shorts = sum(positions.map(({ lots }) => (lots < 0n ? -lots : 0n)));
    expect(longs, `I1: longs of market ${market}`).to.equal(openInterest);
    expect(shorts, `I1: shorts of market ${market}`).to.equal(openInterest);
    ledger += sum(positions.map(({ quote }) => quote)) + openInterest * (indexShort - indexLong);
    const deficit = await engine.deficit(market);
    outside += bucket - deficit;
    deficits += deficit;
  }
  expect(ledger + outside, "I2").to.equal(owed);
  expect(equities + outside, "I3").to.equal(owed);
  expect(deficits, "sum of the deficits").to.equal(totalDeficit);
  expect(await token.balanceOf(engine), "I4").to.be.at.least(internalBalance);

  for (const [name, tranche] of Object.entries({ junior, senior: pool })) {
    const booked = await tranche.bookedAssets();
    expect(await tranche.totalAssets(), `what the ${name} pool has`).to.equal(
      booked - (await tranche.unvestedIncome()),
    );
    expect(await token.balanceOf(tranche), `books of the ${name} pool`).to.be.at.least(booked);
  }
}

/** Waits for a transaction, then checks conservation. */
export async function step<T extends { wait(): Promise<unknown> }>(fx: Fixture, sent: Promise<T>): Promise<T> {
  const transaction = await sent;
  await transaction.wait();
  await expectConserved(fx);
  return transaction;
}

const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);
