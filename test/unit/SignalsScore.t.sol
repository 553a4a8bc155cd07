// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {ISignals, OpenSignal, Signal, SignalState} from "../../contracts/interfaces/ISignals.sol";
import {SignalsTest} from "../helpers/SignalsTest.sol";

/// @notice What becomes of a signal when its horizon has passed, and of a model that is worse than its base rate.
contract SignalsScoreTest is SignalsTest {
    uint64 private constant FALLEN = type(uint64).max;

    /* HORIZON */

    function test_Horizon_BeginsWithTheFirstObservationAfterIt() public {
        _observe(1_000_000); // before it
        _submit(300);
        assertEq(signals.openSignals(MARKET)[0].trigger, 0, "no start yet");

        skip(15 minutes - 1);
        vm.expectEmit(address(signals));
        emit ISignals.HorizonBegan(MARKET, 1, PRICE, TRIGGER, uint32(START + 4 hours));
        _observe(PRICE);

        OpenSignal memory open = signals.openSignals(MARKET)[0];
        assertEq(open.trigger, TRIGGER, "trigger");
        assertEq(open.acceptedAt, START, "accepted at");
        assertEq(open.probability, 300, "probability");
        assertEq(open.seen, 1, "seen");
    }

    function test_Horizon_ALateFirstObservationIsNoStart() public {
        _submit(300);
        skip(15 minutes);
        _observe(PRICE);
        _observe(1);

        OpenSignal memory open = signals.openSignals(MARKET)[0];
        assertEq(open.trigger, 0, "trigger");
        assertEq(open.seen, 2, "seen");
    }

    function test_Horizon_IgnoresWhatIsNoObservationOfIt() public {
        _submit(300);
        signals.observe(MARKET, PRICE, START - 1); // before it
        signals.observe(MARKET, 0, START);
        signals.observe(MARKET, 1 << 62, START);
        signals.observe(MARKET, type(uint256).max, START);
        signals.observe(MARKET + 1, PRICE, START);
        assertEq(signals.openSignals(MARKET)[0].seen, 0, "seen");

        signals.observe(MARKET, (1 << 62) - 1, START);
        assertEq(signals.openSignals(MARKET)[0].seen, 1, "seen");
    }

    function test_Fall_IsAPriceAtTheTrigger() public {
        _submit(300);
        _observe(PRICE);
        skip(60);
        _observe(TRIGGER + 1);
        assertEq(signals.openSignals(MARKET)[0].trigger, TRIGGER, "above it");

        vm.expectEmit(address(signals));
        emit ISignals.FallSeen(MARKET, 1, TRIGGER);
        _observe(TRIGGER);

        assertEq(signals.openSignals(MARKET)[0].trigger, FALLEN, "at it");
        _observe(PRICE * 2);
        assertEq(signals.openSignals(MARKET)[0].trigger, FALLEN, "it has fallen for good");
    }

    function testFuzz_Fall_IsAtMostStartTimesOneLessTheDrop(uint64 start, uint64 price, uint16 dropBps) public {
        start = uint64(bound(start, 1e4, (1 << 62) - 1));
        price = uint64(bound(price, uint256(start) / 2, start));
        dropBps = uint16(bound(dropBps, 200, 3_000));
        signals.setModel(MARKET, 0, 0, 0, 0);
        signals.setModel(MARKET, MODEL, dropBps, BASE_RATE, THRESHOLD);
        _submit(300);
        _observe(start);
        _observe(price);

        bool hasFallen = uint256(price) * 10_000 <= uint256(start) * (10_000 - dropBps);
        assertEq(signals.openSignals(MARKET)[0].trigger == FALLEN, hasFallen);
    }

    /* OUTCOME */

    function test_Score_WithoutAFallIsTheSquareOfTheProbability() public {
        _submit(3_000);
        _observeHorizon(TRIGGER + 1);
        skip(15 minutes);

        vm.expectEmit(address(signals));
        emit ISignals.SignalScored(MARKET, 1, 3_000, false, true, 0.09e18, 0.000676e18, 1);
        _observe(1); // the horizon has passed: this is no fall any more

        SignalState memory state = _state();
        assertEq(state.open, 0, "open");
        assertEq(state.matured, 1, "matured");
        assertEq(state.brier, 0.09e18, "brier");
        assertEq(state.brierBase, 0.000676e18, "base");
        assertEq(state.skill, 1e18 - (int256(0.09e18) * 1e18) / 0.000676e18 - 1, "skill");
    }

    function test_Score_OfAFallIsTheSquareOfWhatWasMissing() public {
        _submit(3_000);
        _observe(PRICE);
        skip(4 hours - 1);
        _observe(TRIGGER); // in the last second, and nobody has observed in between
        skip(1);

        vm.expectEmit(address(signals));
        emit ISignals.SignalScored(MARKET, 1, 3_000, true, false, 0.49e18, 0.948676e18, 1);
        _observe(PRICE);

        assertGt(_state().skill, 0.48e18, "skill");
    }

    function test_Score_TheNextSubmissionEndsItToo() public {
        _submit(3_000);
        _observeHorizon(PRICE);
        skip(15 minutes);

        vm.expectEmit(address(signals));
        emit ISignals.SignalScored(MARKET, 1, 3_000, false, true, 0.09e18, 0.000676e18, 1);
        _submit(3_000);

        assertEq(_state().open, 1, "open");
    }

    function testFuzz_Score_AnUnobservedAlarmIsAFalseOne(uint256 missing) public {
        _observeAllBut(3_000, bound(missing, 0, 15));

        vm.expectEmit(address(signals));
        emit ISignals.SignalScored(MARKET, 1, 3_000, false, false, 0.09e18, 0.000676e18, 1);
        _observe(PRICE);
    }

    function testFuzz_Score_AnUnobservedAllClearIsNone(uint256 missing) public {
        missing = bound(missing, 0, 15);
        _observeAllBut(BASE_RATE, missing);

        vm.expectEmit(address(signals));
        emit ISignals.SignalUnscored(MARKET, 1, BASE_RATE, uint16(0xffff ^ (1 << missing)));
        _observe(PRICE);

        assertEq(_state().matured, 0, "matured");
        assertEq(_state().open, 0, "open");
    }

    function test_Score_FourAtOnceEachHasItsOwnHorizon() public {
        for (uint16 i; i < 4; ++i) {
            _submit(1_000 + i * 1_000);
            _observe(PRICE + i * 10_000);
            skip(30 minutes);
        }
        _observe(((PRICE + 20_000) * 95) / 100); // the third and the fourth have fallen
        OpenSignal[] memory open = signals.openSignals(MARKET);
        assertEq(open.length, 4, "open");
        assertEq(open[1].trigger, 199_500, "second");
        assertEq(open[2].trigger, FALLEN, "third");
        assertEq(open[3].trigger, FALLEN, "fourth");

        vm.warp(START + 5 hours);
        _observe(PRICE);
        assertEq(_state().open, 1, "three have come to their end");
        assertEq(_state().matured, 3, "matured");
        assertEq(_state().brier, _sumOf(0.01e18, 0.04e18, 0.49e18), "brier");
        vm.warp(START + 5.5 hours);
        _observe(PRICE);
        assertEq(_state().matured, 4, "matured");
    }

    /// @dev Against the explicit sum over all signals so far, x_i (199 / 200)^(n - 1 - i), with 30 decimals to spare.
    function testFuzz_Score_IsTheForgettingSum(uint256 seed) public {
        uint256 n = bound(seed, 1, 60);
        (uint256[] memory brier, uint256[] memory base) = (new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint16 probability = uint16(bound(seed, 0, 10_000));
            bool hasFallen = (seed >> 64) % 3 == 0;
            uint256 outcome = hasFallen ? 10_000 : 0;
            (brier[i], base[i]) = (_square(probability, outcome), _square(BASE_RATE, outcome));
            _mature(probability, hasFallen);
        }

        assertEq(_state().matured, n, "matured");
        assertApproxEqAbs(_state().brier, _forgetting(brier), n, "brier"); // each step rounds by less than one
        assertApproxEqAbs(_state().brierBase, _forgetting(base), n, "base");
        int256 expected = 1e18 - int256((_state().brier * 1e18) / _state().brierBase);
        assertApproxEqAbs(_state().skill, expected, 1, "skill");
    }

    function test_Score_StaysInItsWord() public {
        for (uint256 i; i < 2_000; ++i) _mature(10_000, false);
        assertApproxEqRel(_state().brier, 200e18, 0.0001e18, "every one as wrong as can be");
        assertLe(_state().brier, 200e18 + 199, "bound");
    }

    /* SUSPENSION */

    function test_Suspension_After200FalseAlarmsNotBefore() public {
        for (uint256 i; i < 199; ++i) _mature(3_000, false);
        assertFalse(_state().isSuspended, "199");
        assertLt(_state().skill, 0, "skill");
        skip(30 days);
        _submit(3_000);
        assertTrue(signals.raises(MARKET), "in force");
        uint256 brier = _after(_state().brier, 0.09e18);
        uint256 base = _after(_state().brierBase, 0.000676e18);

        skip(4 hours);
        vm.expectEmit(address(signals));
        emit ISignals.SignalsSuspended(MARKET, MODEL, brier, base);
        _observe(PRICE);

        assertTrue(_state().isSuspended, "200");
        assertGt(_state().until, block.timestamp, "it would have gone on");
        assertFalse(signals.raises(MARKET), "what was in force is not any more");
        assertFalse(_state().isRaised);
    }

    function test_Suspension_SignalsAreScoredButNeitherInForceNorPaidFor() public {
        _suspend();
        uint256 secondsLeft = _state().secondsLeft;

        _submit(3_000);
        assertFalse(signals.raises(MARKET));
        assertEq(_state().secondsLeft, secondsLeft, "seconds left");
        assertEq(_state().activationsLeft, 4, "activations left");
        skip(4 hours);
        _observe(PRICE);
        assertEq(_state().matured, 201, "matured");
    }

    function test_Suspension_IsForGood() public {
        _suspend();
        skip(1 hours);
        for (uint256 i; i < 60; ++i) _mature(10_000, true);
        assertGt(_state().skill, 0, "it would be good enough now");
        skip(1 days);

        _submit(10_000);
        assertTrue(_state().isSuspended);
        assertFalse(signals.raises(MARKET));
    }

    function test_Suspension_AnotherModelBeginsAgainWithThatBudget() public {
        _suspend();
        skip(30 days);
        signals.setModel(MARKET, keccak256("new"), DROP_BPS, BASE_RATE, THRESHOLD);
        assertFalse(_state().isSuspended);
        assertEq(_state().matured, 0, "matured");

        Signal memory signal = _signal(3_000);
        signal.modelHash = keccak256("new");
        _submit(signal);
        assertTrue(signals.raises(MARKET), "from the start");
    }

    function test_Suspension_NotWhenAsGoodAsTheBaseRate() public {
        for (uint256 i; i < 210; ++i) _mature(BASE_RATE, i % 40 == 0);
        assertEq(_state().skill, 0, "skill");
        assertFalse(_state().isSuspended);
    }

    function test_Suspension_ReputationCanBeLost() public {
        for (uint256 i; i < 200; ++i) _mature(100, false);
        assertGt(_state().skill, 0.8e18, "skill");
        for (uint256 i; i < 2; ++i) _mature(3_000, false);
        assertTrue(_state().isSuspended, "two alarms at 30 % outweigh all of it");
    }

    /* LIVENESS */

    function testFuzz_Observe_NeverReverts(uint256 seed, uint8 market, uint256 price, uint256 time) public {
        for (uint256 i; i < 4; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (_state().open < 4) _submit(uint16(bound(seed, 0, 2_000)));
            _observe(uint64(bound(seed >> 16, 1, (1 << 62) - 1)));
            skip(bound(seed >> 128, 0, 2 hours));
        }

        signals.observe(MARKET, price, time);
        signals.observe(market, price, time);
        signals.observe(MARKET, price % (1 << 62), time % (1 << 32));
        signals.raises(market);
    }

    function test_Observe_ReadsOneSlotWhenNothingIsOpen() public {
        _submit(3_000, 60);
        skip(4 hours);
        _observe(PRICE);

        vm.record();
        _observe(PRICE);
        signals.raises(MARKET);
        (bytes32[] memory reads, bytes32[] memory writes) = vm.accesses(address(signals));
        for (uint256 i; i < reads.length; ++i) assertEq(reads[i], reads[0], "slot");
        assertEq(writes.length, 0, "writes");
    }

    function test_Observe_WritesOnceInAQuarterHour() public {
        for (uint256 i; i < 4; ++i) _submit(3_000);
        _observe(PRICE);
        skip(60);

        vm.record();
        _observe(PRICE - 1);
        (, bytes32[] memory writes) = vm.accesses(address(signals));
        assertEq(writes.length, 0, "writes");
    }

    /* HELPERS */

    /// @dev A signal, its outcome, and the end of its horizon: observed only as far as needed, as the signal is above the base rate or
    /// the whole horizon is observed.
    function _mature(uint16 probability, bool hasFallen) private {
        _submit(probability, 1);
        if (hasFallen) {
            _observe(PRICE);
            _observe(TRIGGER);
        } else if (probability <= BASE_RATE) {
            _observeHorizon(PRICE);
        }
        vm.warp(_state().acceptedAt + 4 hours);
        _observe(PRICE);
    }

    function _suspend() private {
        for (uint256 i; i < 200; ++i) _mature(3_000, false);
        assertTrue(_state().isSuspended, "suspended");
        skip(30 days); // the budget is full again
    }

    function _observeAllBut(uint16 probability, uint256 missing) private {
        _submit(probability);
        for (uint256 i; i < 16; ++i) {
            if (i != missing) _observe(PRICE);
            skip(15 minutes);
        }
    }

    function _after(uint256 sum, uint256 square) private pure returns (uint256) {
        return sum - sum / 200 + square;
    }

    function _sumOf(uint256 first, uint256 second, uint256 third) private pure returns (uint256) {
        return _after(_after(first, second), third);
    }

    function _forgetting(uint256[] memory squares) private pure returns (uint256 sum) {
        uint256 weight = 1e30;
        for (uint256 i = squares.length; i != 0; --i) {
            sum += squares[i - 1] * weight;
            weight = (weight * 199) / 200;
        }
        sum /= 1e30;
    }
}
