/** What a withdrawal would pay and leave now, tried on the node. */
import { type Address, decodeFunctionResult, encodeFunctionData } from "viem";
import { MarginEngineAbi } from "../../../sdk/src/abi.ts";
import { accountOf, type Standing } from "./account.ts";
import { foresee } from "./foresight.ts";
import type { PortfolioData } from "./portfolioPage.ts";
import type { Reader } from "./reader.ts";
import { answerOf, keepOf } from "./refusal.ts";

export interface Withdrawal {
  readonly paid: bigint; // {asset} less than asked for while a deficit stands
  readonly after: Standing;
}

/** @param amount {asset} */
export function withdrawalQuery(
  reader: Reader,
  owner: Address,
  amount: bigint,
  { markets, block }: Pick<PortfolioData, "markets" | "block">,
) {
  const subject = `${owner} ${amount}`;
  const call = { abi: MarginEngineAbi, functionName: "withdraw" } as const;
  const read = async (): Promise<Withdrawal> => {
    const data = encodeFunctionData({ ...call, args: [accountOf(owner), amount, 0n, owner] });
    const { result, after } = await foresee(reader, owner, data, markets, block);
    return { paid: decodeFunctionResult({ ...call, data: result }), after };
  };
  return {
    queryKey: ["withdrawal", subject, block.number.toString()],
    queryFn: () => answerOf(read()),
    placeholderData: keepOf(subject),
  };
}
