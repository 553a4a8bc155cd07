/** The intervention level of a market and what it remembers for it: twin of contracts/RiskEngine.sol, eq. (37) to (40). Pure. */
import { abs, max, min, mulDivCeil } from "./math.ts";
import { PriceState } from "./types.ts";
import { BPS } from "./units.ts";
import { observe, power, type VolatilityHistory, variance } from "./volatility.ts";

/** From which annualised volatility {bps} a market is at which level, ascending, and what an unknown one starts from. */
export interface VolatilityLimits {
  readonly level1: bigint;
  readonly level2: bigint;
  readonly level3: bigint;
  readonly level4: bigint;
  readonly initial: bigint;
}

/** What the margin engine knows of a market when it syncs it. */
export interface RiskExposure {
  readonly price: bigint; // {u/lot}
  readonly state: PriceState;
  readonly openInterest: bigint; // {lot} in effect
  readonly capacity: bigint; // {lot} most open interest at level 0
  readonly longs: bigint; // {lot} of others than the pool
  readonly shorts: bigint; // {lot} of others than the pool
  readonly fundingRate: bigint; // {1e-9 per 8 h} positive: longs pay
  readonly beyondMargin: bigint; // {u} open interest at the price times what the shock takes beyond maintenance margin
  readonly freeStake: bigint; // {u} of both pools
}

/** What a market's last observation left. */
export interface Risk {
  readonly level: bigint; // 0 to 4
  readonly wanted: bigint;
  readonly crowd: bigint; // 1: longs are crowded, -1: shorts are, 0: neither
  readonly updatedAt: bigint; // {s} 0: never
  readonly calmSince: bigint; // {s} 0: some input is not calm
  readonly use: bigint; // {bps} of half the capacity, at most SATURATED
  readonly coverage: bigint; // {bps} at most SATURATED
  readonly funding: bigint; // {2^-16 1e-9 per 8 h} average of a day
  readonly liability: bigint; // {u}
  readonly seen: bigint; // {u/lot} last good price, unless an observation has counted it: 0
  readonly history: VolatilityHistory | undefined;
}

/** What counts beside the market's own exposure. */
export interface Surroundings {
  readonly now: bigint; // {s}
  readonly otherLiabilities: bigint; // {u} of all other markets
  readonly isRaised: boolean; // a signal is in force
}

/** Never observed. */
export const NO_RISK: Risk = {
  ...{ level: 0n, wanted: 0n, crowd: 0n, updatedAt: 0n, calmSince: 0n },
  ...{ use: 0n, coverage: 0n, funding: 0n, liability: 0n, seen: 0n, history: undefined },
};

/** {bps} values of 16 bits end here. */
export const SATURATED = 65_535n;
/** At least, while the price is not good. */
export const BLIND = 3n;

const PERIOD = 60n; // {s} aligned: the first update of each observes
const LEVERED_BPS = 3_500n; // of open interest taken to be at full leverage
const CROWD_BPS = 6_000n; // of the traders' lots that make a side crowded
const CALM = 75n; // {%} of a limit below which a level is left
const MAX_LEVEL = 4n;
const MAX_USE_LEVEL = 3n;
const CROWDED_FROM = 2n; // level that funding asks for
const DWELL = 1_800n; // {s} at level 1, twice as long at each next
const FUNDING_BITS = 16n;
const FUNDING_MINUTES = 1_440n; // of one observation at most
/** {2^-128} 2^(-1 / 1440), down: a minute of a half-life of a day. */
const FUNDING_DECAY = 0xffe076317f69aa3a6734a1dc5fbd1e36n;
const MAX_LIABILITY = (1n << 88n) - 1n; // {u}
const MAX_STAKE = (1n << 128n) - 1n; // {u}

const USE_LIMITS = [10_000n, 17_500n, 25_000n, 35_000n]; // {bps} of half the capacity
const COVERAGE_LIMITS = [15_000n, 12_000n, 10_000n, 7_000n]; // {bps} of potential liabilities
const FUNDING_LIMITS = [500_000n, 1_000_000n, 1_500_000n, 2_500_000n]; // {1e-9 per 8 h}
const DIVERGENCE_LIMITS = [100n, 200n, 400n, 800n]; // {bps} of the curve's marginal price from the index
const DEPLETION_LIMITS = [4_000n, 6_000n, 8_000n, 9_500n]; // {bps} of the curve's depth

/** What an observation looks at. */
export const INPUTS = ["volatility", "use", "coverage", "divergence", "depletion", "funding"] as const;
export type RiskInput = (typeof INPUTS)[number];

/** From which values an input asks for level 1, 2, ...; coverage: below which. Volatility in {bps} a year. */
export function limitsOf(input: RiskInput, volatility: VolatilityLimits): readonly bigint[] {
  if (input === "volatility") return [volatility.level1, volatility.level2, volatility.level3, volatility.level4];
  if (input === "coverage") return COVERAGE_LIMITS;
  if (input === "funding") return FUNDING_LIMITS;
  // what trades alone push asks for no more than MAX_USE_LEVEL
  const limits = { use: USE_LIMITS, divergence: DIVERGENCE_LIMITS, depletion: DEPLETION_LIMITS }[input];
  return limits.slice(0, Number(MAX_USE_LEVEL));
}

/** The level that an input asks for by itself. @param value as observed: volatility as D18{1/year} variance, funding signed */
export function levelAskedBy(input: RiskInput, value: bigint, limits: readonly bigint[]): bigint {
  if (input === "coverage") return missed(value, 100n);
  const above = input === "volatility" ? limits.map((limit) => limit ** 2n * 10n ** 10n) : limits;
  return reached(abs(value), above, 1n, 1n);
}

/** One update, an observation when it is the first of an aligned minute, and the level in force. Without limits a market is at level 0. */
export function update(
  risk: Risk,
  limits: VolatilityLimits | undefined,
  exposure: RiskExposure,
  around: Surroundings,
): { risk: Risk; level: bigint } {
  if (limits === undefined) return { risk, level: 0n };
  const isSeen = exposure.state <= PriceState.WIDE;
  const isNew = around.now / PERIOD !== risk.updatedAt / PERIOD;
  const after = isSeen ? seen(risk, limits, exposure.price, around.now, isNew) : risk;
  const next = isNew ? moved(measured(after, exposure, around), limits, around) : after;
  return { risk: next, level: inForce(next, exposure.state) };
}

/** Another price of the minute of the last observation, for volatility alone, and the level in force. */
export function see(
  risk: Risk,
  limits: VolatilityLimits | undefined,
  { price, state }: Pick<RiskExposure, "price" | "state">,
  now: bigint,
): { risk: Risk; level: bigint } {
  if (limits === undefined) return { risk, level: 0n };
  const next = state <= PriceState.WIDE ? seen(risk, limits, price, now, false) : risk;
  return { risk: next, level: inForce(next, state) };
}

/** The level, and `BLIND` at least while nobody knows the price. */
const inForce = ({ level }: Risk, state: PriceState): bigint => (state <= PriceState.WIDE ? level : max(level, BLIND));

/** A market that has its settlement price costs nothing any more. */
export const closed = (risk: Risk): Risk => ({ ...risk, liability: 0n });

/** D18{1/year} as of the last observation. */
export const varianceOf = ({ history }: Risk): bigint => (history === undefined ? 0n : variance(history));

/** A good price goes into the volatility, after what the minute before ended with when that has not counted. */
function seen(risk: Risk, limits: VolatilityLimits, price: bigint, now: bigint, isNew: boolean): Risk {
  const initial = limits.initial ** 2n * 10n ** 10n; // D18{1/year}
  const minuteEnd = (risk.updatedAt / PERIOD + 1n) * PERIOD;
  const isOwed = isNew && risk.seen !== 0n;
  const before = isOwed ? observe(risk.history, risk.seen, minuteEnd, initial).history : risk.history;
  const { history, counted } = observe(before, price, now, initial);
  return { ...risk, seen: counted ? 0n : price, history };
}

function measured(risk: Risk, e: RiskExposure, { now, otherLiabilities }: Surroundings): Risk {
  const isFirst = risk.updatedAt === 0n;
  const minutes = isFirst ? FUNDING_MINUTES : min(now / PERIOD - risk.updatedAt / PERIOD, FUNDING_MINUTES);
  const rate = e.fundingRate << FUNDING_BITS;
  const gap = isFirst ? 0n : risk.funding - rate;
  const liability = min(MAX_LIABILITY, mulDivCeil(e.beyondMargin, LEVERED_BPS, BPS));
  const total = otherLiabilities + liability;
  return {
    ...risk,
    updatedAt: now,
    funding: rate + (gap * power(FUNDING_DECAY, minutes)) / (1n << 128n), // toward the rate, as `/` of both truncates
    use: useOf(e),
    liability,
    coverage: total === 0n ? SATURATED : min(SATURATED, (min(e.freeStake, MAX_STAKE) * BPS) / total),
    crowd: crowdOf(e),
  };
}

/** {bps} twice the open interest over the capacity, up. */
function useOf({ openInterest, capacity }: RiskExposure): bigint {
  if (capacity === 0n) return openInterest === 0n ? 0n : SATURATED;
  return min(SATURATED, mulDivCeil(openInterest, 2n * BPS, capacity));
}

function crowdOf({ longs, shorts }: RiskExposure): bigint {
  if (longs === shorts || max(longs, shorts) * BPS < (longs + shorts) * CROWD_BPS) return 0n;
  return longs > shorts ? 1n : -1n;
}

/** Up a step at once, further as far as the observation before wanted too; down a step after a dwell in calm. */
function moved(risk: Risk, limits: VolatilityLimits, { now, isRaised }: Surroundings): Risk {
  const from = risk.level;
  const wanted = wantedBy(risk, limits, isRaised, 100n);
  const isCalm = wanted < from && wantedBy(risk, limits, isRaised, CALM) < from;
  const isOver = isCalm && risk.calmSince !== 0n && now >= risk.calmSince + (DWELL << (from - 1n));
  const level = wanted > from ? min(wanted, max(risk.wanted, from + 1n)) : isOver ? from - 1n : from;
  const since = level !== from || risk.calmSince === 0n ? now : risk.calmSince;
  return { ...risk, level, wanted, calmSince: isCalm && level !== 0n ? since : 0n };
}

/** The level that the inputs ask for when every limit is `percent` of itself. */
function wantedBy(risk: Risk, limits: VolatilityLimits, isRaised: boolean, percent: bigint): bigint {
  const squares = [limits.level1, limits.level2, limits.level3, limits.level4].map((at) => at ** 2n * 10n ** 10n);
  const volatility = reached(varianceOf(risk), squares, percent ** 2n, 100n ** 2n);
  const coverage = missed(risk.coverage, percent);
  const use = useLevel(risk, percent);
  const most = max(max(volatility, coverage), use);
  const added = (isCrowded(risk, percent) ? 1n : 0n) + (isRaised && most < BLIND ? 1n : 0n);
  return min(MAX_LEVEL, most + added);
}

const useLevel = ({ use }: Risk, percent: bigint): bigint =>
  min(MAX_USE_LEVEL, reached(use, USE_LIMITS, percent, 100n));

/** Whether funding and open interest agree that one side is crowded. */
function isCrowded(risk: Risk, percent: bigint): boolean {
  if (risk.crowd === 0n || risk.crowd > 0n !== risk.funding > 0n || useLevel(risk, percent) === 0n) return false;
  return reached(abs(risk.funding >> FUNDING_BITS), FUNDING_LIMITS, percent, 100n) >= CROWDED_FROM;
}

/** How many ascending limits, each times part / whole, a value has reached. */
const reached = (value: bigint, limits: readonly bigint[], part: bigint, whole: bigint): bigint =>
  BigInt(limits.filter((limit) => value * whole >= limit * part).length);

/** How many limits coverage is below when it counts as `percent` of itself. */
const missed = (coverage: bigint, percent: bigint): bigint =>
  coverage === SATURATED ? 0n : BigInt(COVERAGE_LIMITS.filter((limit) => coverage * percent < limit * 100n).length);
