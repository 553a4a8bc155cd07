/** Gas of the main operations, each a transaction of its own by warm users, beside figures of peers. `--json`: one line. */
import { type ContractTransactionResponse, type HDNodeWallet, Wallet } from "ethers";
import { network } from "hardhat";
import { ETH } from "../deploy/markets.ts";
import { localModule } from "../deploy/modules/Local.ts";
import { accountOf } from "../test/helpers/actors.ts";
import { type MatchFields, matchOf, orderOf } from "../test/helpers/orders.ts";
import {
  BackstopPool__factory,
  Exchange__factory,
  MarginEngine__factory,
  MockAggregator__factory,
  MockToken__factory,
} from "../typechain-types/index.js";
import { type DeleveragingGas, measureDeleveraging } from "./deleveraging.ts";

interface Row {
  readonly operation: string;
  readonly gas: number;
  readonly goal: number | null;
  readonly peer: string;
  readonly peerGas: number;
}

const USD = 10n ** 6n; // {token}
const PRICE = 2_000n * 10n ** 8n; // {u/lot} = the feed's answer
const LOTS = 10_000n; // 1 ETH
const MARKET = 0n;
const MANY = 10_000; // accounts
const RECORDS = 1_000;

const { ethers, ignition, networkHelpers } = await network.create();
const { engine, pool, exchange, token, feed, funder } = await deploy();
let sequence = 0n;
const rows: Row[] = [];

await stakeAndClaim();
const traders = await Promise.all(Array.from({ length: 20 }, () => trader(20_000n)));
await marginAndFills(traders);
await liquidationAndTakeover();
await insideACall();
const crowds = await deleveraging();
print(rows);

async function deploy() {
  const [owner] = await ethers.getSigners();
  if (owner === undefined) throw new Error("the network has no account");
  const module = localModule({ decimals: 6, markets: [{ config: ETH, answer: PRICE }] });
  const deployed: Record<string, { getAddress(): Promise<string> }> = await ignition.deploy(module);
  const at = (name: string) => deployed[name]?.getAddress() ?? Promise.reject(new Error(`no ${name} deployed`));
  return {
    funder: owner,
    token: MockToken__factory.connect(await at("token"), owner),
    engine: MarginEngine__factory.connect(await at("engine"), owner),
    pool: BackstopPool__factory.connect(await at("pool"), owner),
    exchange: Exchange__factory.connect(await at("exchange"), owner),
    feed: MockAggregator__factory.connect(await at("feed0"), owner),
  };
}

/** A fresh key with ether, tokens and endless allowances. */
async function person(usd: bigint): Promise<HDNodeWallet> {
  const wallet = Wallet.createRandom(ethers.provider);
  await funder.sendTransaction({ to: wallet.address, value: 10n ** 20n });
  await token.mint(wallet.address, usd * USD);
  for (const spender of [engine, pool]) await token.connect(wallet).approve(spender, ethers.MaxUint256);
  return wallet;
}

async function trader(usd: bigint): Promise<HDNodeWallet> {
  const wallet = await person(2n * usd);
  await engine.connect(wallet).deposit(accountOf(wallet), usd * USD);
  return wallet;
}

async function measure(
  operation: string,
  goal: number | null,
  [peer, peerGas]: readonly [string, number],
  sent: Promise<ContractTransactionResponse>,
  share = 1,
  withoutBase = false,
) {
  const transaction = await sent;
  const receipt = await transaction.wait();
  if (receipt === null) throw new Error(`${operation} was not mined`);
  const base = withoutBase ? 21_000 + calldataGas(transaction.data) : 0;
  rows.push({ operation, gas: Math.ceil((Number(receipt.gasUsed) - base) / share), goal, peer, peerGas });
}

/** 4 for a zero byte, 16 for any other: EIP-2028. */
function calldataGas(data: string): number {
  return ethers.getBytes(data).reduce((sum: number, byte: number) => sum + (byte === 0 ? 4 : 16), 0);
}

/** The maker's and the taker's signed orders for `lots` at `price`; the maker sells. */
function pair(maker: HDNodeWallet, taker: HDNodeWallet, lots = LOTS, price = PRICE): Promise<MatchFields> {
  sequence += 1n;
  const side = (signer: HDNodeWallet, signed: bigint) => ({
    signer,
    order: orderOf({ account: accountOf(signer), lots: signed, price, nonce: sequence }),
  });
  return matchOf(exchange, side(maker, -lots), side(taker, lots));
}

async function setPrice(price: bigint) {
  await feed.setAnswer(price);
  await (await engine.sync(MARKET)).wait();
}

async function stakeAndClaim() {
  const [first, staker] = [await person(10_000_000n), await person(10_000n)];
  await pool.connect(first).deposit(5_000_000n * USD, first.address);
  const joined = pool.connect(staker);
  const umbrella = "Aave Umbrella";
  await measure("stake first", 85_000, [`${umbrella} deposit first`, 107_064], joined.deposit(USD, staker.address));
  await measure("stake top-up", 65_000, [`${umbrella} deposit top-up`, 89_964], joined.deposit(USD, staker.address));
  const part = (await pool.balanceOf(staker)) / 4n;
  const request = () => joined.requestRedeem(part, staker.address, staker.address);
  await measure("request exit, first of all", null, [`${umbrella} cooldown, first`, 57_811], request());
  await measure("request exit", 45_000, [`${umbrella} cooldown, again`, 40_711], request());
  await measure(
    "cancel exit",
    35_000,
    ["no peer: cooldowns are not cancelled", 0],
    joined.cancelExit(staker.address, 2n),
  );
  await networkHelpers.time.increase(8 * 24 * 3600);
  await measure(
    "claim",
    65_000,
    [`${umbrella} redeem partial`, 97_472],
    joined.claimExit(staker.address, 1n, part, staker.address),
  );
  await setPrice(PRICE);
}

/** What the engine's calls of the pool cost inside a transaction that is paid for already. */
async function insideACall() {
  const address = await engine.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, 10n ** 20n);
  const asEngine = pool.connect(await ethers.getSigner(address));
  const draw = () => asEngine.absorb(MARKET, USD, 0);
  const income = async () => {
    await token.mint(await pool.getAddress(), USD);
    return asEngine.receiveIncome(USD);
  };
  await draw(); // the first of a window writes fresh slots
  await income();
  await measure("draw inside a call", 50_000, ["Liquity V2 StabilityPool.offset() frame", 58_854], draw(), 1, true);
  await measure("income inside a call", 50_000, ["no peer: paid out by other means", 0], income(), 1, true);
  await networkHelpers.stopImpersonatingAccount(address);
}

async function marginAndFills(people: readonly HDNodeWallet[]) {
  const [maker, taker] = people;
  if (maker === undefined || taker === undefined) throw new Error("too few traders");
  const derive = "Derive v2";
  await measure(
    "margin deposit top-up",
    55_000,
    [`${derive} CashAsset.deposit top-up`, 142_856],
    engine.connect(maker).deposit(accountOf(maker), USD),
  );

  const pairs = async () => {
    const made: MatchFields[] = [];
    for (let i = 0; i + 1 < people.length; i += 2) {
      const [a, b] = [people[i], people[i + 1]];
      if (a !== undefined && b !== undefined) made.push(await pair(a, b));
    }
    return made;
  };
  await exchange.settleBatch(await pairs()); // everybody is in the market from here on
  await setPrice(PRICE);
  const peer = ["Vertex matchOrders, both sides increase", 269_651] as const;
  await measure("fill two signed orders", 110_000, peer, exchange.settle(await pair(maker, taker)));
  await measure("fill two signed orders, reducing", null, peer, exchange.settle(await pair(taker, maker)));
  const batch = ["Vertex matchOrders, in a batch of 10", 129_477] as const;
  const ten = await pairs();
  await setPrice(PRICE);
  await measure("fill in batch of ten (each)", 70_000, batch, exchange.settleBatch(ten), ten.length);
  await networkHelpers.time.increase(61);
  await measure("fill two signed orders, syncing first", null, peer, exchange.settle(await pair(maker, taker)));
  await measure("sync price", 45_000, ["Vertex UpdatePrice", 108_250], newPrice());
}

async function newPrice() {
  await feed.setAnswer(PRICE + 1n);
  return engine.sync(MARKET);
}

async function liquidationAndTakeover() {
  const [victim, bankrupt, other, keeper] = [
    await trader(2_900n),
    await trader(2_900n),
    await trader(200_000n),
    await trader(200_000n),
  ];
  await setPrice(PRICE);
  for (const long of [victim, bankrupt, keeper]) await exchange.settle(await pair(other, long, 15n * LOTS));
  await setPrice((PRICE * 93n) / 100n);
  await exchange.settle(await pair(keeper, other, LOTS, (PRICE * 93n) / 100n)); // both reduce: nobody joins winners
  await measure(
    "liquidate partial",
    105_000,
    ["Morpho Blue liquidate partial", 104_974],
    engine.connect(keeper).liquidate(accountOf(victim), MARKET, accountOf(keeper), 2n ** 56n - 1n, 0n),
  );
  await setPrice((PRICE * 80n) / 100n);
  await engine.connect(keeper).takeover(accountOf(victim), accountOf(keeper)); // the inventory has a position from here on
  await measure(
    "takeover shortfall paid by pool",
    160_000,
    ["Derive v2 insolvent bid paid by the security module", 758_175],
    engine.connect(keeper).takeover(accountOf(bankrupt), accountOf(keeper)),
  );
}

/** The same with few and with many accounts, after one record and after many. */
async function deleveraging(): Promise<Map<number, DeleveragingGas>> {
  const measured = new Map<number, DeleveragingGas>();
  for (const accounts of [10, MANY])
    measured.set(accounts, await measureDeleveraging(accounts, accounts === MANY ? RECORDS : 1));
  const many = measured.get(MANY);
  if (many === undefined) throw new Error("nothing was measured");
  const row = (operation: string, gas: number, goal: number | null) =>
    rows.push({ operation, gas, goal, peer: "no peer: others close one account at a time", peerGas: 0 });
  row(`deleveraging trigger ${MANY.toLocaleString("en")} accounts`, many.trigger, 90_000);
  row("the same, first time in a market", many.triggerFirst, null);
  row(`settle after ${RECORDS.toLocaleString("en")} records`, many.settleAfterAll, 60_000);
  row("settle, first time of an account", many.settleFirst, null);
  return measured;
}

function print(table: readonly Row[]) {
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify(table));
    return;
  }
  console.log(`${"operation".padEnd(40)}${"gas".padStart(9)}${"goal".padStart(9)}  peer`);
  for (const { operation, gas, goal, peer, peerGas } of table) {
    console.log(
      `${operation.padEnd(40)}${String(gas).padStart(9)}${String(goal ?? "").padStart(9)}  ${peerGas === 0 ? "" : peerGas} ${peer}`,
    );
  }
  for (const [accounts, { trigger, settleAfterOne, settleAfterAll }] of crowds)
    console.log(
      `${accounts} accounts: trigger ${trigger}, settle ${settleAfterOne} after 1 record, ${settleAfterAll} after the last`,
    );
}
