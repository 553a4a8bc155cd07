/** What an action would bring, from one call to the node: the reward account before and after it, in the same transaction. */
import { type MarketStatus, MarketStatus as Status, Valuation } from "../../../sdk/src/types.ts";
import { MarginEngine__factory } from "../../../typechain-types/index.js";
import { isRevert, type KeeperProvider, revertData } from "../chain/provider.ts";

export const engineAbi = MarginEngine__factory.createInterface();

export interface Simulated {
  readonly reward: bigint; // {u} by which the reward account is worth more at the mark
  readonly result: string; // what the action returned, encoded
}

/** Why a call was refused: the name of the custom error with its arguments, or what the node said. */
export function reasonOf(error: unknown): string {
  const parsed = engineAbi.parseError(revertData(error));
  if (parsed !== null) return `${parsed.name}(${parsed.args.join(", ")})`;
  return error instanceof Error && "shortMessage" in error ? String(error.shortMessage) : String(error);
}

export interface Simulation {
  readonly provider: KeeperProvider;
  readonly engine: string;
  readonly from: string;
  readonly rewardAccount: bigint;
}

/**
 * Syncs `markets` first, as the action itself will where it is due, so that the two figures differ by the action alone.
 * Undefined when the chain refuses it; `onRefused` is told why.
 */
export async function simulate(
  { provider, engine, from, rewardAccount }: Simulation,
  markets: readonly number[],
  action: string,
  onRefused?: (reason: string) => void,
): Promise<Simulated | undefined> {
  const health = engineAbi.encodeFunctionData("health", [rewardAccount, Valuation.MARK]);
  const syncs = markets.map((id) => engineAbi.encodeFunctionData("sync", [id]));
  const calls = [...syncs, health, action, health];
  try {
    const data = engineAbi.encodeFunctionData("multicall", [calls]);
    const answer = await provider.call({ from, to: engine, data, blockTag: "pending" });
    const [results] = engineAbi.decodeFunctionResult("multicall", answer);
    const [before, result, after]: string[] = results.slice(syncs.length);
    const equity = (text = "0x") => BigInt(engineAbi.decodeFunctionResult("health", text)[0].equity);
    return { reward: equity(after) - equity(before), result: result ?? "0x" };
  } catch (error) {
    if (!isRevert(error)) throw error;
    onRefused?.(reasonOf(error));
    return undefined;
  }
}

/** Markets that a sync does not revert for. */
export const isSyncable = (status: MarketStatus): boolean => status !== Status.UNLISTED && status < Status.SETTLING;
