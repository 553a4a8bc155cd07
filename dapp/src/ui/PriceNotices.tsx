/** One notice for each market whose price cannot be relied on. */
import { PriceState } from "../../../sdk/src/types.ts";
import type { MarketView } from "../data/markets.ts";
import { priceStateText } from "../errors/words.ts";
import { Notice } from "./parts.tsx";

export const PriceNotices = ({ markets }: { markets: readonly MarketView[] }) =>
  markets
    .filter(({ oracle }) => oracle.state > PriceState.WIDE)
    .map(({ name, oracle }) => (
      <Notice key={name} tone="warn" title={`The price of ${name} is ${priceStateText(BigInt(oracle.state))}.`}>
        No premium accrues in this market until it is valid again, and it takes no new risk.
      </Notice>
    ));
