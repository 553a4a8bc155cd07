/** The engine's custom errors, by the names and argument order of IMarginEngine. */

/** Arguments as numbers: addresses, account ids and enums are `bigint` like everything else. */
export interface ErrorArguments {
  NotExchange: [caller: bigint];
  NotAuthorized: [caller: bigint, account: bigint];
  SystemAccount: [account: bigint];
  SameAccount: [account: bigint];
  ZeroAmount: [];
  AmountTooLarge: [amount: bigint, max: bigint];
  PaidTooLittle: [paid: bigint, minPaid: bigint];
  BadReceiver: [receiver: bigint];
  TokenShort: [balance: bigint, needed: bigint];
  DecimalsUnsupported: [decimals: bigint, max: bigint];
  UnknownMarket: [market: bigint];
  LevelTooHigh: [market: bigint, level: bigint];
  LimitsNotAscending: [limit: bigint, next: bigint];
  MarketNotActive: [market: bigint, status: bigint];
  TooManyMarkets: [account: bigint, max: bigint];
  PriceNotValid: [market: bigint, state: bigint];
  ProceedsBelowFees: [proceeds: bigint, fees: bigint];
  PriceOutsideBand: [price: bigint, low: bigint, high: bigint];
  OpenInterestAboveCap: [openInterest: bigint, cap: bigint];
  PositionTooSmall: [account: bigint, lots: bigint, minLots: bigint];
  PositionOutOfRange: [lots: bigint];
  ReduceOnly: [account: bigint, lots: bigint];
  InitialMarginNotMet: [account: bigint, equity: bigint, initial: bigint];
  ReduceLowersHealth: [account: bigint, equity: bigint, maintenance: bigint];
  CashNegative: [account: bigint, cash: bigint];
  DeficitOutstanding: [market: bigint, deficit: bigint];
  Healthy: [account: bigint, equity: bigint, maintenance: bigint];
  Unhealthy: [account: bigint, equity: bigint, maintenance: bigint];
  RampTightened: [rampNotional: bigint, current: bigint];
  Insolvent: [account: bigint, equity: bigint];
  OpeningStopped: [totalDeficit: bigint, balance: bigint];
  ClockRunning: [account: bigint, since: bigint];
  ClockNotRunning: [account: bigint];
  NotTakeoverable: [account: bigint, equity: bigint, maintenance: bigint];
  HealthFalls: [account: bigint, equity: bigint, maintenance: bigint];
  NoPosition: [account: bigint, market: bigint];
  LotsAboveLimit: [lots: bigint, maxLots: bigint];
  DiscountBelowLimit: [discount: bigint, minDiscount: bigint];
  WinningSideClosed: [market: bigint, price: bigint, slow: bigint];
  InventoryWithinCap: [market: bigint, lots: bigint, cap: bigint];
  EngineBacked: [held: bigint, balance: bigint];
  NoClaim: [account: bigint];
  TooEarly: [time: bigint, earliest: bigint];
  TooLate: [time: bigint, latest: bigint];
  PriceAlive: [market: bigint, validUntil: bigint];
  NoSecondPrice: [market: bigint, from: bigint];
  /** `name` as left-aligned bytes32. */
  ParameterOutOfRange: [name: bigint, value: bigint, min: bigint, max: bigint];
  /** Solidity's own: 0x11 is an underflow. */
  Panic: [code: bigint];
}

export type ErrorName = keyof ErrorArguments;

/** A rule of the engine was broken; carries the values that were compared. */
export class EngineError extends Error {
  readonly error: ErrorName;
  readonly values: readonly bigint[];

  constructor(error: ErrorName, values: readonly bigint[]) {
    super(`${error}(${values.join(", ")})`);
    this.name = "EngineError";
    this.error = error;
    this.values = values;
  }
}

/** Throws the error unless `condition` holds. */
export function ensure<N extends ErrorName>(
  condition: boolean,
  error: N,
  ...values: ErrorArguments[N]
): asserts condition {
  if (!condition) throw new EngineError(error, values);
}
