/** Gas of the main operations, each a transaction of its own by warm users, beside that of peers. `--json`: one line. */
import { type ContractTransactionResponse, type HDNodeWallet, type Signer, Wallet } from "ethers";
import { ETH } from "../deploy/markets.ts";
import { localModule } from "../deploy/modules/Local.ts";
import { accountOf } from "../test/helpers/actors.ts";
import { type MatchFields, matchOf, orderOf } from "../test/helpers/orders.ts";
import {
  type BackstopPool,
  BackstopPool__factory,
  CapitalStack__factory,
  Exchange__factory,
  MarginEngine__factory,
  MockAggregator__factory,
  MockToken__factory,
  Oracle__factory,
  RiskEngine__factory,
} from "../typechain-types/index.js";
import { measureAmm } from "./amm.ts";
import { createChain } from "./chain.ts";
import { type DeleveragingGas, measureDeleveraging } from "./deleveraging.ts";
import { measureBareVault, measureMorpho } from "./peers.ts";
import { gasInside, gasOf } from "./receipts.ts";
import { measureUniswap, type UniswapGas } from "./uniswap.ts";

/** The nearest operation of another protocol: measured in this run, or quoted. */
interface Peer {
  readonly name: string;
  readonly gas: number;
  readonly source: "measured" | "quoted";
}

interface Row {
  readonly operation: string;
  readonly gas: number;
  readonly goal: number | null;
  readonly peers: readonly Peer[];
}

const USD = 10n ** 6n; // {token}
const PRICE = 2_000n * 10n ** 8n; // {u/lot} = the feed's answer
const LOTS = 10_000n; // 1 ETH
const MARKET = 0n;
const RESERVE = 2_500_000n * USD; // {token} of the junior tranche: the senior one may hold four times as much
const STAKE = 5_000_000n * USD; // {token} of the senior tranche
const LIQUIDATION = 0; // a draw's reason
const MANY = 10_000; // accounts
const RECORDS = 1_000;

const UPDATE_PRICE = [quoted("Vertex UpdatePrice", 108_250)];

const { ethers, ignition, networkHelpers } = await createChain();
const { engine, stack, junior, senior, exchange, token, feed, oracle, risk, funder } = await deploy();
let sequence = 0n;
const rows: Row[] = [];

const peers = await measurePeers();
await stakeAndClaim(peers);
const traders = await Promise.all(Array.from({ length: 20 }, () => trader(20_000n)));
await marginAndFills(traders);
await liquidationAndTakeover();
await syncWithInventory();
await insideACall();
await ammTrades(peers.uniswap);
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
    stack: CapitalStack__factory.connect(await at("stack"), owner),
    junior: BackstopPool__factory.connect(await at("junior"), owner),
    senior: BackstopPool__factory.connect(await at("senior"), owner),
    exchange: Exchange__factory.connect(await at("exchange"), owner),
    feed: MockAggregator__factory.connect(await at("feed0"), owner),
    oracle: Oracle__factory.connect(await at("oracle"), owner),
    risk: RiskEngine__factory.connect(await at("risk"), owner),
  };
}

/** A fresh key with ether, tokens and endless allowances. */
async function person(usd: bigint): Promise<HDNodeWallet> {
  const wallet = Wallet.createRandom(ethers.provider);
  await funder.sendTransaction({ to: wallet.address, value: 10n ** 20n });
  await token.mint(wallet.address, usd * USD);
  for (const spender of [engine, junior, senior]) await token.connect(wallet).approve(spender, ethers.MaxUint256);
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
  peers: readonly Peer[],
  sent: Promise<ContractTransactionResponse>,
  share = 1,
) {
  rows.push({ operation, gas: Math.ceil((await gasOf(sent)) / share), goal, peers });
}

function quoted(name: string, gas: number): Peer {
  return { name, gas, source: "quoted" };
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

async function measurePeers() {
  const people = { token, first: await person(10_000n), user: await person(10_000n), amount: USD };
  return {
    bare: await measureBareVault(people),
    morpho: await measureMorpho(people),
    uniswap: await measureUniswap(people),
  };
}

async function stakeAndClaim({ bare, morpho }: Awaited<ReturnType<typeof measurePeers>>) {
  const [first, staker] = [await person(10_000_000n), await person(10_000n)];
  await junior.connect(first).deposit(RESERVE, first);
  await senior.connect(first).deposit(STAKE, first);
  const join = (pool: BackstopPool) => pool.connect(staker).deposit(USD, staker);
  const beside = (ofBare: number, ofMorpho: number, ...others: readonly Peer[]): readonly Peer[] => [
    { name: "OpenZeppelin ERC-4626", gas: ofBare, source: "measured" },
    { name: "Morpho Blue", gas: ofMorpho, source: "measured" },
    ...others,
  ];
  const umbrella = (operation: string, gas: number) => quoted(`Aave Umbrella ${operation}`, gas);

  const toFirst = beside(bare.depositFirst, morpho.depositFirst, umbrella("deposit, first", 107_064));
  await measure("stake first", 85_000, toFirst, join(senior));
  const toTopUp = beside(bare.depositTopUp, morpho.depositTopUp, umbrella("deposit, top-up", 89_964));
  await measure("stake top-up", 65_000, toTopUp, join(senior));
  await measure("stake first, junior", null, toFirst, join(junior));
  await measure("stake top-up, junior", null, toTopUp, join(junior));

  const joined = senior.connect(staker);
  const part = (await senior.balanceOf(staker)) / 4n;
  const request = () => joined.requestRedeem(part, staker, staker);
  await measure("request exit, first of all", null, [umbrella("cooldown, first", 57_811)], request());
  await measure("request exit", 45_000, [umbrella("cooldown, again", 40_711)], request());
  await measure("cancel exit", 35_000, [], joined.cancelExit(staker, 2n));
  await networkHelpers.time.increase(8 * 24 * 3600);
  const toClaim = beside(bare.withdraw, morpho.withdraw, umbrella("redeem, a part", 97_472));
  await measure("claim", 65_000, toClaim, joined.claimExit(staker, 1n, part, staker));
  await setPrice(PRICE);
}

/** What the engine's calls of the stack cost inside a transaction that is paid for already. */
async function insideACall() {
  const address = await engine.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, 10n ** 20n);
  const asEngine = stack.connect(await ethers.getSigner(address));
  const draw = (assets = USD) => asEngine.absorb(MARKET, assets, LIQUIDATION);
  const income = async () => {
    await token.mint(stack, USD + 1n); // a unit stays, as it does when the treasury is owed some: no refund
    return asEngine.receiveIncome(USD, 0);
  };
  const offset = [quoted("Liquity V2 StabilityPool.offset() frame", 58_854)];
  const row = async (
    operation: string,
    peers: readonly Peer[],
    payers: readonly BackstopPool[],
    send: () => Promise<ContractTransactionResponse>,
  ) => {
    await send(); // the first of a window writes fresh slots
    rows.push({ operation, gas: await moving(payers, async () => gasInside(send())), goal: 50_000, peers });
  };

  await observe(await ethers.getSigner(address));
  await row("income inside a call, to both", [], [junior, senior], income);
  await row("draw inside a call, junior pays", offset, [junior], draw);
  await draw((await junior.bookedAssets()) - (await junior.MIN_ASSETS())); // down to its floor
  await row("draw inside a call, senior pays", offset, [senior], draw);
  await networkHelpers.stopImpersonatingAccount(address);
}

/** Runs `action` and fails unless it has changed the books of just these tranches. */
async function moving<T>(tranches: readonly BackstopPool[], action: () => Promise<T>): Promise<T> {
  const all = [junior, senior];
  const books = () => Promise.all(all.map((tranche) => tranche.bookedAssets()));
  const before = await books();
  const result = await action();
  const after = await books();
  if (all.some((tranche, i) => (before[i] !== after[i]) !== tranches.includes(tranche)))
    throw new Error(`other tranches than expected have changed: ${before} before, ${after} after`);
  return result;
}

async function marginAndFills(people: readonly HDNodeWallet[]) {
  const [maker, taker] = people;
  if (maker === undefined || taker === undefined) throw new Error("too few traders");
  await measure(
    "margin deposit top-up",
    55_000,
    [quoted("Derive v2 CashAsset.deposit, top-up", 142_856)],
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
  const peer = [quoted("Vertex matchOrders, both sides increase", 269_651)];
  await measure("fill two signed orders", 110_000, peer, exchange.settle(await pair(maker, taker)));
  await measure("fill two signed orders, reducing", null, peer, exchange.settle(await pair(taker, maker)));
  const batch = [quoted("Vertex matchOrders, in a batch of 10", 129_477)];
  const ten = await pairs();
  await setPrice(PRICE);
  await measure("fill in batch of ten (each)", 70_000, batch, exchange.settleBatch(ten), ten.length);
  await networkHelpers.time.increase(61);
  await measure("fill two signed orders, syncing first", null, peer, exchange.settle(await pair(maker, taker)));
  await measure("sync price, calm", null, UPDATE_PRICE, newPrice(PRICE + 1n));
  if (await isAnythingPending()) throw new Error("the market is not calm");
}

async function isAnythingPending(): Promise<boolean> {
  const { gain, loss, atRisk } = await stack.pendingOf(MARKET);
  return gain + loss + atRisk !== 0n;
}

async function newPrice(price: bigint) {
  await feed.setAnswer(price);
  return engine.sync(MARKET);
}

/** What the pool's position may still bring or cost is another at each price: the stack and both tranches hear of it. */
async function syncWithInventory() {
  const { price } = await engine.markets(MARKET);
  await newPrice(price + 1n); // the first writes fresh slots
  await networkHelpers.time.increase(61);
  await measure("sync price, inventory held", null, UPDATE_PRICE, newPrice(price + 2n));
  await feed.setAnswer(price + 3n);
  await measure("sync price in the oracle alone", 45_000, UPDATE_PRICE, oracle.sync(MARKET));
  if (!(await isAnythingPending())) throw new Error("the inventory has nothing pending");
}

/** What a sync pays the risk engine in each new minute: the most of six, as a bucket of five minutes may begin in one. */
async function observe(asEngine: Signer) {
  const { price, state, openInterest, openInterestCap: capacity, fundingRate } = await engine.markets(MARKET);
  const sides = { longs: openInterest, shorts: openInterest };
  const freeStake = STAKE * USD;
  let moved = 0n;
  const update = async () => {
    const exposure = { price: price + ++moved, state, openInterest, capacity, ...sides, fundingRate };
    return risk
      .connect(asEngine)
      .update(MARKET, { ...exposure, divergence: 0n, depletion: 0n, beyondMargin: freeStake, freeStake });
  };
  const most = async (seconds: number) => {
    let gas = 0;
    for (let i = 0; i < 6; ++i) {
      await networkHelpers.time.increase(seconds);
      gas = Math.max(gas, await gasInside(update()));
    }
    return gas;
  };
  await update(); // the first writes fresh slots
  const gas = await most(61);
  rows.push({ operation: "poke volatility and level inside a sync", gas, goal: 60_000, peers: [] });
  const alone = await most(180);
  rows.push({ operation: "the same, nothing left of the minute before", gas: alone, goal: 60_000, peers: [] });
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
    [quoted("Morpho Blue liquidate, a part", 104_974)],
    engine.connect(keeper).liquidate(accountOf(victim), MARKET, accountOf(keeper), 2n ** 56n - 1n, 0n),
  );
  await setPrice((PRICE * 80n) / 100n);
  await engine.connect(keeper).takeover(accountOf(victim), accountOf(keeper)); // the inventory has a position from here on
  await moving([junior], () =>
    measure(
      "takeover, shortfall paid by the stack",
      160_000,
      [quoted("Derive v2 insolvent bid paid by the security module", 758_175)],
      engine.connect(keeper).takeover(accountOf(bankrupt), accountOf(keeper)),
    ),
  );
}

async function ammTrades({ v2, v4, v4Crossing }: UniswapGas) {
  const gas = await measureAmm();
  const beside = (ofV4: number): readonly Peer[] => [
    { name: "Uniswap v2 swap through its router", gas: v2, source: "measured" },
    { name: "Uniswap v4 swap", gas: ofV4, source: "measured" },
  ];
  const row = (operation: string, used: number, goal: number | null, others: readonly Peer[] = []) =>
    rows.push({ operation, gas: used, goal, peers: others });
  row("amm trade primary", gas.primary, 120_000, beside(v4));
  row("amm trade two bands", gas.bands, 160_000, beside(v4Crossing));
  row("amm liquidate partial, no capital", gas.liquidate, null);
  row("amm add liquidity", gas.add, null);
  row("amm remove liquidity", gas.remove, null);
}

/** The same with few and with many accounts, after one record and after many. */
async function deleveraging(): Promise<Map<number, DeleveragingGas>> {
  const measured = new Map<number, DeleveragingGas>();
  for (const accounts of [10, MANY])
    measured.set(accounts, await measureDeleveraging(accounts, accounts === MANY ? RECORDS : 1));
  const many = measured.get(MANY);
  if (many === undefined) throw new Error("nothing was measured");
  const row = (operation: string, gas: number, goal: number | null) => rows.push({ operation, gas, goal, peers: [] });
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
  console.log(`${"operation".padEnd(40)}${"gas".padStart(9)}${"goal".padStart(9)}  peers`);
  for (const { operation, gas, goal, peers } of table) {
    const beside = peers.map(({ name, gas, source }) => `${String(gas).padStart(7)} ${name} (${source})`);
    const own = `${operation.padEnd(40)}${String(gas).padStart(9)}${String(goal ?? "").padStart(9)}  `;
    console.log((own + beside.join(`\n${" ".repeat(own.length)}`)).trimEnd());
  }
  for (const [accounts, { trigger, settleAfterOne, settleAfterAll }] of crowds)
    console.log(
      `${accounts} accounts: trigger ${trigger}, settle ${settleAfterOne} after 1 record, ${settleAfterAll} after the last`,
    );
}
