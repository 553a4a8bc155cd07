/** One notice for each market that is not as usual: its price cannot be relied on, or it is not open. */
import { MarketStatus, PriceState } from "../../../sdk/src/types.ts";
import type { MarketView } from "../data/markets.ts";
import { priceStateText, statusText } from "../errors/words.ts";
import { Notice } from "./parts.tsx";

export const MarketNotices = ({ markets }: { markets: readonly MarketView[] }) =>
  markets.flatMap(({ name, oracle, market: { status } }) => [
    ...(oracle.state > PriceState.WIDE && status < MarketStatus.SETTLED
      ? [
          <Notice
            key={`price ${name}`}
            tone="warn"
            title={`The price of ${name} is ${priceStateText(BigInt(oracle.state))}.`}
          >
            No premium accrues in this market until it is valid again, and it takes no new risk.
          </Notice>,
        ]
      : []),
    ...(status === MarketStatus.ACTIVE
      ? []
      : [
          <Notice key={`status ${name}`} tone="warn" title={`${name} is ${statusText(BigInt(status))}.`}>
            {status < MarketStatus.SETTLING
              ? "It takes no new risk. Positions can be reduced and closed."
              : "Nobody trades in it any more: positions are closed at the settlement price."}
          </Notice>,
        ]),
  ]);
