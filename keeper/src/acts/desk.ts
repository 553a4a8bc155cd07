/** Where an action becomes a transaction: estimated, priced, held against its floor, sent. A refusal is an answer, not an error. */
import type { Logger } from "pino";
import { syncingLimit } from "../../../sdk/src/gas.ts";
import { expectedPrice, type Fees } from "../chain/fees.ts";
import { gasPriceOracleAbi } from "../chain/foreign.ts";
import { isRevert, type KeeperProvider } from "../chain/provider.ts";
import type { Sender } from "../chain/sender.ts";
import { costOf, type Floors, floorOf, isWorth, mostFor, type Purpose } from "./profit.ts";
import { reasonOf } from "./simulate.ts";

export interface Job {
  readonly key: string;
  readonly label: string;
  readonly purpose: Purpose;
  readonly to: string;
  readonly data: string;
  readonly value?: bigint; // {wei}
  readonly reward?: bigint; // {u}
  /** For the log: what it is about. */
  readonly about?: Readonly<Record<string, unknown>>;
}

/** Terms of one pass. */
export interface Terms {
  readonly baseFee: bigint; // {wei/gas}
  readonly fees: Fees;
  readonly nativeUsd: bigint; // {u/coin}
}

export type Verdict = "sent" | "refused" | "unprofitable" | "dry" | "busy" | "full";

export interface DeskOptions {
  readonly provider: KeeperProvider;
  readonly sender: Sender;
  readonly logger: Logger;
  readonly floors: Floors;
  readonly inFlight: number;
  readonly dryRun: boolean;
  readonly l1FeeOracle: string | undefined;
  onVerdict?(job: Job, verdict: Verdict): void;
}

export type Desk = ReturnType<typeof createDesk>;

export function createDesk(options: DeskOptions) {
  const { provider, sender, logger, floors, inFlight, dryRun, l1FeeOracle, onVerdict } = options;
  const claimed = new Set<string>();
  let sent = 0;

  async function judge(job: Job, terms: Terms): Promise<Verdict> {
    if (sender.size >= inFlight) return "full";
    const { to, data, value = 0n, reward = 0n } = job;
    let gas: bigint;
    try {
      gas = await provider.estimateGas({ from: sender.address, to, data, value });
    } catch (error) {
      if (!isRevert(error)) throw error;
      logger.debug({ msg: "refused", action: job.label, ...job.about, reason: reasonOf(error) });
      return "refused";
    }
    const dataFee = l1FeeOracle === undefined ? 0n : await dataFeeOf(l1FeeOracle, data);
    const cost = costOf(gas, expectedPrice(terms.baseFee, terms.fees), dataFee, terms.nativeUsd);
    const figures = { action: job.label, ...job.about, reward, cost, gas };
    if (!isWorth(reward, cost, job.purpose, floors)) {
      logger.info({ msg: "not worth its gas", ...figures, floor: floorOf(job.purpose, floors) });
      return "unprofitable";
    }
    if (dryRun) {
      logger.info({ msg: "would send", ...figures });
      return "dry";
    }
    const most = mostFor(reward, { gas, dataFee, nativeUsd: terms.nativeUsd }, job.purpose, floors);
    const request = { key: job.key, label: job.label, to, data, value, gas: syncingLimit(gas) };
    await sender.send(most === undefined ? request : { ...request, most }, terms.fees);
    sent += 1;
    logger.info({ msg: "sent", ...figures });
    return "sent";
  }

  /** {wei} for the data on the chain below. */
  const dataFeeOf = async (oracle: string, data: string): Promise<bigint> => {
    const call = gasPriceOracleAbi.encodeFunctionData("getL1Fee", [data]);
    const [fee] = gasPriceOracleAbi.decodeFunctionResult("getL1Fee", await provider.call({ to: oracle, data: call }));
    return fee;
  };

  return {
    /** Transactions so far. */
    get sent(): number {
      return sent;
    },
    /** Transactions that may be added to those under way. */
    get room(): number {
      return Math.max(0, inFlight - sender.size);
    },
    /** Whether something is under way about a key. */
    isBusy: (key: string): boolean => claimed.has(key) || sender.keys.has(key),

    async try(job: Job, terms: Terms): Promise<Verdict> {
      if (claimed.has(job.key) || sender.keys.has(job.key)) return "busy";
      claimed.add(job.key);
      try {
        const verdict = await judge(job, terms);
        onVerdict?.(job, verdict);
        return verdict;
      } finally {
        claimed.delete(job.key);
      }
    },
  };
}
