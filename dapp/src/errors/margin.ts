/** What the margin engine, the AMM and the oracle refuse, as sentences. */
import type { Sentences } from "./stake.ts";

export const marginSentences: Sentences = {
  ZeroAmount: () => "The amount must be more than zero.",
  AmountTooLarge: () => "The account holds less cash than that.",
  PaidTooLittle: ({ tokens }) =>
    `The withdrawal would pay ${tokens("paid")}, less than the ${tokens("minPaid")} you asked for at least: a deficit cuts every withdrawal alike.`,
  BadReceiver: () => "Tokens cannot be withdrawn to this address.",
  SystemAccount: () => "This account belongs to the system.",
  SameAccount: () => "Both sides would be the same account.",
  CashNegative: () =>
    "The account's cash would fall below zero. Open profit is not cash: close part of the position to realise it.",
  InitialMarginNotMet: ({ usd }) =>
    `Not enough margin: ${usd("initial")} are needed, and ${usd("equity")} of the account's equity count, at the price that is less favourable to you.`,
  ReduceLowersHealth: () =>
    "This would leave the account less healthy than it is. Close more of the position, or deposit first.",
  PositionTooSmall: () => "A position must be closed whole, or keep at least the market's smallest size.",
  PositionOutOfRange: () => "The position would be larger than the ledger can hold.",
  TooManyMarkets: ({ n }) => `An account can have positions in ${n("max")} markets at most.`,
  ReduceOnly: () => "You asked to reduce only, and this would grow the position or turn it round.",
  OpenInterestAboveCap: () =>
    "The stake does not carry more open interest in this market now. Positions can still be reduced.",
  WinningSideClosed: ({ market, price }) =>
    `The price of ${market()} is too far from its slow average (${price("slow")}) for anybody to join the side that has won. It reopens as the average catches up.`,
  LevelTooHigh: ({ market, n }) =>
    `${market()} is at intervention level ${n("level")}: no new risk is taken. Positions can still be reduced.`,
  MarketNotActive: ({ market, status }) => `${market()} takes no new risk: it is ${status()}.`,
  PriceNotValid: ({ market }) =>
    `The price of ${market()} cannot be relied on now, so no risk is added and nothing is withdrawn against it.`,
  PriceOutsideBand: () => "The trade would be done too far away from the price. Trade less at once.",
  DeficitOutstanding: ({ market }) =>
    `${market()} has a deficit that nobody has paid yet; it takes no new risk until it is.`,
  OpeningStopped: () => "Deficits are too large compared with what the engine holds: no market takes new risk.",
  DepthTooSmall: ({ n }) =>
    n("depth") === 0n
      ? "There is no depth for this now: nothing can be traded at an accepted price."
      : "There is less depth than that now. Trade less at once.",
  QuoteBeyondLimit: () => "The price moved beyond your limit before the trade was mined. Look at the new quote.",
  ProceedsBelowFees: () => "The trade would bring less than its fees.",
  TooManyLots: () => "This is more than the curve can ever trade at once.",
  TooLate: () => "It took too long to be mined: the deadline has passed. Try again.",
  TooEarly: ({ days }) => `It is too early by ${days("earliest", "time")}.`,
  Healthy: ({ usd }) =>
    `The account is healthy: ${usd("equity")} of equity, ${usd("maintenance")} of maintenance margin. Somebody may have been faster.`,
  Unhealthy: ({ usd }) =>
    `The account is below maintenance margin: ${usd("equity")} of equity, ${usd("maintenance")} needed.`,
  Insolvent: () => "The account is below zero: it can only be taken over.",
  HealthFalls: () => "The liquidation would leave the account less healthy. Close more of it at once, or take it over.",
  NotTakeoverable: ({ usd }) =>
    `The account may still be liquidated, so it cannot be taken over: ${usd("equity")} of equity, ${usd("maintenance")} of maintenance margin.`,
  NoPosition: ({ market }) => `The account has no position in ${market()} any more.`,
  LotsAboveLimit: () => "More would be closed than you allow.",
  DiscountBelowLimit: ({ ratio }) =>
    `The discount is ${ratio("discount")} now, less than the ${ratio("minDiscount")} you ask for.`,
  ClockRunning: ({ date }) => `The account was already flagged, at ${date("since")}.`,
  ClockNotRunning: () => "The account is not flagged.",
  NoClaim: () => "Nothing is owed to this account, or nothing has been paid on it yet.",
  TokenShort: () => "Fewer tokens are there than the books say. Nothing is paid in until that is recognised as a loss.",
  EngineBacked: () => "The engine holds all it owes: there is nothing to cover or to repay.",
  InventoryWithinCap: ({ market }) => `The pool's position in ${market()} is within its cap: nobody has to be closed.`,
  InsufficientGas: () =>
    "The transaction was given too little gas for what it has to be able to do. Raise the gas limit.",
  UnknownMarket: ({ n }) => `There is no market ${n("market")}.`,
  PriceAlive: ({ date }) => `The price is alive, valid until ${date("validUntil")}.`,
  NoSecondPrice: () => "The second source has not signed a price for that time.",
  TooLittleCash: ({ usd }) => `The first provider of a curve brings at least ${usd("min")}.`,
  TooFewShares: () => "The curve would give fewer shares than you accept.",
  TooLittlePaid: ({ usd }) => `The curve would pay ${usd("paid")}, less than the ${usd("min")} you accept.`,
  CurveOverexposed: () => "The others would be left with too large a position. Leave in kind, or with less at once.",
  CurveWorthless: () => "The curve is worth nothing now, so nobody can join it.",
  CurveOffIndex: ({ bps }) =>
    `The curve is ${bps("divergence")} away from the price; joining waits until it is within ${bps("max")}.`,
  ERC6909InsufficientBalance: () => "You hold fewer shares of the curve than that.",
  FailedCall: () => "A call inside the transaction failed without saying why.",
};
