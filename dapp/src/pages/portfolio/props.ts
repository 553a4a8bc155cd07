/** What the panels of an account are given. */
import type { Address } from "viem";
import type { MarginAccount } from "../../data/account.ts";
import type { PortfolioData } from "../../data/portfolioPage.ts";
import type { FlowRunner } from "../../flow/useFlow.ts";
import type { Actor } from "../../wallet/useActor.ts";

export interface AccountProps {
  readonly data: PortfolioData;
  readonly account: MarginAccount;
  readonly owner: Address;
  readonly actor: Actor;
  readonly flow: FlowRunner<PortfolioData>;
}
