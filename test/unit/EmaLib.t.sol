// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {EmaLib} from "../../contracts/libraries/EmaLib.sol";
import {BaseTest} from "../helpers/Base.t.sol";

contract EmaLibTest is BaseTest {
    uint256 private constant SHORT = 600; // {s}
    uint256 private constant SLOW = 3600; // {s}
    uint64 private constant MAX = (1 << 62) - 1;

    /// @dev True values, in brackets, to four decimals: the result is rounded toward `held` by less than one unit.
    function test_Decay_MatchesKnownValues() public pure {
        _checkDecay(2e11, 1e11, 1, SHORT, 199884542173); // (199884542173.8030)
        _checkDecay(2e11, 1e11, 60, SHORT, 193303299153); // (193303299153.6807)
        _checkDecay(1e11, 2e11, 599, SHORT, 149942204358); // (149942204357.3088)
        _checkDecay(1e11, 2e11, 601, SHORT, 150057728914); // (150057728913.0985)
        _checkDecay(2e11, 1e11, 7, SLOW, 199865312167); // (199865312167.1466)
        _checkDecay(MAX, 1, 1234, SLOW, 3636414143197845481); // (3636414143197845481.5969)
        _checkDecay(1, MAX, 3599, SLOW, 2305398997419673455); // (2305398997419673454.2730)
        _checkDecay(1e11, 2e11, 86_400, SLOW, 199999994040); // (199999994039.5355)
    }

    function test_Weight_MatchesKnownValues() public pure {
        // True values rounded down; each result is at most 24 units of 2^-128 below.
        assertEq(EmaLib.weight(0), 1 << 128);
        assertEq(EmaLib.weight(3600), 1 << 127);
        assertEq(EmaLib.weight(128 * 3600), 1);
        assertEq(EmaLib.weight(129 * 3600), 0);
        assertEq(EmaLib.weight(type(uint256).max), 0);
        assertEq(EmaLib.weight(1), 340216854960443585506143627629073615751);
        _checkWeight(2730, 201167752988359236153159862549342219700);
        _checkWeight(3599, 170173945748189250781992837415047710374);
        _checkWeight(4095, 154674180933600585359716112265243616409);
        _checkWeight(5000, 129939810416457072290356236280969134537);
    }

    function test_Decay_HalvesTheDistanceInAHalfLife() public pure {
        _checkDecay(2000e8, 1000e8, SHORT, SHORT, 1500e8);
        _checkDecay(2000e8, 1000e8, 2 * SHORT, SHORT, 1250e8);
        _checkDecay(1000e8, 2000e8, SLOW, SLOW, 1500e8);
        _checkDecay(1000e8, 2000e8, 3 * SLOW, SLOW, 1875e8);
    }

    function testFuzz_Decay_StaysBetweenAndGrowsCloser(
        uint64 ema,
        uint64 held,
        uint32 elapsed,
        bool short
    ) public pure {
        ema = uint64(bound(ema, 1, MAX));
        held = uint64(bound(held, 1, MAX));
        elapsed = uint32(bound(elapsed, 0, 1 days));
        uint256 halfLife = short ? SHORT : SLOW;

        uint256 before = _distance(EmaLib.decay(ema, held, elapsed, halfLife), held);
        uint256 later = _distance(EmaLib.decay(ema, held, uint256(elapsed) + 1, halfLife), held);

        assertLe(before, _distance(ema, held));
        assertLe(later, before);
        uint64 result = EmaLib.decay(ema, held, elapsed, halfLife);
        assertTrue(ema >= held ? result >= held : result <= held, "other side");
    }

    function testFuzz_Decay_SplitsWithinTwoUnits(
        uint64 ema,
        uint64 held,
        uint32 first,
        uint32 second,
        bool short
    ) public pure {
        ema = uint64(bound(ema, 1, MAX));
        held = uint64(bound(held, 1, MAX));
        first = uint32(bound(first, 0, 1 days));
        second = uint32(bound(second, 0, 1 days));
        uint256 halfLife = short ? SHORT : SLOW;

        uint256 once = _distance(EmaLib.decay(ema, held, uint256(first) + second, halfLife), held);
        uint64 middle = EmaLib.decay(ema, held, first, halfLife);
        uint256 twice = _distance(EmaLib.decay(middle, held, second, halfLife), held);

        assertApproxEqAbs(twice, once, 2);
    }

    function test_Decay_ReachesThePriceThatStays() public pure {
        assertEq(EmaLib.decay(MAX, 1, 63 * SHORT, SHORT), 1);
        assertEq(EmaLib.decay(1, MAX, 63 * SHORT, SHORT), MAX);
        assertEq(EmaLib.decay(1, MAX, type(uint32).max, SHORT), MAX);
    }

    function _checkDecay(uint64 ema, uint64 held, uint256 elapsed, uint256 halfLife, uint64 expected) private pure {
        assertEq(EmaLib.decay(ema, held, elapsed, halfLife), expected);
    }

    function _checkWeight(uint256 ticks, uint256 expected) private pure {
        uint256 weight = EmaLib.weight(ticks);
        assertLe(weight, expected);
        assertLe(expected - weight, 24);
    }

    function _distance(uint64 a, uint64 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }
}
