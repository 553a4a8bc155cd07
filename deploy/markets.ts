/** Parameters the markets start with. Units and bounds: IMarginEngine.MarketParams, MarketRules and IOracle.FeedConfig. */

/** A type alias, not an interface: Ignition takes arguments with an index signature only. */
export type MarketParams = {
  readonly initialBps: number;
  readonly maintenanceBps: number;
  readonly rampNotional: bigint; // {USD}
  readonly bandBps: number;
  readonly minLots: number; // {lot}
  readonly takerFeePpm: number;
  readonly makerRebatePpm: number;
  readonly discountBps: number;
  readonly liquidatorShareBps: number;
  readonly takeoverReward: bigint; // {u}
};

export type MarketRules = {
  readonly shockBps: number;
  readonly stakeShareBps: number;
  readonly interestRate: number; // {1e-9 per 8 h}
  readonly skewFactor: number; // {1e-9 per 8 h}
  readonly fundingCap: number; // {1e-9 per 8 h}
  readonly premiumRate: number; // {1e-9 per 8 h}
  readonly bucketTarget: number; // {USD}
  readonly maintenanceTargetBps: number;
  readonly maintenanceFromBps: number;
  readonly rampStartedAt: number;
};

export type FeedParams = {
  readonly maxAge: number; // {s}
  readonly edgeBps: number;
  readonly jumpBps: number;
  readonly lotDecimals: number;
  readonly minAnswer: bigint;
  readonly maxAnswer: bigint;
  readonly sequencer: string; // uptime feed of the L2, or the zero address
};

/** {bps} annualised volatility from which a market is at a level: IRiskEngine.VolatilityLimits. */
export type VolatilityLimits = {
  readonly level1: number;
  readonly level2: number;
  readonly level3: number;
  readonly level4: number;
  readonly initial: number; // what a market without history starts from
};

export interface MarketConfig {
  readonly name: string;
  readonly inventoryCapBps: number | null; // {bps} of the pool's assets that its inventory may be worth; null: the engine's default, 3,500
  readonly volatility: VolatilityLimits | null; // null: the market has no levels
  readonly params: MarketParams;
  readonly rules: MarketRules;
  readonly feed: FeedParams;
}

const USD = 10n ** 12n; // {u}

/** The two fields the engine keeps itself are sent as zero. */
const kept = { maintenanceFromBps: 0, rampStartedAt: 0 };

export const ETH: MarketConfig = {
  name: "ETH",
  inventoryCapBps: null,
  volatility: { level1: 11_000, level2: 17_000, level3: 27_000, level4: 43_000, initial: 8_000 },
  params: {
    initialBps: 500, // 20x
    maintenanceBps: 310,
    rampNotional: 50_000_000n,
    bandBps: 500,
    minLots: 100, // 0.01 ETH
    takerFeePpm: 500, // 5 bps
    makerRebatePpm: 100, // 1 bp
    discountBps: 50,
    liquidatorShareBps: 5_000,
    takeoverReward: 5n * USD,
  },
  rules: {
    shockBps: 3_000,
    stakeShareBps: 10_000,
    interestRate: 100_000, // 1 bp per 8 h
    skewFactor: 1_000_000,
    fundingCap: 4_000_000, // 0.4 % per 8 h, 0.05 % per hour
    premiumRate: 25_000, // 0.25 bp per 8 h
    bucketTarget: 1_000_000,
    maintenanceTargetBps: 310,
    ...kept,
  },
  feed: {
    maxAge: 3_600,
    edgeBps: 25,
    jumpBps: 1_500,
    lotDecimals: 4,
    minAnswer: 10n ** 6n, // $0.01
    maxAnswer: 10n ** 14n, // $1,000,000
    sequencer: "0x0000000000000000000000000000000000000000",
  },
};

export const BTC: MarketConfig = {
  name: "BTC",
  inventoryCapBps: null,
  volatility: { level1: 9_000, level2: 14_000, level3: 22_000, level4: 35_000, initial: 6_000 },
  params: { ...ETH.params, minLots: 10 }, // 0.001 BTC
  rules: { ...ETH.rules, shockBps: 2_500 },
  feed: { ...ETH.feed, maxAnswer: 10n ** 16n },
};

/** A coin of thin liquidity: half the leverage, twice the shock, as little inventory as the engine allows. */
export const ALT: MarketConfig = {
  name: "ALT",
  inventoryCapBps: 500,
  volatility: { level1: 15_000, level2: 24_000, level3: 38_000, level4: 60_000, initial: 12_000 },
  params: { ...ETH.params, initialBps: 1_000, maintenanceBps: 620, rampNotional: 5_000_000n },
  rules: { ...ETH.rules, shockBps: 6_000, stakeShareBps: 2_000, maintenanceTargetBps: 620 },
  feed: { ...ETH.feed, edgeBps: 50, jumpBps: 3_000 },
};

/** Pyth's ids of the second source, the same on every chain. Source: https://docs.pyth.network/price-feeds/price-feeds */
export const PRICE_IDS = {
  ETH: "0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
  BTC: "0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43",
} as const;
