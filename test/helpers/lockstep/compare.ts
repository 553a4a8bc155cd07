/** Reads rows of the contracts and names every difference from the model. */
import { Interface } from "ethers";
import type { Market, MarketStatus, PriceState } from "../../../sdk/src/types.ts";
import {
  IBackstopPool__factory,
  ICapitalStack__factory,
  IMarginEngine__factory,
  IOracle__factory,
  MockToken__factory,
} from "../../../typechain-types/index.js";
import { createRiskComparison } from "./risk.ts";
import type { World } from "./world.ts";

const abi = IMarginEngine__factory.createInterface();
const oracleAbi = IOracle__factory.createInterface();
const erc20 = MockToken__factory.createInterface();
const untyped = new Interface(abi.fragments); // takes any name, where the generated one wants a literal
const encode = (name: string, args: readonly unknown[] = []) => untyped.encodeFunctionData(name, args);

const poolAbi = IBackstopPool__factory.createInterface();
const stackAbi = ICapitalStack__factory.createInterface();

type View =
  | ("accounts" | "positions" | "markets" | "marketParams" | "deficit" | "claims" | "health")
  | ("sides" | "recovery" | "inventory");

/** A Market struct as the model has it. */
export function readMarket(row: object): Market {
  if (!("toObject" in row) || typeof row.toObject !== "function") throw new TypeError("not a struct");
  const fields: Market = row.toObject(); // by the generated types, all bigint
  return {
    ...fields,
    status: Number(fields.status) as MarketStatus, // the chain's enum has these members only
    state: Number(fields.state) as PriceState,
  };
}

export function createComparison(world: World) {
  const { chain, model, engineAt, stackAt, juniorAt, poolAt, tokenAt, oracleAt, surplus, fx } = world;
  const risk = createRiskComparison(world);
  const { state } = model;
  const staker = fx.staker.address; // the only one

  async function view(name: View, ...args: unknown[]) {
    const data = await chain.call(engineAt, encode(name, args));
    return untyped.decodeFunctionResult(name, data)[0];
  }

  function differ(what: string, real: { [name: string]: unknown }, expected: object): string[] {
    return Object.entries(expected)
      .filter(([name, value]) => BigInt(real[name] as bigint) !== BigInt(value))
      .map(([name, value]) => `${what}.${name}: contract ${real[name]}, model ${value}`);
  }

  const account = async (id: bigint) => differ(`account ${id}`, await view("accounts", id), model.account(id));
  const position = async (key: bigint) => {
    const [id, market] = [key >> 6n, key & 63n];
    const expected = model.position(id, Number(market));
    return differ(`position ${id} in ${market}`, await view("positions", id, market), expected);
  };
  const market = async (id: bigint) => {
    const { maintenanceBps } = state.params.get(Number(id)) ?? {};
    const assets = BigInt(await chain.call(stackAt, stackAbi.encodeFunctionData("totalAssets")));
    return [
      ...differ(`inventory ${id}`, await view("inventory", id), model.inventory(Number(id), assets)),
      ...differ(`market ${id}`, await view("markets", id), state.markets.get(id)),
      ...differ(`params ${id}`, await view("marketParams", id), { maintenanceBps }),
    ];
  };
  const deficit = async (id: bigint) =>
    differ(`deficit ${id}`, { value: await view("deficit", id) }, { value: state.deficits.get(id) });
  const claim = async (id: bigint) =>
    differ(`claims ${id}`, { value: await view("claims", id) }, { value: model.claim(id) });
  const recovery = async (id: bigint) => differ(`recovery ${id}`, await view("recovery", id), state.recovery.get(id));
  const side = async (key: bigint) => {
    const real = await view("sides", key >> 1n, (key & 1n) === 1n);
    const { survival, ...rest } = state.sides.get(key);
    return [...differ(`side ${key}`, real, rest), ...differ(`survival ${key}`, real.survival, survival)];
  };

  async function totals(): Promise<string[]> {
    const number = async (name: "internalBalance" | "totalDeficit" | "totalClaims") =>
      BigInt(await chain.call(engineAt, encode(name)));
    const balanceOf = erc20.encodeFunctionData("balanceOf", [engineAt]);
    const held = BigInt(await chain.call(tokenAt, balanceOf));
    const real = {
      internalBalance: await number("internalBalance"),
      totalDeficit: await number("totalDeficit"),
      totalClaims: await number("totalClaims"),
      held, // I4 as an equality: nothing but burning and donating moves tokens that the ledger does not know of
    };
    const { internalBalance, totalDeficit, totalClaims } = state;
    return differ("engine", real, {
      internalBalance,
      totalDeficit,
      totalClaims,
      held: internalBalance + surplus.tokens,
    });
  }

  /** BP-1, BP-3 and BP-4 of docs/invariants.md. */
  async function stakeIn(tranche: string, name: string): Promise<string[]> {
    const ask = async (at: string, data: string) => BigInt(await chain.call(at, data));
    const assets = await ask(tranche, poolAbi.encodeFunctionData("totalAssets"));
    const unvested = await ask(tranche, poolAbi.encodeFunctionData("unvestedIncome"));
    const supply = await ask(tranche, erc20.encodeFunctionData("totalSupply"));
    const [free, queued] = [
      await ask(tranche, erc20.encodeFunctionData("balanceOf", [staker])),
      await ask(tranche, erc20.encodeFunctionData("balanceOf", [tranche])),
    ];
    const real = {
      held: await ask(tokenAt, erc20.encodeFunctionData("balanceOf", [tranche])),
      supply,
      queuedShares: await ask(tranche, poolAbi.encodeFunctionData("queuedShares")),
    };
    return differ(name, real, { held: assets + unvested, supply: free + queued, queuedShares: queued });
  }

  const stake = async () => [...(await stakeIn(juniorAt, "junior pool")), ...(await stakeIn(poolAt, "senior pool"))];

  /** The step that the oracle holds in a market, none as zero: a sync may change it. */
  const held = async (id: bigint): Promise<string[]> => {
    const data = await chain.call(oracleAt, oracleAbi.encodeFunctionData("heldPrice", [id]));
    const [price, since] = oracleAbi.decodeFunctionResult("heldPrice", data);
    const expected = world.lives.get(Number(id))?.held ?? { price: 0n, since: 0n };
    return differ(`held ${id}`, { price, since }, expected);
  };

  async function each(keys: Iterable<bigint>, compare: (key: bigint) => Promise<string[]>): Promise<string[]> {
    const found: string[] = [];
    for (const key of keys) found.push(...(await compare(key)));
    return found;
  }

  return {
    /** What the last operation of the model wrote. */
    touched: async (): Promise<string[]> => [
      ...(await each(state.accounts.touched, account)),
      ...(await each(state.positions.touched, position)),
      ...(await each(state.markets.touched, market)),
      ...(await each(state.deficits.touched, deficit)),
      ...(await each(state.claims.touched, claim)),
      ...(await each(state.recovery.touched, recovery)),
      ...(await each(state.sides.touched, side)),
      ...(await each(state.risks.touched, risk.market)),
      ...(state.risks.touched.size === 0 ? [] : await risk.total()),
      ...(await each(state.markets.touched, held)),
      ...(await totals()),
      ...(await stake()),
    ],
    /** Every row, and the health of `accounts` at all three prices. */
    everything: async (accounts: readonly bigint[]): Promise<string[]> => {
      const keys = (table: { entries(): Iterable<[bigint, unknown]> }) => [...table.entries()].map(([key]) => key);
      const found = [
        ...(await each(keys(state.accounts), account)),
        ...(await each(keys(state.positions), position)),
        ...(await each(keys(state.markets), market)),
        ...(await each(keys(state.deficits), deficit)),
        ...(await each(keys(state.claims), claim)),
        ...(await each(keys(state.recovery), recovery)),
        ...(await each(keys(state.sides), side)),
        ...(await each(keys(state.risks), risk.market)),
        ...(await risk.total()),
        ...(await each(keys(state.markets), held)),
        ...(await totals()),
        ...(await stake()),
      ];
      for (const id of accounts) {
        for (const valuation of [0, 1, 2] as const) {
          const real = await view("health", id, valuation);
          found.push(...differ(`health ${id} at ${valuation}`, real, model.health(id, valuation)));
        }
      }
      return found;
    },
  };
}
