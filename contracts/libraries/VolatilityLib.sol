// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @notice What a market remembers of its price. Three slots, none of them written more than once an observation.
struct History {
    // slot: 9 + 9 + 8 + 6 = 32
    uint72 fast; // D18{1/year} variance, half-life of 4 h
    uint72 slow; // D18{1/year} variance, half-life of 7 d
    uint64 price; // {u/lot} the reference: follows the price by one bounded step a minute; 0 before the first observation
    uint48 observedAt; // {s} start of the aligned minute of the last observation
    // slot: 8 + 8 + 4 + 6 = 26
    uint64 high; // {u/lot} of the current bucket
    uint64 low; // {u/lot} of the current bucket
    uint32 closed; // {2e-8} sum of the ring
    uint48 bucket; // time / 300 s of the current bucket
    // slot: 12 * 21 bits
    uint256 ring; // {2e-8} ln^2(high / low) of the 12 buckets before the current one, the latest lowest
}

/// @title VolatilityLib
/// @notice How much a price moves, from observations that anyone may make: docs/mechanism.md, "Volatility", eq. (32) to (36).
/// Annualised variances, D18: 1e18 is 100 % a year, 4e18 is 200 %.
///
/// STEPS. The reference follows the price by at most a factor of e^(5 % sqrt(minutes)) an observation, 20 % at most. One forged print
/// and back thus counts as two steps of 5 %, in both estimators; a move that stays is followed minute by minute until all of it counts.
///
/// WHO MAY OBSERVE. Anyone, as often as he likes. The first observation of an aligned minute enters the averages with the weight of the
/// minutes that have passed, so extra calls dilute nothing. Another one within the minute only widens the range of the current bucket, to
/// a price that is in force: it can raise the variance and never lower it.
///
/// ROUNDING. Up: too much volatility is the safe side. Logarithms from 0 to 2.1e-12 of themselves + 4e-18 above the true ones, closed
/// buckets to the next 2e-8. The averages are above the exact recursion by less than 1e-18 an observation, and never below it
/// by more than 2^-40 of 1e-18, the error of their powers.
///
/// KNOWN LIMITS. Between observations nothing is seen: somebody has to call every minute or so, else the range is that of few prints, a
/// step may be larger (20 % after 16 minutes) and what is further back than an hour has the weight of an hour. Nothing decays while
/// nobody observes. A price that is forged for k minutes moves the reference by k steps. A price that is stale looks calm: whoever reads
/// a variance judges the oracle's state as well.
///
/// RANGES. Prices in (0, 2^62). Then nothing reverts or overflows, whatever the time; beyond 2^48 s time stands still.
library VolatilityLib {
    uint256 internal constant MINUTE = 60; // {s} at most one observation in each
    uint256 internal constant MAX_MINUTES = 60; // that an observation stands for
    uint256 internal constant MAX_STEP_MINUTES = 16; // that widen a step: 5 % * sqrt(16) = 20 %
    uint256 internal constant BUCKET = 300; // {s}
    uint256 internal constant BUCKETS = 12; // closed ones, an hour
    uint256 internal constant ENTRY_BITS = 21;
    uint256 internal constant MAX_ENTRY = 2e6; // {2e-8} 0.04: a range of 20 %; below 2^21
    uint256 internal constant MINUTES_PER_YEAR = 365 * 1440;

    uint256 private constant WAD = 1e18;
    uint256 private constant ONE = 1 << 128;
    uint256 private constant FAST = 0xff42ff67637eb86cf931bf606df32c27; // floor(2^(128 - 1/240))
    uint256 private constant SLOW = 0xfffb7e5c70d99f767281c95ca823fda5; // floor(2^(128 - 1/10080))

    uint256 private constant MAX_Z = 0.1e18; // D18 tanh of half of the largest step
    uint256 private constant ENTRY = 2e28; // D36 2e-8
    /// @dev D18{1/year} of one unit of an entry: 8760 h * 2e-8 / (4 ln 2), up.
    uint256 private constant PER_ENTRY = 63_190_042_790_937;
    uint256 private constant RING_MASK = (1 << (BUCKETS * ENTRY_BITS)) - 1;
    uint256 private constant LANE = (1 << (2 * ENTRY_BITS)) - 1; // room for the sum of all entries
    /// @dev Every other entry of the ring: LANE's lower half in each of six lanes.
    uint256 private constant EVEN = (RING_MASK / LANE) * ((1 << ENTRY_BITS) - 1);

    /* OBSERVATIONS */

    /// @notice Takes in the price in force, as far as time has passed.
    /// @dev The first observation stores price and time and starts both averages at `initial`: a market must not begin as a calm one.
    /// The range has no such start; `fast` alone carries the first hours. A price of 0 is no price: nothing happens.
    /// @param price    {u/lot} below 2^62
    /// @param time     {s} now; if before the last observation, as if it were still then
    /// @param initial  D18{1/year} variance to start from, used by the first observation only
    /// @return counted a whole minute has passed: the averages have moved on
    function observe(
        History storage history,
        uint64 price,
        uint256 time,
        uint72 initial
    ) internal returns (bool counted) {
        if (price == 0) return false;
        if (time > type(uint48).max) time = type(uint48).max;
        (uint256 fast, uint256 slow) = (history.fast, history.slow);
        (uint64 last, uint256 observedAt) = (history.price, history.observedAt);
        if (last == 0) {
            (history.fast, history.slow, history.price) = (initial, initial, price);
            history.observedAt = uint48(time - (time % MINUTE)); // minutes are the clock's
            (history.high, history.low, history.bucket) = (price, price, uint48(time / BUCKET));
            return true;
        }

        unchecked {
            // Minutes and times are below 2^48; the averages below 2^72 stay there: neither factor nor what is added is larger.
            uint256 elapsed = time > observedAt ? (time - observedAt) / MINUTE : 0;
            (uint64 next, uint256 z) = step(last, price, elapsed == 0 ? 1 : elapsed);
            _widen(history, last, next, time / BUCKET);
            if (elapsed == 0) return false;

            uint256 n = elapsed < MAX_MINUTES ? elapsed : MAX_MINUTES;
            uint256 rate = _divUp(squaredLog(z) * MINUTES_PER_YEAR, n * WAD); // D18{1/year} = D36 * {1/year} / D18, up
            history.fast = uint72(_average(fast, rate, power(FAST, n)));
            history.slow = uint72(_average(slow, rate, power(SLOW, n)));
            history.price = next;
            history.observedAt = uint48(observedAt + elapsed * MINUTE);
            return true;
        }
    }

    /* VIEWS */

    /// @notice D18{1/year} the larger of `fast` and 0.64 of {parkinson}: sigma = max(fast one, 0.8 range one). As of the last observation.
    /// @dev Up. 0 before the first observation.
    function variance(History storage history) internal view returns (uint256) {
        uint256 fast = history.fast;
        unchecked {
            uint256 range = _divUp(parkinson(history) * 16, 25); // below 2^72
            return fast > range ? fast : range;
        }
    }

    /// @notice D18{1/year} variance by the ranges of the last 12 closed buckets and the current one, over one hour. Up.
    function parkinson(History storage history) internal view returns (uint256) {
        unchecked {
            return (history.closed + entry(history.high, history.low)) * PER_ENTRY; // 13 * 2^21 * 2^46
        }
    }

    /* MATHS */

    /// @notice Where the reference goes from `last` when the price is `price`, and how far that is.
    /// @dev A step is bounded by z <= 0.025 sqrt(minutes), that is by a factor (1 + z) / (1 - z) = e^(2 artanh z): 5.001 % of a log for one
    /// minute, 20.07 % for sixteen and more. Compared as squares, without a rounding; a bounded step ends rounded away from `last`.
    /// @param elapsed {min} at least 1
    /// @return next {u/lot} after `last`, up to `price`
    /// @return z    D18 |next - last| / (next + last), up; the bound itself, up, of a bounded step; at most 0.1
    function step(uint64 last, uint64 price, uint256 elapsed) internal pure returns (uint64 next, uint256 z) {
        if (price == last) return (price, 0);
        unchecked {
            uint256 n = elapsed < MAX_STEP_MINUTES ? elapsed : MAX_STEP_MINUTES;
            (uint256 high, uint256 low) = price > last ? (price, last) : (last, price);
            uint256 difference = high - low;
            uint256 sum = high + low; // below 2^63
            // z^2 <= 0.000625 n
            if (1600 * difference * difference <= n * sum * sum) return (price, _divUp(difference * WAD, sum));

            z = FixedPointMathLib.sqrt(0.000625e36 * n);
            if (z * z != 0.000625e36 * n) ++z;
            if (price > last) {
                high = _divUp(last * (WAD + z), WAD - z);
                next = high < price ? uint64(high) : price;
            } else {
                low = (last * (WAD - z)) / (WAD + z);
                next = low > price ? uint64(low) : price;
            }
        }
    }

    /// @notice D36 (2 artanh z)^2 = ln^2 of a ratio of prices, up.
    /// @dev 2 (z + z^3/3 + z^5/5 + z^7/7 + z^9 / 8.91): with z <= 0.1 the last term exceeds all that the series has left,
    /// z^9/9 + z^11/11 + .. < z^9 / (9 (1 - z^2)). Every quotient is rounded up or, cheaper, down and raised by one. So the logarithm is
    /// above the true one by at most 2.1e-12 of it (z = 0.1; 1.7e-16 at z = 0.025) + 4e-18.
    /// @param z D18 at most 0.1
    function squaredLog(uint256 z) internal pure returns (uint256) {
        if (z == 0) return 0;
        unchecked {
            uint256 square = (z * z) / WAD + 1; // D18
            uint256 series = 112_233_445_566_778_901; // 1 / 8.91
            series = (series * square) / WAD + 142_857_142_857_142_859; // 1 / 7
            series = (series * square) / WAD + 200_000_000_000_000_001; // 1 / 5
            series = (series * square) / WAD + 333_333_333_333_333_335; // 1 / 3
            series = (series * square) / WAD + 1_000_000_000_000_000_001;
            uint256 log = (2 * z * series) / WAD + 1; // D18 below 0.201
            return log * log;
        }
    }

    /// @notice {2e-8} ln^2(high / low), up, at most MAX_ENTRY: a range of 20 % is far above every level, and its twelfth of a slot full.
    function entry(uint64 high, uint64 low) internal pure returns (uint256) {
        if (high == low) return 0;
        unchecked {
            uint256 z = _divUp((uint256(high) - low) * WAD, uint256(high) + low);
            if (z >= MAX_Z) return MAX_ENTRY;
            uint256 units = _divUp(squaredLog(z), ENTRY);
            return units < MAX_ENTRY ? units : MAX_ENTRY;
        }
    }

    /// @notice {2^-128} base^n by squaring, each product rounded down: below the true power by less than 2^-120 of it for n <= 60.
    /// @param base {2^-128} below 2^128
    /// @param n    at least 1
    function power(uint256 base, uint256 n) internal pure returns (uint256 result) {
        unchecked {
            result = ONE;
            for (;;) {
                if (n & 1 != 0) result = (result * base) >> 128;
                n >>= 1;
                if (n == 0) return result;
                base = (base * base) >> 128;
            }
        }
    }

    /* INTERNALS */

    /// @dev Closes the current bucket when a later one has begun; those in between saw nothing and are zero. The range of a new bucket
    /// starts from the reference, so that a gap between buckets counts.
    function _widen(History storage history, uint64 last, uint64 next, uint256 number) private {
        unchecked {
            (uint64 high, uint64 low, uint256 bucket) = (history.high, history.low, history.bucket);
            if (number <= bucket) {
                if (next > high) history.high = next;
                else if (next < low) history.low = next;
                return;
            }
            // Shifts beyond the word give 0, which is what so old an entry is worth; the mask drops the part that sticks out.
            uint256 age = number - bucket;
            uint256 ring = history.ring;
            ring = ((ring << (age * ENTRY_BITS)) | (entry(high, low) << ((age - 1) * ENTRY_BITS))) & RING_MASK;
            history.ring = ring;
            // 2^42 = 1 modulo LANE, so the remainder is the sum of the six lanes, and that is below LANE.
            history.closed = uint32(((ring & EVEN) + ((ring >> ENTRY_BITS) & EVEN)) % LANE);
            (history.high, history.low) = next > last ? (next, last) : (last, next);
            history.bucket = uint48(number);
        }
    }

    /// @dev old * weight + rate * (1 - weight), up.
    function _average(uint256 old, uint256 rate, uint256 weight) private pure returns (uint256) {
        unchecked {
            return (old * weight + rate * (ONE - weight) + (ONE - 1)) >> 128; // 2^72 * 2^128
        }
    }

    function _divUp(uint256 x, uint256 d) private pure returns (uint256) {
        unchecked {
            return (x + d - 1) / d; // x is below 2^170 here, d below 2^66
        }
    }
}
