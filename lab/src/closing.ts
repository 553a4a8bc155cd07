/** After the tape: the market ends on the chain, and everybody is closed at the settlement price by somebody else. */
import type { Agent } from "./agent.ts";
import { CHECKS_PER_STEP, conservation, type Entry, type Failure } from "./checks.ts";
import { STEP_SECONDS } from "./path.ts";
import type { Overview, Reader } from "./reader.ts";
import { abi, MARKET, publish } from "./site.ts";
import type { World } from "./world.ts";

const HOUR = 3_600;
/** From the notice to the settlement price. {s} */
const NOTICE = 24 * HOUR;
/** What the settlement price is an average of. {s} */
const WINDOW = HOUR / 2;
/** From the settlement price to the first closing. {s} */
const CLOSE_DELAY = HOUR;

export interface Closing {
  /** Accounts of people that still have a position. */
  readonly accountsLeft: number;
  readonly closed: number;
  readonly end: Overview;
  readonly checks: number;
  readonly failures: readonly Failure[];
}

/** @param price {1e-8 USD} the last of the tape @param index of the step after the last */
export async function windDown(
  world: World,
  reader: Reader,
  keeper: Agent,
  price: bigint,
  index: number,
): Promise<Closing> {
  const { chain, addresses, operator } = world;
  const send = (data: string) => chain.send(operator, addresses.engine, data);
  const wait = (seconds: number) => chain.setNextTime(chain.now() + seconds);

  await send(abi.engine.encodeFunctionData("windDown", [MARKET]));
  const noticed = chain.now();
  for (let i = 0; i <= keeper.latency; i += 1) {
    wait(STEP_SECONDS);
    await publish(world, price);
    await keeper.act(await reader.ledger());
  }
  for (const before of [WINDOW, 0]) {
    chain.setNextTime(noticed + NOTICE - before);
    await publish(world, price);
  }
  await send(abi.engine.encodeFunctionData("fixSettlementPrice", [MARKET]));
  for (let i = 0; i <= keeper.latency; i += 1) await keeper.act(await reader.ledger()); // losses are seen before anybody leaves
  wait(CLOSE_DELAY);

  let closed = 0;
  const positions = await reader.ledger();
  for (const [i, account] of world.accounts.entries()) {
    if (!isPerson(account) || positions[i]?.lots === 0n) continue;
    await send(abi.engine.encodeFunctionData("close", [MARKET, account]));
    closed += 1;
  }
  await keeper.collectIncome();

  const [entries, end] = await Promise.all([reader.ledger(), reader.overview()]);
  const accountsLeft = entries.filter(({ lots }, i) => lots !== 0n && isPerson(world.accounts[i] ?? 0n)).length;
  const failures = conservation(entries, end, index);
  const fail = (message: string) => failures.push({ id: "closing", step: index, message });
  if (accountsLeft > 0) fail(`${accountsLeft} accounts still have a position`);
  if (end.held !== 0n || end.openInterest !== 0n) fail(`the inventory holds ${end.held} of ${end.openInterest} lots`);
  const below = entries.filter((entry: Entry) => entry.cash < 0n).length;
  if (below > 0) fail(`${below} accounts owe cash and have nothing`);
  return { accountsLeft, closed, end, checks: CHECKS_PER_STEP, failures };
}

const isPerson = (account: bigint) => account >> 96n !== 0n;
