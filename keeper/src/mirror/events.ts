/** Logs of engine and pools as typed events. Decoded by the ABIs that name the fields. */
import type { Interface, Log } from "ethers";
import { IBackstopPool__factory, IMarginEngine__factory } from "../../../typechain-types/index.js";

export const engineAbi = IMarginEngine__factory.createInterface();
export const poolAbi = IBackstopPool__factory.createInterface();

type Numbers<K extends string> = Readonly<Record<K, bigint>>;

export type Terms = Numbers<
  | "initialBps"
  | "maintenanceBps"
  | "rampNotional"
  | "bandBps"
  | "minLots"
  | "takerFeePpm"
  | "makerRebatePpm"
  | "discountBps"
  | "liquidatorShareBps"
  | "takeoverReward"
>;

export type Rules = Numbers<
  | "shockBps"
  | "stakeShareBps"
  | "interestRate"
  | "skewFactor"
  | "fundingCap"
  | "premiumRate"
  | "bucketTarget"
  | "maintenanceTargetBps"
  | "maintenanceFromBps"
  | "rampStartedAt"
>;

/** Fields of IMarginEngine.Market. */
export type Row = Numbers<
  | "price"
  | "indexLong"
  | "indexShort"
  | "validUntil"
  | "syncedAt"
  | "openInterest"
  | "openInterestCap"
  | "bucket"
  | "premiumRemainder"
  | "fundingRemainder"
  | "status"
  | "low"
  | "high"
  | "slow"
  | "fundingRate"
  | "edgeBps"
  | "state"
  | "level"
>;

/** What the keeper's mirror asks of the events, under the names of the interfaces. */
export interface Events {
  Deposited: Numbers<"account" | "amount">;
  Withdrawn: Numbers<"account" | "paid" | "claimed">;
  Transferred: Numbers<"from" | "to" | "amount">;
  Filled: Numbers<"market" | "buyer" | "seller" | "lots" | "price" | "buyerFee" | "sellerFee">;
  Synced: Numbers<"market" | "premium"> & { readonly state: Row };
  ClockSet: Numbers<"account" | "since">;
  TakenOver: Numbers<"account" | "rewardAccount" | "equity" | "reward">;
  ShortfallCovered: Numbers<"market" | "account" | "shortfall">;
  LossShared: Numbers<"market" | "perLot"> & { readonly isLong: boolean };
  Deleveraged: Numbers<"market" | "lots" | "price"> & {
    readonly isLong: boolean;
    readonly survival: Numbers<"product" | "value" | "epoch">;
  };
  PositionSettled: Numbers<"market" | "account" | "lots" | "price"> & { readonly isLong: boolean };
  ClaimsPaid: Numbers<"amount" | "left">;
  ClaimCollected: Numbers<"account" | "amount" | "left">;
  IncomeCollected: Numbers<"market" | "fromInventory" | "fromBucket" | "toClaims" | "toDeficits" | "paid">;
  MarketSet: Numbers<"market"> & { readonly params: Terms; readonly rules: Rules };
  StatusSet: Numbers<"market" | "status">;
  ExitRequested: Numbers<"requestId" | "lapsesAt"> & { readonly controller: string };
  ExitCancelled: Numbers<"requestId"> & { readonly controller: string };
  ExitClaimed: Numbers<"requestId" | "shares"> & { readonly controller: string };
}

export type EventName = keyof Events;
export type KeeperEvent = {
  [N in EventName]: { readonly name: N; readonly args: Events[N]; readonly address: string };
}[EventName];

const ENGINE_EVENTS = [
  "Deposited",
  "Withdrawn",
  "Transferred",
  "Filled",
  "Synced",
  "ClockSet",
  "TakenOver",
  "ShortfallCovered",
  "LossShared",
  "Deleveraged",
  "PositionSettled",
  "ClaimsPaid",
  "ClaimCollected",
  "IncomeCollected",
  "MarketSet",
  "StatusSet",
] as const satisfies readonly EventName[];
const POOL_EVENTS = ["ExitRequested", "ExitCancelled", "ExitClaimed"] as const satisfies readonly EventName[];

const topic = (abi: Interface, name: string): string => {
  const event = abi.getEvent(name);
  if (event === null) throw new Error(`The interface has no event ${name}`);
  return event.topicHash;
};

/** First topics of all of them: what a node is asked for. */
export const TOPICS: readonly string[] = [
  ...ENGINE_EVENTS.map((name) => topic(engineAbi, name)),
  ...POOL_EVENTS.map((name) => topic(poolAbi, name)),
];

/** The event of a log that was asked for by {@link TOPICS}. */
export function decode(log: Pick<Log, "address" | "topics" | "data">): KeeperEvent {
  const event = engineAbi.parseLog(log) ?? poolAbi.parseLog(log);
  if (event === null) throw new Error(`An event that neither engine nor pool knows: ${log.topics[0]}`);
  return { name: event.name, args: event.args, address: log.address.toLowerCase() } as unknown as KeeperEvent; // the ABI has these names
}
