// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Signals} from "./base/Signals.sol";
import {Exposure, IRiskEngine, RiskInput, RiskReport, VolatilityLimits} from "./interfaces/IRiskEngine.sol";
import {PriceState} from "./interfaces/IOracle.sol";
import {MathLib} from "./libraries/MathLib.sol";
import {History, VolatilityLib} from "./libraries/VolatilityLib.sol";

/// @title RiskEngine
/// @notice The intervention level of each market, 0 to 4, from what the chain can see: docs/mechanism.md, "Levels".
///
/// INPUTS. Volatility of the index; open interest against what the free stake can carry; free stake against the potential liabilities
/// of all markets; how far the AMM's curve is from the index and how much of its depth has gone; the funding of a day. The largest level
/// that one of the first five asks for counts; use, distance and depth ask for 3 at most. One more when
/// funding and open interest agree that a side is crowded, one more while a signal is in force below level 3. At most 4.
///
/// WAYS. Up one step at once, more when the observation before asked for it too. Down one step when every input has been below 75 % of
/// what the level takes for the level's dwell, so a market that nobody observes stays where it is. Every input that somebody can push
/// can only be pushed up: that costs others margin and fees, and pays nobody.
///
/// OBSERVATIONS. The margin engine makes them, at the first sync of each minute; anyone may sync. Later prices of the minute widen the
/// range of volatility, and the last one counts in its averages.
///
/// ROLES. Governance, through the access manager: {setVolatilityLimits}, reporters and models of {Signals}. Nobody sets a level.
///
/// LIVENESS. {update} is part of every liquidation. It calls nobody, has no loop that grows, and no exposure makes it revert.
///
/// KNOWN LIMITS. Potential liabilities are as of each market's last observation. A feed whose price nobody syncs looks calm.
contract RiskEngine is IRiskEngine, Signals {
    using VolatilityLib for History;

    /// @dev What a market's last observation left. Two slots.
    struct State {
        uint8 level;
        uint8 wanted;
        int8 crowd; // 1: longs are at least CROWD_BPS of the traders' lots; -1: shorts are; 0: neither
        uint32 updatedAt; // {s}
        uint32 calmSince; // {s} 0: some input is not calm
        uint16 use; // {bps} saturated
        uint16 coverage; // {bps} saturated
        int48 funding; // {2^-16 1e-9 per 8 h} average of a day
        uint88 liability; // {u}
        // 32 bytes
        uint16 divergence; // {bps}
        uint16 depletion; // {bps}
        uint64 seen; // {u/lot} last good price, unless an observation has counted it: 0
        // 12 bytes
    }

    uint256 public constant PERIOD = 60; // {s} aligned: the first update of each observes
    uint256 public constant LEVERED_BPS = 3500; // {bps} of open interest taken to be at full leverage
    uint256 public constant CROWD_BPS = 6000; // {bps} of the traders' lots that make a side crowded
    uint8 public constant BLIND = 3; // at least, while the price is not good
    uint256 public constant CALM = 75; // {%} of a limit below which a level is left

    uint8 private constant MAX_LEVEL = 4;
    uint8 private constant MAX_PUSHED_LEVEL = 3; // of what trades alone push: the market they could mend stays open
    uint256 private constant BPS = 10_000;
    uint256 private constant SATURATED = type(uint16).max; // {bps}
    uint256 private constant FUNDING_BITS = 16;
    uint256 private constant FUNDING_MINUTES = 1440; // of one observation at most
    uint256 private constant FUNDING_DECAY = 0xffe076317f69aa3a6734a1dc5fbd1e36; // floor(2^(128 - 1/1440)): half-life of a day

    /// @inheritdoc IRiskEngine
    address public immutable engine;
    /// @inheritdoc IRiskEngine
    uint256 public liabilities; // {u}
    mapping(uint8 market => State) private states;
    mapping(uint8 market => VolatilityLimits) private limits;
    mapping(uint8 market => History) private histories;

    modifier onlyEngine() {
        require(msg.sender == engine, NotEngine(msg.sender));
        _;
    }

    constructor(address engine_, address accessManager) AccessManaged(accessManager) {
        require(engine_ != address(0), ZeroAddress());
        engine = engine_;
    }

    /* ENGINE */

    /// @inheritdoc IRiskEngine
    function update(uint8 market, Exposure calldata exposure) external onlyEngine returns (uint8) {
        if (limits[market].level1 == 0) return 0;

        State memory s = states[market];
        bool isNew = block.timestamp / PERIOD != s.updatedAt / PERIOD;
        if (exposure.state <= PriceState.WIDE) _see(market, s, exposure.price, isNew);
        if (isNew) _observe(market, s, exposure);
        states[market] = s;
        return _inForce(s, exposure.state);
    }

    /// @inheritdoc IRiskEngine
    function see(uint8 market, uint64 price, PriceState state) external onlyEngine returns (uint8) {
        if (limits[market].level1 == 0) return 0;

        State memory s = states[market];
        if (state <= PriceState.WIDE) {
            _see(market, s, price, false);
            states[market] = s;
        }
        return _inForce(s, state);
    }

    /// @inheritdoc IRiskEngine
    function close(uint8 market) external onlyEngine {
        liabilities -= states[market].liability;
        states[market].liability = 0;
    }

    /* GOVERNANCE */

    /// @inheritdoc IRiskEngine
    function setVolatilityLimits(uint8 market, VolatilityLimits calldata next) external restricted {
        _requireAbove(next.level1, 0);
        _requireAbove(next.level2, next.level1);
        _requireAbove(next.level3, next.level2);
        _requireAbove(next.level4, next.level3);
        _requireAbove(next.initial, 0);

        limits[market] = next;
        emit VolatilityLimitsSet(market, next);
    }

    /* VIEWS */

    /// @inheritdoc IRiskEngine
    function level(uint8 market) external view returns (uint8) {
        return states[market].level;
    }

    /// @inheritdoc IRiskEngine
    function volatilityLimits(uint8 market) external view returns (VolatilityLimits memory) {
        return limits[market];
    }

    /// @inheritdoc IRiskEngine
    function variances(
        uint8 market
    ) external view returns (uint256 variance, uint256 fast, uint256 slow, uint256 parkinson) {
        History storage h = histories[market];
        return (h.variance(), h.fast, h.slow, h.parkinson());
    }

    /// @inheritdoc IRiskEngine
    function report(uint8 market) external view returns (RiskReport memory r) {
        State memory s = states[market];
        (r.level, r.wanted, r.updatedAt, r.calmSince) = (s.level, s.wanted, s.updatedAt, s.calmSince);
        if (s.calmSince != 0) r.fallsAt = s.calmSince + _dwell(s.level);
        (r.isCrowded, r.isRaised) = (_isCrowded(s, 100), _raises(market));

        uint256[4] memory variance = _varianceLimits(market);
        r.volatility = _input(histories[market].variance(), variance, MAX_LEVEL, s.level, CALM * CALM, 100 * 100);
        r.use = _input(s.use, _useLimits(), MAX_PUSHED_LEVEL, s.level, CALM, 100);
        r.divergence = _input(s.divergence, _divergenceLimits(), MAX_PUSHED_LEVEL, s.level, CALM, 100);
        r.depletion = _input(s.depletion, _depletionLimits(), MAX_PUSHED_LEVEL, s.level, CALM, 100);
        uint256 funding = MathLib.abs(s.funding >> FUNDING_BITS);
        r.funding = _input(funding, _fundingLimits(), MAX_LEVEL, s.level, CALM, 100);
        uint256[4] memory coverage = _coverageLimits();
        r.coverage.value = s.coverage;
        r.coverage.level = _levelBelow(s.coverage, coverage, 100);
        if (r.coverage.level < MAX_LEVEL) r.coverage.upAt = coverage[r.coverage.level];
        if (s.level != 0) r.coverage.calmAt = MathLib.mulDivUp(coverage[s.level - 1], 100, CALM);
    }

    /* INTERNAL: OBSERVATION */

    /// @dev The price goes into volatility and into the score of signals. What a minute ended with counts as the next one begins, when it
    /// has not counted: nobody hides a price by being the first of its minute.
    function _see(uint8 market, State memory s, uint64 price, bool isNew) private {
        uint256 initial = limits[market].initial;
        initial *= initial * 1e10; // {D18/year} = {bps}^2 1e18 / BPS^2: below 2^72 for 16 bits of bps
        History storage history = histories[market];
        if (isNew && s.seen != 0) history.observe(s.seen, (s.updatedAt / PERIOD + 1) * PERIOD, uint72(initial));
        bool isCounted = history.observe(price, block.timestamp, uint72(initial));
        s.seen = isCounted ? 0 : price;
        _observeSignals(market, price, block.timestamp);
    }

    /// @dev Takes in the exposure, finds what level it asks for and moves the level. Writes `s`, not its slot.
    function _observe(uint8 market, State memory s, Exposure calldata e) private {
        _measure(s, e);
        uint256 variance = histories[market].variance();
        uint8 wanted = _wanted(market, s, variance, 100);
        bool isCalm = s.level != 0 && wanted < s.level && _wanted(market, s, variance, CALM) < s.level;
        uint8 from = s.level;
        if (wanted > from) {
            uint8 next = s.wanted > from ? s.wanted : from + 1; // more than a step when it was wanted before
            s.level = next < wanted ? next : wanted;
        } else if (isCalm && s.calmSince != 0 && block.timestamp >= s.calmSince + _dwell(from)) {
            s.level = from - 1;
        }
        bool isMoved = s.level != from;
        if (isMoved) emit LevelSet(market, from, s.level);
        if (!isCalm || s.level == 0) s.calmSince = 0;
        else if (isMoved || s.calmSince == 0) s.calmSince = uint32(block.timestamp);
        s.wanted = wanted;
        emit Observed(
            market,
            variance,
            s.use,
            s.coverage,
            s.divergence,
            s.depletion,
            s.funding >> FUNDING_BITS,
            wanted,
            s.level
        );
    }

    /// @dev Use, coverage, funding and crowd as the exposure has them. Saturating: nothing here reverts.
    function _measure(State memory s, Exposure calldata e) private {
        uint256 elapsed = s.updatedAt == 0 ? FUNDING_MINUTES : block.timestamp / PERIOD - s.updatedAt / PERIOD;
        uint256 weight = VolatilityLib.power(FUNDING_DECAY, MathLib.min(elapsed, FUNDING_MINUTES));
        int256 rate = e.fundingRate * int256(1 << FUNDING_BITS);
        int256 old = s.updatedAt == 0 ? rate : int256(s.funding);
        s.funding = int48(rate + ((old - rate) * int256(weight)) / (1 << 128)); // toward the rate, below 2^43
        s.updatedAt = uint32(block.timestamp);

        // {bps} twice the open interest over the capacity, up: all of it is 20,000
        uint256 use = e.openInterest == 0 ? 0 : SATURATED;
        if (e.capacity != 0) use = MathLib.mulDivUp(e.openInterest, 2 * BPS, e.capacity);
        s.use = uint16(MathLib.min(use, SATURATED));

        uint256 liability = MathLib.mulDivUp(e.beyondMargin, LEVERED_BPS, BPS);
        liability = MathLib.min(liability, type(uint88).max);
        uint256 total = liabilities - s.liability + liability;
        (liabilities, s.liability) = (total, uint88(liability));
        uint256 coverage = total == 0 ? SATURATED : (MathLib.min(e.freeStake, type(uint128).max) * BPS) / total;
        s.coverage = uint16(MathLib.min(coverage, SATURATED));

        (s.divergence, s.depletion) = (e.divergence, e.depletion);

        uint256 most = (e.longs + e.shorts) * CROWD_BPS; // lots are below 2^57
        s.crowd = 0;
        if (e.longs * BPS >= most && e.longs > e.shorts) s.crowd = 1;
        if (e.shorts * BPS >= most && e.shorts > e.longs) s.crowd = -1;
    }

    /* INTERNAL: LEVELS */

    /// @dev The level, and BLIND at least while nobody knows the price.
    function _inForce(State memory s, PriceState state) private pure returns (uint8) {
        return state <= PriceState.WIDE || s.level > BLIND ? s.level : BLIND;
    }

    /// @dev The level that the inputs ask for when every limit is `percent` of itself.
    function _wanted(
        uint8 market,
        State memory s,
        uint256 variance,
        uint256 percent
    ) private view returns (uint8 wanted) {
        wanted = _levelOf(variance, _varianceLimits(market), percent * percent, 100 * 100);
        uint8 other = _levelBelow(s.coverage, _coverageLimits(), percent);
        if (other > wanted) wanted = other;
        other = _useLevel(s, percent);
        if (other > wanted) wanted = other;
        other = _pushedLevel(s.divergence, _divergenceLimits(), percent);
        if (other > wanted) wanted = other;
        other = _pushedLevel(s.depletion, _depletionLimits(), percent);
        if (other > wanted) wanted = other;

        bool isRaised = wanted < BLIND && _raises(market);
        if (_isCrowded(s, percent)) ++wanted;
        if (isRaised) ++wanted;
        if (wanted > MAX_LEVEL) wanted = MAX_LEVEL;
    }

    /// @dev Whether funding and open interest agree that one side is crowded.
    function _isCrowded(State memory s, uint256 percent) private pure returns (bool) {
        if (s.crowd == 0 || (s.crowd > 0) != (s.funding > 0) || _useLevel(s, percent) == 0) return false;
        return _levelOf(MathLib.abs(s.funding >> FUNDING_BITS), _fundingLimits(), percent, 100) >= 2;
    }

    function _useLevel(State memory s, uint256 percent) private pure returns (uint8) {
        return _pushedLevel(s.use, _useLimits(), percent);
    }

    function _pushedLevel(uint256 value, uint256[4] memory above, uint256 percent) private pure returns (uint8 found) {
        found = _levelOf(value, above, percent, 100);
        return found < MAX_PUSHED_LEVEL ? found : MAX_PUSHED_LEVEL;
    }

    /// @dev How many limits, each times part / whole, a value has reached.
    function _levelOf(
        uint256 value,
        uint256[4] memory above,
        uint256 part,
        uint256 whole
    ) private pure returns (uint8 found) {
        while (found < MAX_LEVEL && value * whole >= above[found] * part) ++found;
    }

    /// @dev How many limits a value is below, when it counts as `percent` of itself.
    function _levelBelow(uint256 value, uint256[4] memory below, uint256 percent) private pure returns (uint8 found) {
        if (value == SATURATED) return 0;
        while (found < MAX_LEVEL && value * percent < below[found] * 100) ++found;
    }

    /// @dev D18{1/year} squares of the limits
    function _varianceLimits(uint8 market) private view returns (uint256[4] memory above) {
        VolatilityLimits memory at = limits[market];
        above = [uint256(at.level1), at.level2, at.level3, at.level4];
        for (uint256 i; i < 4; ++i) above[i] *= above[i] * 1e10;
    }

    /// @dev {bps} of capacity, twice
    function _useLimits() private pure returns (uint256[4] memory) {
        return [uint256(10_000), 17_500, 25_000, 35_000];
    }

    /// @dev {bps} of potential liabilities
    function _coverageLimits() private pure returns (uint256[4] memory) {
        return [uint256(15_000), 12_000, 10_000, 7_000];
    }

    /// @dev {bps} of the curve's marginal price from the index
    function _divergenceLimits() private pure returns (uint256[4] memory) {
        return [uint256(100), 200, 400, 800];
    }

    /// @dev {bps} of the curve's depth
    function _depletionLimits() private pure returns (uint256[4] memory) {
        return [uint256(4000), 6000, 8000, 9500];
    }

    /// @dev {1e-9 per 8 h} 5, 10, 15 and 25 bp
    function _fundingLimits() private pure returns (uint256[4] memory) {
        return [uint256(500_000), 1_000_000, 1_500_000, 2_500_000];
    }

    /// @dev {s} for which a level's inputs must have been calm
    function _dwell(uint8 at) private pure returns (uint32) {
        return at == 0 ? 0 : uint32(30 minutes) << (at - 1); // 30 min, 1 h, 2 h, 4 h
    }

    /// @param most largest level it asks for
    /// @param at   the level in force
    /// @param part of `whole` of a limit, below which a value is calm
    function _input(
        uint256 value,
        uint256[4] memory above,
        uint8 most,
        uint8 at,
        uint256 part,
        uint256 whole
    ) private pure returns (RiskInput memory i) {
        i.value = value;
        i.level = _levelOf(value, above, 1, 1);
        if (i.level > most) i.level = most;
        i.upAt = i.level == most ? type(uint256).max : above[i.level];
        if (at != 0) i.calmAt = at > most ? type(uint256).max : MathLib.mulDivUp(above[at - 1], part, whole);
    }

    function _requireAbove(uint256 next, uint256 limit) private pure {
        require(next > limit, LimitsNotAscending(limit, next));
    }
}
