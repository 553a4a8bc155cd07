/** Gas of a swap on Uniswap v2 and v4, from the bytecode that their npm packages carry: nothing is compiled here. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BaseContract, ContractFactory, type HDNodeWallet, type InterfaceAbi, ZeroAddress } from "ethers";
import { MockToken__factory } from "../typechain-types/index.js";
import type { People } from "./peers.ts";
import { gasOf } from "./receipts.ts";

/** {gas} of selling a given amount of one plain ERC-20 for another. */
export interface UniswapGas {
  readonly v2: number; // swapExactTokensForTokens of Router02, one hop
  readonly v4: number; // within one range of liquidity, without hooks
  readonly v4Crossing: number; // over one initialised tick, into the next range
}

interface Market {
  readonly people: People;
  readonly tokens: readonly [string, string]; // ascending, as both protocols order them
}

const MAX = 2n ** 256n - 1n;
const DEPTH = 400_000n; // times the amount of a swap: reserves of v2, liquidity of a range of v4
const FAR = 1_000n; // times the amount of a swap: moves the price of v4 by some 50 ticks

/* Of v4: two ranges meet at a tick, the price starts above it. All three ticks between are in one word of the bitmap. */
const FEE = 3_000; // pips, the same 0.3 % as v2
const SPACING = 60;
const [BOTTOM, MEETING, START, TOP] = [-6_000, 60, 90, 6_000]; // ticks
const LOWEST_PRICE = 4_295_128_740n; // sqrtPriceX96: no limit on a sale of the first token
const HIGHEST_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341n; // none on one of the second

const require = createRequire(import.meta.url);

/** Every slot a measured swap writes was written before, and all allowances are endless. */
export async function measureUniswap(people: People): Promise<UniswapGas> {
  const { token, first, user, amount } = people;
  const other = await new MockToken__factory(first).deploy("Other", 6);
  const [one, two] = [await token.getAddress(), await other.getAddress()];
  for (const each of [token, other]) {
    await each.mint(first, 3n * DEPTH * amount);
    await each.mint(user, 4n * FAR * amount);
  }
  const market: Market = { people, tokens: BigInt(one) < BigInt(two) ? [one, two] : [two, one] };
  return { v2: await measureV2(market), ...(await measureV4(market)) };
}

async function measureV2({ people: { first, user, amount }, tokens }: Market): Promise<number> {
  const factory = await deploy(first, "@uniswap/v2-core/build/UniswapV2Factory.json", first.address);
  const routerFile = "@uniswap/v2-periphery/build/UniswapV2Router02.json";
  const router = await deploy(first, routerFile, await factory.getAddress(), ZeroAddress); // no wrapped ether is used
  await approve([first, user], tokens, router);
  const reserve = DEPTH * amount;
  await send(router, first, "addLiquidity", ...tokens, reserve, reserve, 0, 0, first.address, MAX);

  const [zero, one] = tokens;
  const swap = (route: readonly string[]) =>
    send(router, user, "swapExactTokensForTokens", amount, amount / 2n, route, user.address, MAX);
  await swap([zero, one]);
  await swap([one, zero]);
  return swap([zero, one]);
}

/** By the leanest router of the package, which checks nothing: a router for users costs more. */
async function measureV4({ people: { first, user, amount }, tokens }: Market): Promise<Omit<UniswapGas, "v2">> {
  const artifact = (name: string) => `@uniswap/v4-core/out/${name}.sol/${name}.json`;
  const manager = await deploy(first, artifact("PoolManager"), first.address);
  const router = await deploy(first, artifact("SwapRouterNoChecks"), await manager.getAddress());
  const provider = await deploy(first, artifact("PoolModifyLiquidityTestNoChecks"), await manager.getAddress());
  await approve([first, user], tokens, router);
  await approve([first, user], tokens, provider);

  const key = [...tokens, FEE, SPACING, ZeroAddress];
  await send(manager, first, "initialize", key, BigInt(1.0001 ** (START / 2) * 2 ** 96));
  for (const [lower, upper] of [
    [BOTTOM, MEETING],
    [MEETING, TOP],
  ])
    await send(provider, first, "modifyLiquidity", key, [lower, upper, DEPTH * amount, `0x${"00".repeat(32)}`], "0x");

  const swap = (sellsFirst: boolean, sold: bigint) =>
    send(router, user, "swap", key, [sellsFirst, -sold, sellsFirst ? LOWEST_PRICE : HIGHEST_PRICE]);
  await swap(true, FAR * amount);
  await swap(false, FAR * amount);
  const gas = { v4: await swap(true, amount), v4Crossing: await swap(true, FAR * amount) };

  const above = (await manager.queryFilter("Swap")).map((log) => manager.interface.parseLog(log)?.args.tick > MEETING);
  if (above.join() !== "false,true,true,false") throw new Error(`not the ranges meant: above their meeting ${above}`);
  return gas;
}

interface Artifact {
  readonly abi: InterfaceAbi;
  readonly bytecode: string | { readonly object: string };
}

async function deploy(owner: HDNodeWallet, file: string, ...args: readonly string[]): Promise<BaseContract> {
  const { abi, bytecode }: Artifact = JSON.parse(readFileSync(require.resolve(file), "utf8"));
  const code = typeof bytecode === "string" ? bytecode : bytecode.object;
  return (await new ContractFactory(abi, code, owner).deploy(...args)).waitForDeployment();
}

async function approve(people: readonly HDNodeWallet[], tokens: readonly string[], spender: BaseContract) {
  for (const each of people)
    for (const token of tokens) await (await MockToken__factory.connect(token, each).approve(spender, MAX)).wait();
}

function send(contract: BaseContract, by: HDNodeWallet, name: string, ...args: readonly unknown[]): Promise<number> {
  return gasOf(
    contract
      .connect(by)
      .getFunction(name)
      .send(...args),
  );
}
