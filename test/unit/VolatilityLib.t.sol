// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {History, VolatilityLib} from "../../contracts/libraries/VolatilityLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract VolatilityLibTest is BaseTest {
    using VolatilityLib for History;

    uint64 private constant MAX = (1 << 62) - 1; // {u/lot}
    uint64 private constant PRICE = 2e11; // {u/lot}
    uint72 private constant INITIAL = 0.36e18; // 60 % a year
    uint256 private constant START = 1_700_000_100; // {s} starts a bucket
    uint256 private constant FAST_BASE = 0xff42ff67637eb86cf931bf606df32c27; // {2^-128} 2^(-1 / 240)
    uint256 private constant SLOW_BASE = 0xfffb7e5c70d99f767281c95ca823fda5; // {2^-128} 2^(-1 / 10080)
    uint256 private constant LARGEST_RATE = 1323e18; // D18{1/year} of a bounded step of 20 % in 16 minutes: 1322.9

    History private _history;
    History private _other;

    /* FIRST OBSERVATION */

    function test_Observe_StartsFromTheGivenVariance() public {
        assertEq(_history.variance(), 0, "nothing observed");
        assertTrue(_observe(PRICE, START));

        assertEq(_history.fast, INITIAL);
        assertEq(_history.slow, INITIAL);
        assertEq(_history.price, PRICE);
        assertEq(_history.observedAt, START);
        assertEq(_history.high, PRICE);
        assertEq(_history.low, PRICE);
        assertEq(_history.bucket, START / 300);
        assertEq(_history.parkinson(), 0);
        assertEq(_history.variance(), INITIAL);
    }

    function test_Observe_WithoutAPriceDoesNothing() public {
        assertFalse(_observe(0, START));
        assertEq(_history.observedAt, 0);

        _observe(PRICE, START);
        assertFalse(_observe(0, START + 3600));
        assertEq(_history.observedAt, START);
        assertEq(_history.price, PRICE);
    }

    /* AVERAGES */

    /// @dev One half-life at an unchanged price. Up, so a unit above the half for each of the observations at most.
    function test_Observe_HalvesInAHalfLife() public {
        _observe(PRICE, START);
        for (uint256 i = 1; i <= 4; ++i) _observe(PRICE, START + i * 1 hours);
        assertGe(_history.fast, 0.18e18);
        assertLe(_history.fast, 0.18e18 + 4);

        for (uint256 i = 5; i <= 7 * 24; ++i) _observe(PRICE, START + i * 1 hours);
        assertGe(_history.slow, 0.18e18);
        assertLe(_history.slow, 0.18e18 + 7 * 24);
    }

    /// @dev 1 % in a minute: ln^2(1.01) = 0.00009900904..., times 525,600 a year 52.0391; a 1 - 2^(-1/240) = 0.0028839 of it.
    function test_Observe_WeighsAStepByItsTime() public {
        _observe(PRICE, START);
        assertTrue(_observe((PRICE * 101) / 100, START + 60));

        // True values 509039983248454719.56 and 363553575652338201.80. A logarithm 4e-18 too high raises them by 120 and 3.
        assertGe(_history.fast, 509039983248454720);
        assertLe(_history.fast, 509039983248454720 + 120);
        assertGe(_history.slow, 363553575652338202);
        assertLe(_history.slow, 363553575652338202 + 3);
    }

    function test_Observe_CarriesTheRemainderOfAMinute() public {
        _observe(PRICE, START);
        assertTrue(_observe(PRICE, START + 119));
        assertEq(_history.observedAt, START + 60);
        assertFalse(_observe(PRICE, START + 119));
        assertTrue(_observe(PRICE, START + 120));
        assertEq(_history.observedAt, START + 120);
    }

    function test_Observe_GivesNoWeightBeyondAnHour() public {
        _start(_history);
        _start(_other);
        uint64 next = (PRICE * 103) / 100;
        _history.observe(next, START + 1 hours, 0);
        _other.observe(next, START + 365 days + 59, 0);

        assertEq(_history.fast, _other.fast);
        assertEq(_history.slow, _other.slow);
        assertEq(_other.observedAt, START + 365 days);
    }

    /* WHO MAY OBSERVE */

    /// @dev The weight is that of time: sixty calls decay by as much as one, but for their roundings, up by less than a unit each.
    function testFuzz_Observe_DilutesNothing(uint72 initial, uint8 calls) public {
        initial = uint72(bound(initial, 0, 4000e18));
        uint256 gaps = bound(calls, 1, 60);
        _history.observe(PRICE, START, initial);
        _other.observe(PRICE, START, initial);
        for (uint256 i = 1; i <= gaps; ++i) {
            _history.observe(PRICE, START + (i * 3600) / gaps, 0);
            _history.observe(PRICE, START + (i * 3600) / gaps + 1, 0);
        }
        _other.observe(PRICE, START + 3600, 0);

        assertEq(_history.observedAt, _other.observedAt);
        assertGe(uint256(_history.fast) + 1, _other.fast);
        assertGe(uint256(_history.slow) + 1, _other.slow);
        assertLe(_history.fast, uint256(_other.fast) + 60);
        assertLe(_history.slow, uint256(_other.slow) + 60);
    }

    /// @dev Not even with a price of his choosing: within the minute a call can only widen the range.
    function testFuzz_Observe_WithinTheMinuteNeverLowers(uint64 price, uint64 moved, uint16 wait, uint8 calls) public {
        price = _boundPrice(price);
        _history.observe(price, START, INITIAL);
        _history.observe(_near(price, moved), START + bound(wait, 60, 1200), INITIAL);
        History memory before = _history;
        uint256 variance = _history.variance();
        uint256 end =
            before.observedAt + 60 < (before.bucket + 1) * 300 ? before.observedAt + 59 : before.bucket * 300 + 299;

        for (uint256 i; i < calls % 8; ++i) {
            assertFalse(_history.observe(_near(price, uint64(uint256(keccak256(abi.encode(moved, i))))), end, 0));
            assertGe(_history.variance(), variance);
            variance = _history.variance();
        }

        assertEq(_history.fast, before.fast);
        assertEq(_history.slow, before.slow);
        assertEq(_history.price, before.price);
        assertEq(_history.observedAt, before.observedAt);
        assertEq(_history.ring, before.ring);
    }

    function test_Observe_TwiceInAMinuteChangesNothing() public {
        _observe(PRICE, START);
        _observe((PRICE * 102) / 100, START + 60);
        History memory before = _history;

        assertFalse(_observe((PRICE * 102) / 100, START + 119));
        assertFalse(_observe(PRICE, START + 119), "within the range");
        assertEq(keccak256(abi.encode(_history)), keccak256(abi.encode(before)));
    }

    function test_Observe_BackInTimeIsTheSameMinute() public {
        _observe(PRICE, START);
        assertFalse(_observe(PRICE + 1, START - 1000));
        assertEq(_history.observedAt, START);
        assertEq(_history.bucket, START / 300);
        assertEq(_history.high, PRICE + 1);
    }

    /* FORGED PRINTS */

    /// @dev 60 % before, ten times the price for a minute. v = 0.36 d + (1 - d) 1314.6 = 4.1500: 203.7 %; back, 7.9292: 281.6 %.
    function test_Observe_OneForgedPrintCountsForFivePercent() public {
        _observe(PRICE, START);
        _observe(10 * PRICE, START + 60);
        assertApproxEqAbs(_history.variance(), 5.0574e18, 0.0001e18, "224.9 % by the range");
        assertApproxEqAbs(_history.fast, 4.15005e18, 0.00001e18);
        assertApproxEqAbs(_history.price, (uint256(PRICE) * 1.05128205e9) / 1e9, 1e4); // 1.025 / 0.975

        _observe(PRICE, START + 120);
        assertEq(_history.price, PRICE);
        assertApproxEqAbs(_history.fast, 7.92916e18, 0.00001e18);
        assertEq(_history.variance(), _history.fast, "281.6 %");
    }

    /// @dev Across the end of a bucket the range counts it twice: 2 * 5.0574, 318 %.
    function test_Observe_OneForgedPrintAcrossBucketsCountsTwice() public {
        _observe(PRICE, START + 200);
        _observe(PRICE / 10, START + 260);
        _observe(PRICE, START + 320);
        assertApproxEqAbs(_history.variance(), 10.1147e18, 0.0001e18);
    }

    function test_Observe_FollowsAMoveThatStays() public {
        uint64 crashed = (PRICE * 70) / 100;
        _observe(PRICE, START);
        for (uint256 i = 1; i < 8; ++i) _observe(crashed, START + 60 * i);
        assertGt(_history.price, crashed, "ln(0.7) / 0.05001 = 7.1");
        _observe(crashed, START + 60 * 8);
        assertEq(_history.price, crashed);
        assertGt(_history.fast, 26e18); // seven steps of 3.79 and a rest
    }

    function test_Observe_AllowsTwentyPercentAfterSixteenMinutes() public {
        _start(_history);
        _start(_other);
        _history.observe(2 * PRICE, START + 16 * 60, 0);
        _other.observe(2 * PRICE, START + 60 * 60, 0);
        assertEq(_history.price, (PRICE * 11 - 1) / 9 + 1); // 1.1 / 0.9, up
        assertEq(_other.price, _history.price);
    }

    /* RANGES */

    function test_Parkinson_OfAKnownHour() public {
        _observe(PRICE, START);
        _observe((PRICE * 101) / 100, START + 60); // ln^2(1.01) = 0.0000990090: 4951 units
        assertEq(_history.parkinson(), 4951 * uint256(63_190_042_790_937));
        _observe((PRICE * 101) / 100, START + 300);
        assertEq(_history.closed, 4951);
        assertEq(_history.parkinson(), 4951 * uint256(63_190_042_790_937), "closing changes nothing");

        _observe((PRICE * 101) / 100, START + 12 * 300);
        assertEq(_history.closed, 4951, "the twelfth before");
        _observe((PRICE * 101) / 100, START + 13 * 300 - 1);
        assertEq(_history.closed, 4951);
        _observe((PRICE * 101) / 100, START + 13 * 300);
        assertEq(_history.closed, 0, "an hour old");
        assertEq(_history.ring, 0);
    }

    function test_Parkinson_CountsTheGapBetweenBuckets() public {
        _observe(PRICE, START);
        _observe((PRICE * 101) / 100, START + 7 * 300);
        assertEq(_history.high, (PRICE * 101) / 100);
        assertEq(_history.low, PRICE);
        assertEq(_history.closed, 0);
        assertEq(_history.parkinson(), 4951 * uint256(63_190_042_790_937));
    }

    function testFuzz_Parkinson_IsTheSumOfItsBuckets(uint256 seed) public {
        _observe(PRICE, START);
        uint256[] memory entries = new uint256[](60);
        uint256 number;
        uint256 time = START;
        for (uint256 i; i < 100; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            time += seed % 400;
            _observe(_near(PRICE, uint64(seed >> 64)), time);
            number = (time - START) / 300;
            if (number >= 60) break;
            entries[number] = VolatilityLib.entry(_history.high, _history.low);

            uint256 sum;
            for (uint256 k = number >= 12 ? number - 12 : 0; k < number; ++k) sum += entries[k];
            assertEq(_history.closed, sum);
            assertEq(_history.parkinson(), (sum + entries[number]) * 63_190_042_790_937);
        }
    }

    function test_Parkinson_SaturatesWithoutSpilling() public {
        uint64 price = MAX;
        _observe(price, START);
        for (uint256 i = 1; i <= 13; ++i) {
            price = price == 1 ? MAX : 1;
            for (uint256 k; k < 5; ++k) _observe(price, START + i * 300 + k * 60);
        }
        assertEq(_history.closed, 12 * 2e6);
        assertEq(VolatilityLib.entry(_history.high, _history.low), 2e6);
        for (uint256 i; i < 12; ++i) assertEq((_history.ring >> (21 * i)) & 0x1fffff, 2e6);
    }

    function test_Variance_IsTheLarger() public {
        _observe(PRICE, START);
        assertEq(_history.variance(), _history.fast);
        _observe((PRICE * 101) / 100, START + 60);
        _observe((PRICE * 102) / 100, START + 61); // only the range sees it
        uint256 range = (_history.parkinson() * 16 + 24) / 25;
        assertGt(range, _history.fast);
        assertEq(_history.variance(), range);
    }

    /* NOTHING REVERTS */

    function testFuzz_Observe_NeverRevertsAndStaysInRange(
        uint64[8] memory prices,
        uint256[8] memory times,
        uint72 initial,
        bool ordered
    ) public {
        uint256 time;
        for (uint256 i; i < 8; ++i) {
            time = ordered ? time + uint32(times[i]) / 1000 : times[i];
            uint64 price = _boundPrice(prices[i]);
            uint64 last = _history.price;
            _history.observe(price, time, initial);

            assertTrue(_history.price != 0, "started");
            if (last != 0) assertTrue(last < price ? _history.price <= price : _history.price >= price, "overshot");
            assertLe(_history.low, _history.high);
            assertLe(_history.fast, initial > LARGEST_RATE ? initial : LARGEST_RATE);
            assertLe(_history.slow, initial > LARGEST_RATE ? initial : LARGEST_RATE);
            assertLe(_history.closed, 12 * 2e6);
            assertGe(_history.variance(), _history.fast);
        }
    }

    function test_Observe_AtTheEdgesOfItsRange() public {
        _observe(1, 0);
        _observe(2, type(uint256).max);
        assertEq(_history.observedAt, (uint256(type(uint48).max) / 60) * 60);
        assertEq(_history.price, 2, "a unit is the smallest step");
        assertFalse(_observe(MAX, type(uint256).max), "time stands still");
        assertEq(_history.high, 3);

        _other.observe(MAX, START, type(uint72).max);
        _other.observe(1, START + 60, 0);
        assertGt(_other.price, 0.95e18);
        assertLt(_other.fast, type(uint72).max);
    }

    /* MATHS */

    function testFuzz_Step_StaysInItsBound(uint64 last, uint64 price, uint16 elapsed) public pure {
        last = _boundPrice(last);
        price = _boundPrice(price);
        uint256 n = bound(elapsed, 1, 100);
        (uint64 next, uint256 z) = VolatilityLib.step(last, price, n);

        assertTrue(last <= price ? last <= next && next <= price : price <= next && next <= last, "between");
        assertLe(z, 0.1e18);
        assertEq(z == 0, price == last);
        (uint64 further, uint256 zFurther) = VolatilityLib.step(last, price, n + 1);
        assertTrue(last <= price ? next <= further : further <= next, "more time, shorter step");
        assertLe(z, zFurther);
        // |next - last| <= z (next + last) + 1 {u/lot}, the rounding away
        uint256 distance = next > last ? next - last : last - next;
        assertLe(distance * 1e18, z * (uint256(next) + last) + 2e18);
    }

    function testFuzz_Step_IsMonotoneInThePrice(uint64 last, uint64 a, uint64 b, uint16 elapsed) public pure {
        last = _boundPrice(last);
        (a, b) = (_boundPrice(a), _boundPrice(b));
        if (a > b) (a, b) = (b, a);
        uint256 n = bound(elapsed, 1, 100);
        (uint64 low, ) = VolatilityLib.step(last, a, n);
        (uint64 high, ) = VolatilityLib.step(last, b, n);
        assertLe(low, high);
    }

    /// @dev True values, rounded up, in the comments; logarithms are at most 2.1e-12 of themselves + 4e-18 above.
    function test_SquaredLog_MatchesKnownValues() public pure {
        assertEq(VolatilityLib.squaredLog(0), 0);
        _checkLog(0.1e18, 200670695462151162); // 0.200670695462151161271
        _checkLog(0.025e18, 50010420574661375); // 0.050010420574661374318
        _checkLog(0.005e18, 10000083334583346); // 0.010000083334583345556
        _checkLog(1e9, 2e9);
        _checkLog(1, 2);
    }

    function testFuzz_SquaredLog_Grows(uint64 a, uint64 b) public pure {
        (uint256 low, uint256 high) = (bound(a, 0, 0.1e18), bound(b, 0, 0.1e18));
        if (low > high) (low, high) = (high, low);
        assertLe(VolatilityLib.squaredLog(low), VolatilityLib.squaredLog(high));
        assertGe(VolatilityLib.squaredLog(high), 4 * high * high);
    }

    function testFuzz_Entry_GrowsWithTheRange(uint64 a, uint64 b, uint64 c) public pure {
        (a, b, c) = (_boundPrice(a), _boundPrice(b), _boundPrice(c));
        if (a > b) (a, b) = (b, a);
        uint256 inner = VolatilityLib.entry(b, a);
        assertLe(inner, VolatilityLib.MAX_ENTRY);
        assertEq(inner == 0, a == b);
        if (c > b) assertGe(VolatilityLib.entry(c, a), inner);
        else if (c < a) assertGe(VolatilityLib.entry(b, c), inner);
    }

    /// @dev 2^(128 - n/240) and 2^(128 - n/10080), down; each result at most 2^-120 of itself below.
    function test_Power_MatchesKnownValues() public pure {
        _checkPower(FAST_BASE, 1, FAST_BASE);
        _checkPower(FAST_BASE, 2, 338322484705112005870740818749182171539);
        _checkPower(FAST_BASE, 31, 311140398696934864638357219814675907125);
        _checkPower(FAST_BASE, 59, 286969828196968485657416433140619581741);
        _checkPower(FAST_BASE, 60, 286142222517866327586855861304318312414);
        _checkPower(SLOW_BASE, 1, SLOW_BASE);
        _checkPower(SLOW_BASE, 2, 340235571376344441536125639364276216641);
        _checkPower(SLOW_BASE, 31, 339557758700517029137891688873574933280);
        _checkPower(SLOW_BASE, 59, 338904600192323543109723582896295072295);
        _checkPower(SLOW_BASE, 60, 338881296353879635874849006110372308551);
    }

    /* HELPERS */

    function _observe(uint64 price, uint256 time) private returns (bool) {
        return _history.observe(price, time, INITIAL);
    }

    function _start(History storage history) private {
        history.observe(PRICE, START, INITIAL);
    }

    function _boundPrice(uint64 price) private pure returns (uint64) {
        return uint64(bound(price, 1, MAX));
    }

    /// @dev Within a tenth, either way.
    function _near(uint64 price, uint64 seed) private pure returns (uint64) {
        uint256 near = (uint256(price) * (0.9e9 + (seed % 0.2e9))) / 1e9;
        if (near > MAX) return MAX;
        return near == 0 ? 1 : uint64(near);
    }

    function _checkLog(uint256 z, uint256 up) private pure {
        uint256 squared = VolatilityLib.squaredLog(z);
        assertGe(squared, (up - 1) * (up - 1));
        uint256 limit = up + up / 476_000_000_000 + 4;
        assertLe(squared, limit * limit);
    }

    function _checkPower(uint256 base, uint256 n, uint256 down) private pure {
        uint256 power = VolatilityLib.power(base, n);
        assertLe(power, down);
        assertLe(down - power, down >> 120);
    }
}
