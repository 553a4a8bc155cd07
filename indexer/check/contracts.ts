/** What the contracts answer at one block, under the names of `indexed.ts`. */
import { createPublicClient, getAddress, type Hex, http, type PublicClient } from "viem";
import { BackstopAMMAbi, BackstopPoolAbi, CapitalStackAbi, MarginEngineAbi, RiskEngineAbi } from "../../sdk/src/abi.ts";
import type { Deployment } from "../../sdk/src/deployment.ts";
import { ENGINE_DEFICIT } from "../../sdk/src/units.ts";
import type { Facts } from "./facts.ts";
import { accountIds, stepsText } from "./indexed.ts";
import type { Rows } from "./rows.ts";

/** Init code that returns the time of the block it runs in. */
const TIMESTAMP = "0x4260005260206000f3";

type Put = (name: string, value: bigint | number | boolean | string) => void;

interface Asking {
  readonly client: PublicClient;
  readonly deployment: Deployment;
  readonly blockNumber: bigint;
  readonly put: Put;
}

export const clientOf = (rpcUrl: string): PublicClient =>
  createPublicClient({ transport: http(rpcUrl, { batch: { batchSize: 200 }, timeout: 60_000 }) });

/** {s} that calls at this block see. */
export async function timeAt(client: PublicClient, blockNumber: bigint): Promise<bigint> {
  const { data } = await client.call({ data: TIMESTAMP, blockNumber });
  return BigInt(data ?? 0);
}

/** Asks for everything that the rows know of. */
export async function contractFacts(
  client: PublicClient,
  deployment: Deployment,
  blockNumber: bigint,
  rows: Rows,
): Promise<Facts> {
  const facts = new Map<string, string>();
  const put: Put = (name, value) => facts.set(name, String(value));
  const asking = { client, deployment, blockNumber, put };
  const markets = await listed(asking);
  const accounts = new Set([...markets.map(BigInt), ...accountIds(rows)]);
  await engineFacts(asking);
  await Promise.all([...accounts].map((id) => accountFacts(asking, id, markets)));
  await Promise.all(markets.map((id) => marketFacts(asking, id)));
  await Promise.all((["junior", "senior"] as const).map((name) => poolFacts(asking, name, rows)));
  await stackFacts(asking, markets);
  await Promise.all(markets.map((id) => curveFacts(asking, id, rows)));
  return facts;
}

const engineOf = ({ deployment, blockNumber }: Asking) =>
  ({ abi: MarginEngineAbi, address: deployment.contracts.engine, blockNumber }) as const;

/** Markets that were ever listed. */
async function listed(asking: Asking): Promise<number[]> {
  const all = await Promise.all(
    Array.from({ length: 64 }, (_, id) =>
      asking.client.readContract({ ...engineOf(asking), functionName: "markets", args: [id] }),
    ),
  );
  return all.flatMap(({ status }, id) => (status === 0 ? [] : [id]));
}

async function engineFacts(asking: Asking): Promise<void> {
  const { client, put } = asking;
  const at = engineOf(asking);
  put("token unit", await client.readContract({ ...at, functionName: "tokenUnit" }));
  put("internal balance", await client.readContract({ ...at, functionName: "internalBalance" }));
  put("total claims", await client.readContract({ ...at, functionName: "totalClaims" }));
  put("total deficit", await client.readContract({ ...at, functionName: "totalDeficit" }));
  put("deficit of the engine", await client.readContract({ ...at, functionName: "deficit", args: [ENGINE_DEFICIT] }));
}

async function accountFacts(asking: Asking, id: bigint, markets: readonly number[]): Promise<void> {
  const { client, put } = asking;
  const at = engineOf(asking);
  const [account, claim] = await Promise.all([
    client.readContract({ ...at, functionName: "accounts", args: [id] }),
    client.readContract({ ...at, functionName: "claims", args: [id] }),
  ]);
  put(`account ${id} cash`, account.cash);
  put(`account ${id} markets`, account.markets);
  put(`account ${id} unhealthySince`, account.unhealthySince);
  put(`account ${id} claim`, claim);
  for (const market of markets) {
    const args = [id, market] as const;
    const { lots, quote } = await client.readContract({ ...at, functionName: "positions", args });
    put(`position ${id} ${market} lots`, lots);
    put(`position ${id} ${market} quote`, quote);
  }
}

async function marketFacts(asking: Asking, id: number): Promise<void> {
  const { client, put, deployment, blockNumber } = asking;
  const at = engineOf(asking);
  const args = [id] as const;
  const [market, recovery, params, inventory, deficit] = await Promise.all([
    client.readContract({ ...at, functionName: "markets", args }),
    client.readContract({ ...at, functionName: "recovery", args }),
    client.readContract({ ...at, functionName: "marketParams", args }),
    client.readContract({ ...at, functionName: "inventory", args }),
    client.readContract({ ...at, functionName: "deficit", args }),
  ]);
  for (const [field, value] of Object.entries({ ...market, ...recovery })) put(`market ${id} ${field}`, value);
  put(`market ${id} deficit`, deficit);
  put(`market ${id} maintenanceBps`, params.maintenanceBps);
  put(`market ${id} inventory lots`, inventory.lots);
  put(`market ${id} inventory equity`, inventory.equity);
  put(`market ${id} inventory cap`, inventory.cap);
  const risk = { abi: RiskEngineAbi, address: deployment.contracts.risk, blockNumber } as const;
  put(`market ${id} risk level`, await client.readContract({ ...risk, functionName: "level", args }));
  const stack = { abi: CapitalStackAbi, address: deployment.contracts.stack, blockNumber } as const;
  const { gain, loss, atRisk } = await client.readContract({ ...stack, functionName: "pendingOf", args });
  put(`market ${id} reported`, `${gain} ${loss} ${atRisk}`);
  for (const isLong of [true, false]) {
    const side = await client.readContract({ ...at, functionName: "sides", args: [id, isLong] });
    const { product, value, epoch } = side.survival;
    const figures = [product, value, epoch, side.pending, side.pendingQuote];
    put(`market ${id} ${isLong ? "longs" : "shorts"}`, figures.join(" "));
  }
}

async function poolFacts(asking: Asking, name: "junior" | "senior", rows: Rows): Promise<void> {
  const { client, put, deployment, blockNumber } = asking;
  const address = deployment.contracts[name];
  const at = { abi: BackstopPoolAbi, address, blockNumber } as const;
  const [gain, loss] = await client.readContract({ ...at, functionName: "pending" });
  const [cooldown, claimWindow] = await client.readContract({ ...at, functionName: "exitClocks" });
  put(`${name} booked`, await client.readContract({ ...at, functionName: "bookedAssets" }));
  put(`${name} totalAssets`, await client.readContract({ ...at, functionName: "totalAssets" }));
  put(`${name} unvested`, await client.readContract({ ...at, functionName: "unvestedIncome" }));
  put(`${name} shares`, await client.readContract({ ...at, functionName: "totalSupply" }));
  put(`${name} queued`, await client.readContract({ ...at, functionName: "queuedShares" }));
  put(`${name} free stake`, await client.readContract({ ...at, functionName: "freeStake" }));
  put(`${name} pending`, `${gain} ${loss}`);
  put(`${name} rescalings`, await client.readContract({ ...at, functionName: "rescalings" }));
  put(`${name} gateEnd`, await client.readContract({ ...at, functionName: "gateEnd" }));
  put(`${name} pausedUntil`, await client.readContract({ ...at, functionName: "pausedUntil" }));
  put(`${name} poolTime`, await client.readContract({ ...at, functionName: "poolTime" }));
  put(`${name} exit clocks`, `${cooldown} ${claimWindow}`);
  await Promise.all([holderFacts(asking, name, rows), requestFacts(asking, name, rows)]);
}

const isOf = (pool: string, address: Hex): boolean => pool.toLowerCase() === address.toLowerCase();

async function holderFacts({ client, put, deployment, blockNumber }: Asking, name: "junior" | "senior", rows: Rows) {
  const address = deployment.contracts[name];
  const at = { abi: BackstopPoolAbi, address, blockNumber } as const;
  for (const { pool, holder } of rows.share_balance) {
    if (!isOf(pool, address)) continue;
    const shares = await client.readContract({ ...at, functionName: "balanceOf", args: [getAddress(holder)] });
    put(`${name} shares of ${holder}`, shares);
  }
}

/** Every request that the pool ever gave to a controller that the index knows. */
async function requestFacts({ client, put, deployment, blockNumber }: Asking, name: "junior" | "senior", rows: Rows) {
  const address = deployment.contracts[name];
  const at = { abi: BackstopPoolAbi, address, blockNumber } as const;
  const own = rows.exit_request.filter(({ pool }) => isOf(pool, address));
  for (const controller of new Set(own.map((row) => row.controller))) {
    const [, last] = await client.readContract({ ...at, functionName: "requestIds", args: [getAddress(controller)] });
    for (let id = 1n; id <= last; ++id) {
      const args = [getAddress(controller), id] as const;
      const request = await client.readContract({ ...at, functionName: "exitRequest", args });
      const { shares, valueCap, claimableAt, lapsesAt } = request;
      const left = shares === 0n ? "closed" : [shares, valueCap, claimableAt, lapsesAt].join(" ");
      put(`${name} request ${controller} ${id}`, left);
    }
  }
}

async function stackFacts({ client, put, deployment, blockNumber }: Asking, markets: readonly number[]): Promise<void> {
  const at = { abi: CapitalStackAbi, address: deployment.contracts.stack, blockNumber } as const;
  put("stack budgets", (await client.readContract({ ...at, functionName: "budgets" })).join(" "));
  put("stack tranches", (await client.readContract({ ...at, functionName: "tranches" })).join(" "));
  put("stack treasury owed", await client.readContract({ ...at, functionName: "treasuryOwed" }));
  put("stack inventory losses", (await client.readContract({ ...at, functionName: "inventoryLosses" })).join(" "));
  put("stack unrepaid", await client.readContract({ ...at, functionName: "unrepaid" }));
  for (const id of markets)
    put(`stack drawn ${id}`, (await client.readContract({ ...at, functionName: "drawn", args: [id] })).join(" "));
}

async function curveFacts({ client, put, deployment, blockNumber }: Asking, id: number, rows: Rows): Promise<void> {
  const at = { abi: BackstopAMMAbi, address: deployment.contracts.amm, blockNumber } as const;
  const { base, quote, feePpm, epoch } = await client.readContract({ ...at, functionName: "curves", args: [id] });
  put(`curve ${id}`, `${base} ${quote} ${feePpm} ${epoch}`);
  put(`curve ${id} jump fee`, await client.readContract({ ...at, functionName: "jumpFeeOf", args: [id] }));
  put(`curve ${id} disarmedUntil`, await client.readContract({ ...at, functionName: "disarmedUntil", args: [id] }));
  for (const isBuy of [true, false]) {
    for (const isLiquidation of [true, false]) {
      const args = [id, isBuy, isLiquidation] as const;
      const [prices, lots] = await client.readContract({ ...at, functionName: "bands", args });
      const steps = prices.map((price, i) => ({ price, lots: lots[i] ?? 0n }));
      put(`bands ${id} ${isBuy ? "buy" : "sell"}${isLiquidation ? " in a liquidation" : ""}`, stepsText(steps));
    }
  }
  const shareId = (one: string) => (BigInt(one) << 8n) | BigInt(id);
  for (const one of rows.curve_epoch.filter(({ market }) => Number(market) === id)) {
    const shares = await client.readContract({ ...at, functionName: "totalSupply", args: [shareId(one.epoch)] });
    put(`curve ${id} shares of epoch ${one.epoch}`, shares);
  }
  for (const one of rows.lp_share.filter(({ market }) => Number(market) === id)) {
    const args = [getAddress(one.holder), shareId(one.epoch)] as const;
    const shares = await client.readContract({ ...at, functionName: "balanceOf", args });
    put(`curve ${id} shares of epoch ${one.epoch} of ${one.holder}`, shares);
  }
}
