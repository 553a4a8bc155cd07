/** What keeps the system current and pays nobody in particular: income, claims, exits that lapsed, clocks of healthy accounts. */

import type { Deployment } from "../../../sdk/src/deployment.ts";
import type { KeyedSet } from "../../../sdk/src/keyed.ts";
import { isSystem } from "../../../sdk/src/units.ts";
import {
  IBackstopPool__factory,
  ICapitalStack__factory,
  IMarginEngine__factory,
} from "../../../typechain-types/index.js";
import { isRevert } from "../chain/provider.ts";
import type { Mirror } from "../mirror/mirror.ts";
import { accepted, BATCH, type Caller, chunks, multicall, shareOf } from "./batch.ts";
import type { Job } from "./desk.ts";
import type { Reader } from "./reader.ts";

const engineAbi = IMarginEngine__factory.createInterface();
const poolAbi = IBackstopPool__factory.createInterface();
const stackAbi = ICapitalStack__factory.createInterface();

export interface UpkeepOptions {
  readonly reader: Reader;
  readonly caller: Caller;
  readonly deployment: Deployment;
  readonly tokenUnit: bigint; // {u/token}
  readonly minIncome: bigint; // {u}
}

/** {1} accounts that are asked about in one look, a call each. */
const ASKED = 256;

export type Upkeep = ReturnType<typeof createUpkeep>;

export function createUpkeep({ reader, caller, deployment, tokenUnit, minIncome }: UpkeepOptions) {
  const { contracts } = deployment;
  let turn = 0;
  const closed = new Set<string>(); // requests that were found claimed in full
  const job = (label: string, key: string, to: string, data: string, more: Partial<Job> = {}): Job => ({
    ...{ label, key: `${label}:${key}`, purpose: "upkeep", to, data },
    ...more,
  });

  /** What a call would return; undefined when the chain refuses it. */
  const ask = <T>(call: Promise<T>): Promise<T | undefined> =>
    call.catch((error: unknown) => {
      if (isRevert(error)) return undefined;
      throw error;
    });
  const overrides = { from: caller.from, blockTag: "pending" } as const;

  async function income(mirror: Mirror): Promise<Job[]> {
    const found: Job[] = [];
    for (const id of mirror.state.marketIds) {
      const paid = await ask(reader.engine.collectIncome.staticCall(id, overrides)); // {token}
      if (paid !== undefined && paid > 0n && paid * tokenUnit >= minIncome)
        found.push(
          job("collectIncome", `${id}`, contracts.engine, engineAbi.encodeFunctionData("collectIncome", [id]), {
            about: { market: id, paid },
          }),
        );
    }
    return found;
  }

  async function treasury(): Promise<Job[]> {
    const owed = await reader.stack.treasuryOwed(); // {token}
    if (owed === 0n || owed * tokenUnit < minIncome) return [];
    return [job("payTreasury", "", contracts.stack, stackAbi.encodeFunctionData("payTreasury"), { about: { owed } })];
  }

  /** Only when something is missing or comes back: else it reverts. */
  async function engineDeficit(): Promise<Job[]> {
    const isDue = (await ask(reader.engine.coverEngine.staticCall(overrides).then(() => true))) ?? false;
    const data = engineAbi.encodeFunctionData("coverEngine");
    return isDue ? [job("coverEngine", "", contracts.engine, data, { purpose: "solvency" })] : [];
  }

  async function lapsedExits(mirror: Mirror): Promise<Job[]> {
    const found: Job[] = [];
    for (const name of ["junior", "senior"] as const) {
      const address = contracts[name].toLowerCase();
      const exits = [...mirror.exits.values()].filter(({ pool }) => pool === address);
      if (exits.length === 0) continue;
      const time = await reader.pools[name].poolTime();
      const lapsed = shareOf(
        exits.filter(({ key, lapsesAt }) => time > lapsesAt && !closed.has(`${key}:${lapsesAt}`)),
        ASKED,
        turn,
      );
      const requests = await Promise.all(
        lapsed.map(({ controller, requestId }) => reader.pools[name].exitRequest(controller, requestId)),
      );
      for (const [i, { controller, requestId, lapsesAt, key }] of lapsed.entries()) {
        if (requests[i]?.shares === 0n) {
          closed.add(`${key}:${lapsesAt}`);
          continue;
        }
        const data = poolAbi.encodeFunctionData("cancelExit", [controller, requestId]);
        found.push(job("cancelExit", key, contracts[name], data, { about: { pool: name, controller, requestId } }));
      }
    }
    return found;
  }

  async function claims(mirror: Mirror): Promise<Job[]> {
    const found: Job[] = [];
    const asked = shareOf([...mirror.claimants.values()], ASKED, turn);
    const amounts = await Promise.all(
      asked.map((account) => ask(reader.engine.collectClaim.staticCall(account, overrides))),
    );
    for (const [i, account] of asked.entries()) {
      const amount = amounts[i];
      if (amount !== undefined && amount > 0n && amount >= minIncome)
        found.push(
          job("collectClaim", `${account}`, contracts.engine, engineAbi.encodeFunctionData("collectClaim", [account]), {
            about: { account, amount },
          }),
        );
    }
    return found;
  }

  /** Calls of the engine for many accounts, at most `room` transactions, others the next time; what is refused is left out. */
  async function together(
    label: string,
    calls: readonly string[],
    room: number,
    more: Partial<Job> = {},
  ): Promise<Job[]> {
    const found: Job[] = [];
    for (const [i, chunk] of [...chunks(shareOf(calls, room * BATCH, turn++), BATCH)].entries()) {
      const good = await accepted(caller, chunk);
      if (good.length === 0) continue;
      found.push(job(label, `${i}`, contracts.engine, multicall(good), { about: { calls: good.length }, ...more }));
    }
    return found;
  }

  return {
    /** Looked for now and then. @param unhealthy accounts below maintenance margin, whose clocks run rightly */
    async now(mirror: Mirror, unhealthy: KeyedSet, room: number): Promise<Job[]> {
      const healthy: string[] = [];
      for (const [account, { unhealthySince }] of mirror.state.accounts.entries())
        if (unhealthySince !== 0n && !unhealthy.has(account))
          healthy.push(engineAbi.encodeFunctionData("unflag", [account]));
      const looks = [
        ...[engineDeficit(), income(mirror), treasury(), lapsedExits(mirror), claims(mirror)],
        together("unflag", healthy, room),
      ];
      return (await Promise.all(looks)).flat();
    },

    /** What deleveraging has recorded against accounts and nobody has settled. */
    settlements: (accounts: Iterable<bigint>, room: number): Promise<Job[]> =>
      together(
        "settle",
        [...accounts].filter((id) => !isSystem(id)).map((id) => engineAbi.encodeFunctionData("settle", [id])),
        room,
        { purpose: "solvency" },
      ),

    /** Positions in a market that has its settlement price. */
    closings: (market: number, accounts: readonly bigint[], room: number): Promise<Job[]> =>
      together(
        `close ${market}`,
        accounts.map((account) => engineAbi.encodeFunctionData("close", [market, account])),
        room,
        { purpose: "solvency" },
      ),
  };
}
