// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Signal} from "../../contracts/interfaces/ISignals.sol";
import {SignalsTest} from "../helpers/SignalsTest.sol";

/// @notice How long and how often signals may be in force: a fifth of 30 days and 12 times in them, whoever asks for what.
contract SignalsBudgetTest is SignalsTest {
    uint256 private constant STEPS = 120;

    /* ACTIVATIONS */

    function test_Activations_AFifthOneIsOnlyScored() public {
        for (uint256 i = 1; i <= 4; ++i) {
            _submit(3_000, 60);
            assertTrue(signals.raises(MARKET));
            assertEq(_state().activationsLeft, 4 - i, "activations left");
            skip(4 hours);
        }

        _submit(3_000, 60);
        assertFalse(signals.raises(MARKET), "fifth");
        assertEq(_state().open, 1, "it is scored all the same");
    }

    function test_Activations_OneComesBackIn3Days18Hours() public {
        for (uint256 i; i < 4; ++i) {
            _submit(3_000, 1);
            skip(1); // over
        }

        skip(3 days + 18 hours - 4 - 1);
        _submit(3_000, 1);
        assertFalse(signals.raises(MARKET), "a second too early");
        skip(1);
        _submit(3_000, 1);
        assertTrue(signals.raises(MARKET));
    }

    function test_Activations_AContinuationIsNone() public {
        _submit(3_000);
        skip(6 hours - 1);

        _expectArmed(2, START + 6 hours, START + 12 hours - 1);
        _submit(3_000);
        assertEq(_state().activationsLeft, 3, "continued");

        vm.warp(START + 12 hours - 1);
        _expectArmed(3, START + 12 hours - 1, START + 18 hours - 1);
        _submit(3_000);
        assertEq(_state().activationsLeft, 2, "begun at the very end of the one before");
    }

    /* SECONDS */

    function test_Seconds_AContinuationPaysForTheTimeItAdds() public {
        _submit(3_000);
        assertEq(_state().secondsLeft, 18 hours, "six hours");

        skip(1 hours);
        _submit(3_000);
        assertEq(_state().secondsLeft, 17 hours + 10 minutes, "one more, and a sixth of an hour came back");
        assertEq(_state().until, START + 7 hours, "until");

        Signal memory shorter = _signal(3_000);
        shorter.expiry = uint32(START + 7 hours);
        _expectAccepted(shorter);
        _submit(shorter);
        assertEq(_state().secondsLeft, 17 hours + 10 minutes, "none");
        assertEq(_state().until, START + 7 hours, "until");
    }

    function test_Seconds_ASignalIsCutToWhatIsLeft() public {
        for (uint256 i; i < 4; ++i) {
            _submit(3_000);
            skip(6 hours - 1); // continued in the last second of each
        }
        // {s/6} 6 * (24 h - (24 h - 3)) and one for each of the 24 h - 4 since: four hours, two seconds and two sixths
        assertEq(_state().secondsLeft, 4 hours + 2, "seconds left");

        _expectArmed(5, START + 24 hours - 3, START + 28 hours - 1);
        _submit(3_000);
        assertEq(_state().secondsLeft, 0, "seconds left");
        skip(3); // five sixths are not a second
        _submit(3_000);
        assertEq(_state().until, START + 28 hours - 1, "nothing is left to add");
        skip(1);
        _submit(3_000);
        assertEq(_state().until, START + 28 hours, "a second is");
    }

    function test_Seconds_OneStretchIsAtMost28Hours48Minutes() public {
        uint256 until;
        for (uint256 i; i < 9; ++i) {
            _submit(3_000);
            until = _state().until;
            vm.warp(until - 1);
        }

        // a day and what comes back until its end: t = 24 h + t / 6
        assertApproxEqAbs(until - START, 28 hours + 48 minutes, 30, "in force at a stretch");
        assertLe(until - START, 28 hours + 48 minutes, "in force at a stretch");
        skip(1);
        assertFalse(signals.raises(MARKET), "until the budget was spent");
        assertEq(_state().activationsLeft, 3, "one activation");
    }

    function test_Seconds_ADayIsTheMostThatIsSaved() public {
        _submit(3_000);
        skip(365 days);

        assertEq(_state().secondsLeft, 1 days, "seconds");
        assertEq(_state().activationsLeft, 4, "activations");
    }

    function test_Budget_WhatIsNotInForceIsFree() public {
        _submit(THRESHOLD - 1);
        assertEq(_state().secondsLeft, 1 days, "seconds");
        assertEq(_state().activationsLeft, 4, "activations");
    }

    function test_Budget_MarketsHaveTheirOwn() public {
        signals.setModel(4, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);
        _submit(3_000);
        assertEq(signals.signalState(4).secondsLeft, 1 days, "seconds");
        assertEq(signals.signalState(4).activationsLeft, 4, "activations");
    }

    /* PROPERTIES */

    /// @dev Reporters who sign whenever they may, for as long as they may.
    function test_Budget_HoldsAgainstTheGreediest() public {
        (uint256[] memory starts, uint256[] memory ends) = (new uint256[](STEPS * 4), new uint256[](STEPS * 4));
        uint256 n;
        for (uint256 i; i < STEPS * 4; ++i) {
            n = _record(starts, ends, n, 3_000, 6 hours);
            skip(4 hours);
        }

        _assertWithinBudget(starts, ends, n);
        uint256 inForce;
        for (uint256 i; i < n; ++i) inForce += ends[i] - starts[i];
        assertApproxEqAbs(inForce, 1 days + 80 days / uint256(6), 6 hours, "the budget can be used up");
    }

    /// @dev And who go for the number of activations.
    function test_Budget_HoldsAgainstTheMostFrequent() public {
        (uint256[] memory starts, uint256[] memory ends) = (new uint256[](STEPS * 4), new uint256[](STEPS * 4));
        uint256 n;
        for (uint256 i; i < STEPS * 4; ++i) {
            n = _record(starts, ends, n, 3_000, 1);
            skip(4 hours);
        }

        _assertWithinBudget(starts, ends, n);
        assertEq(n, 4 + 80 days / uint256(3 days + 18 hours), "the budget can be used up");
    }

    function testFuzz_Budget_HoldsForAnySequence(uint256 seed) public {
        (uint256[] memory starts, uint256[] memory ends) = (new uint256[](STEPS), new uint256[](STEPS));
        uint256 n;
        uint256 longest = [uint256(1 hours), 6 hours, 1 days, 5 days][seed % 4];
        for (uint256 i; i < STEPS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (seed % 64 == 0) {
                signals.setModel(MARKET, 0, 0, 0, 0); // a new model brings no new budget
                signals.setModel(MARKET, MODEL, DROP_BPS, BASE_RATE, THRESHOLD);
                if (n != 0 && ends[n - 1] > block.timestamp) ends[n - 1] = block.timestamp;
            }
            if (_state().open < 4) {
                n = _record(starts, ends, n, seed % 8 == 0 ? 1_999 : 2_000, bound(seed >> 32, 1, 6 hours));
            }
            skip(bound(seed >> 128, 0, longest));
            _observe(PRICE);
        }

        _assertWithinBudget(starts, ends, n);
    }

    /// @dev Submits and takes down from when to when the market was raised: a new entry unless it goes on.
    function _record(
        uint256[] memory starts,
        uint256[] memory ends,
        uint256 n,
        uint16 probability,
        uint256 life
    ) private returns (uint256) {
        bool wasRaised = signals.raises(MARKET);
        _submit(probability, life);
        _observe(PRICE);
        _observe(TRIGGER); // every forecast comes true, so that the score is not what ends it
        if (!signals.raises(MARKET)) return n;
        if (!wasRaised) starts[n++] = block.timestamp;
        ends[n - 1] = _state().until;
        return n;
    }

    /// @dev A window with the most in it begins where a stretch begins or ends where one ends: every pair of those is looked at.
    function _assertWithinBudget(uint256[] memory starts, uint256[] memory ends, uint256 n) private pure {
        for (uint256 i; i < n; ++i) {
            uint256 inForce; // {s} from the i-th start to the end of the j-th stretch
            for (uint256 j = i; j < n; ++j) {
                inForce += ends[j] - starts[j];
                uint256 length = ends[j] - starts[i];
                if (length < 30 days) {
                    assertLe(inForce, 6 days, "more than a fifth of 30 days");
                    assertLe(j - i + 1, 12, "more than 12 activations in 30 days");
                } else {
                    assertLe(inForce * 5, length, "more than a fifth of a longer window");
                    assertLe((j - i) * 30 days, 12 * length, "more than 12 activations for each 30 days");
                }
                assertLe(inForce * 6, 6 days + length, "more than a day and a sixth of the window");
            }
        }
    }
}
