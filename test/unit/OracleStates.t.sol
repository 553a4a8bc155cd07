// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {FeedConfig, IOracle, PriceState, Quote} from "../../contracts/interfaces/IOracle.sol";
import {BadFeed, Fault} from "../../contracts/mocks/BadFeed.sol";
import {OracleBase} from "../helpers/OracleBase.t.sol";

/// @dev What a step is, how long it is held, what voids it; the sequencer; feeds that fail in any call.
contract OracleStatesTest is OracleBase {
    /* STEPS: THE BORDER */

    function testFuzz_Sync_HoldsOneUnitBeyondTheStep(uint256 elapsed, bool isUp, uint16 jumpBps) public {
        elapsed = bound(elapsed, 1, 12 hours);
        FeedConfig memory config = _config();
        config.jumpBps = uint16(bound(jumpBps, 100, 20_000));
        oracle.configure(ETH, config);
        uint256 hours_ = elapsed > 3 hours ? 3 hours : elapsed;
        uint256 apart = (uint256(P0) * config.jumpBps * (1 hours + hours_)) / (10_000 * 1 hours); // down: the largest that is none
        vm.assume(isUp || apart + 1 < P0 - MIN_ANSWER);
        _wait(elapsed);

        uint256 snapshot = vm.snapshotState();
        uint64 near = uint64(isUp ? P0 + apart : P0 - apart);
        _answer(near);
        _check(near, PriceState.OK);
        _checkHeld(0, 0);

        vm.revertToState(snapshot);
        uint64 far = isUp ? near + 1 : near - 1;
        _answer(far);
        Quote memory q = _check(P0, PriceState.JUMP);
        assertEq(q.validUntil, START + MAX_AGE, "of the price in force");
        assertEq(q.edgeBps, EDGE);
        _checkHeld(far, START + elapsed);
    }

    /// @dev What passed since the answer in force counts, in the feed's own time; not since anybody looked.
    function test_Sync_MeasuresTheStepInTheFeedsTime() public {
        _wait(3 hours);
        _answer(2200e8 + 1, START); // not newer
        _check(P0, PriceState.STALE);
        _answer(2200e8 + 7, START + 1); // a second later by its date: 10.0028 % are a step from 2200.0555...
        _check(2200e8 + 7, PriceState.STALE);

        _wait(1);
        _answer(2700e8, START + 2); // 22 % within a second, although hours have gone by
        _check(2200e8 + 7, PriceState.JUMP);
        _answer(2700e8, START + 1 + 2 hours); // three times 10 % are allowed
        _check(2700e8, PriceState.OK);
    }

    function test_Sync_HoldsAStep() public {
        _wait(60);
        _answer(HIGH);
        vm.expectEmit(address(oracle));
        emit IOracle.PriceHeld(ETH, HIGH, uint32(START) + 60);
        oracle.sync(ETH);
        Quote memory q = _check(P0, PriceState.JUMP);
        assertEq(q.low, 1990e8);
        assertEq(q.high, 2010e8);
        assertEq(q.slow, P0);
        _checkHeld(HIGH, START + 60);
    }

    function testFuzz_Sync_NeverRecordsAStepAtOnce(uint64 price, uint256 elapsed) public {
        elapsed = bound(elapsed, 1, 1 days);
        price = uint64(bound(price, (uint256(P0) * 14) / 10 + 1, MAX_ANSWER - 1)); // four times 10 % is the most
        _wait(elapsed);
        _answer(price);
        _check(P0, PriceState.JUMP);
    }

    /* STEPS: TIME */

    function test_Sync_BelievesAStepThatStoodForJumpTime() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME() - 1);
        _check(P0, PriceState.JUMP);
        _wait(1);
        vm.expectEmit(address(oracle));
        emit IOracle.PriceRecorded(ETH, HIGH, P0, P0, uint32(START) + 60);
        Quote memory q = oracle.sync(ETH);
        assertEq(q.validUntil, START + 60 + MAX_AGE, "dated when the feed said it");
        _check(HIGH, PriceState.OK);
        _checkHeld(0, 0);
    }

    /// @dev The time runs from when it was seen, not from its date.
    function test_Sync_HoldsAnOldAnswerFromWhenItWasSeen() public {
        _answer(HIGH, START + 60);
        _wait(30 minutes);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME() - 1);
        _check(P0, PriceState.JUMP);
        _wait(1);
        _check(HIGH, PriceState.OK);
    }

    function test_Sync_BelievesAStepThatIsStaleByThen() public {
        _wait(MAX_AGE);
        _answer(HIGH, START + 1);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME());
        _check(HIGH, PriceState.STALE);
    }

    function test_Sync_KeepsSinceForANearAnswer() public {
        uint64 edge = HIGH + HIGH / 10; // exactly a step from what is held is near
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(300);
        _answer(edge);
        vm.expectEmit(address(oracle));
        emit IOracle.PriceHeld(ETH, edge, uint32(START) + 1);
        oracle.sync(ETH);
        _checkHeld(edge, START + 1);
        _wait(299);
        _check(P0, PriceState.JUMP);
        _wait(1);
        _check(edge, PriceState.OK);
    }

    function test_Sync_RestartsSinceForAFarAnswer() public {
        uint64 far = HIGH + HIGH / 10 + 1;
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(599);
        _answer(far);
        vm.expectEmit(address(oracle));
        emit IOracle.PriceHeld(ETH, far, uint32(_now()));
        oracle.sync(ETH);
        _wait(1); // ten minutes after the first
        _check(P0, PriceState.JUMP);
        _checkHeld(far, START + 600);
        _wait(598);
        _check(P0, PriceState.JUMP);
        _wait(1);
        _check(far, PriceState.OK);
    }

    /// @dev At the very moment at which the first would be believed a far one is not.
    function test_Sync_DoesNotBelieveAFarAnswerForTheTimeOfTheFirst() public {
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME());
        _answer(6000e8);
        _check(P0, PriceState.JUMP);
        _checkHeld(6000e8, START + 601);
    }

    /* STEPS: WHAT VOIDS THEM */

    function test_Sync_VoidsTheStepWhenANormalAnswerIsRecorded() public {
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(1);
        _answer(2001e8);
        _check(2001e8, PriceState.OK);
        _checkHeld(0, 0);
        _wait(oracle.JUMP_TIME());
        _answer(HIGH);
        _check(2001e8, PriceState.JUMP);
        _checkHeld(HIGH, _now());
    }

    function test_Configure_VoidsTheStep() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        FeedConfig memory config = _config();
        BadFeed next = new BadFeed(abi.encode(8), _round(2001e8, START + 60));
        config.aggregator = address(next);
        oracle.configure(ETH, config);
        assertEq(oracle.feedSince(ETH), START + 60);
        _check(2001e8, PriceState.OK);
        _checkHeld(0, 0);
        _wait(oracle.JUMP_TIME());
        next.setRound(abi.encode(99, HIGH, _now(), _now(), 99));
        _check(2001e8, PriceState.JUMP);
        _checkHeld(HIGH, _now());
    }

    /// @dev The new feed's answer has the date of the one in force before: nothing that the former feed said may come back.
    function test_Configure_VoidsTheStepThoughTheNewFeedIsDatedAlike() public {
        _wait(60);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        FeedConfig memory config = _config();
        BadFeed next = new BadFeed(abi.encode(8), _round(P0, START));
        config.aggregator = address(next);
        oracle.configure(ETH, config);
        _check(P0, PriceState.OK);
        _checkHeld(0, 0);
        _wait(oracle.JUMP_TIME());
        next.setRound(abi.encode(99, HIGH, _now(), _now(), 99));
        _check(P0, PriceState.JUMP);
    }

    function test_Configure_TakesTheFirstPriceWhateverItIs() public {
        _answer(999_999e8);
        oracle.configure(7, _config());
        assertEq(oracle.quote(7).price, 999_999e8);
        (uint64 held, uint32 since) = oracle.heldPrice(7);
        assertEq(held, 0);
        assertEq(since, 0);
    }

    function test_Configure_TakesWhatAReplacedFeedSays() public {
        FeedConfig memory config = _config();
        config.aggregator = address(new BadFeed(abi.encode(8), _round(500e8, START)));
        vm.expectEmit(address(oracle));
        emit IOracle.PriceRecorded(ETH, 500e8, P0, P0, uint32(START));
        oracle.configure(ETH, config);
        _check(500e8, PriceState.OK);
    }

    function test_RevertWhen_TheSmallestStepIsTooSmall() public {
        FeedConfig memory config = _config();
        config.jumpBps = 99;
        vm.expectRevert(abi.encodeWithSelector(IOracle.JumpTooSmall.selector, 99, 100));
        oracle.configure(ETH, config);
        config.jumpBps = 100;
        oracle.configure(ETH, config);
        _wait(1);
        _answer(2020e8);
        _check(2020e8, PriceState.OK);
        _wait(1);
        _answer(2040.3e8); // 1.005 %
        _check(2020e8, PriceState.JUMP);
    }

    /* DECIMALS */

    /// @dev An answer in other units is a step, and no price.
    function test_Sync_RecordsNothingFromAFeedThatChangedItsDecimals() public {
        _wait(1);
        feed.setDecimals(abi.encode(10));
        _answer(P0 * 100);
        vm.recordLogs();
        Quote memory q = oracle.sync(ETH);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(uint8(q.state), uint8(PriceState.BAD));
        assertEq(q.price, P0);
        _check(P0, PriceState.BAD);
        _wait(oracle.JUMP_TIME());
        _check(P0, PriceState.BAD);
    }

    function test_Sync_RecordsNothingWhenDecimalsCannotBeRead() public {
        bytes[4] memory garbage = [bytes(""), hex"08", abi.encode(8, 8), abi.encode(uint256(256) + 8)];
        _wait(1);
        _answer(HIGH);
        for (uint256 i; i < garbage.length; ++i) {
            feed.setDecimals(garbage[i]);
            assertEq(uint8(oracle.sync(ETH).state), uint8(PriceState.BAD));
            _check(P0, PriceState.BAD);
        }
        feed.setDecimals(abi.encode(8));
        _check(P0, PriceState.JUMP);
    }

    /// @dev A step that waits does not ripen when its unit turns out to be another.
    function test_Sync_ForgetsNothingAndBelievesNothingWhileDecimalsDiffer() public {
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        _wait(oracle.JUMP_TIME());
        feed.setDecimals(abi.encode(9));
        assertEq(oracle.sync(ETH).price, P0);
        _check(P0, PriceState.BAD);
    }

    /* SEQUENCER */

    function test_Sync_IsBadUntilTheGraceIsOver() public {
        _addSequencer();
        _wait(100);
        sequencer.setRound(_status(1, _now()));
        _check(P0, PriceState.BAD);
        _answer(2001e8);
        _check(P0, PriceState.BAD);
        _wait(300);
        sequencer.setRound(_status(0, _now())); // back
        _check(P0, PriceState.BAD);
        _wait(oracle.GRACE_TIME());
        _check(P0, PriceState.BAD);
        _wait(1);
        _check(2001e8, PriceState.OK);
    }

    function test_Sync_TakesASequencerFeedThatFailsForDown() public {
        _addSequencer();
        _wait(1 hours);
        _answer(2001e8);
        bytes[9] memory said = [
            bytes(""),
            abi.encode(0),
            abi.encodePacked(_status(0, START), uint8(0)),
            _status(1, START),
            _status(-1, START),
            _status(0, 0), // Arbitrum before its first round
            _status(0, _now() + 1),
            abi.encode(uint256(1) << 80, 0, START, START, 1),
            _status(0, type(uint256).max)
        ];
        for (uint256 i; i < said.length; ++i) {
            sequencer.setRound(said[i]);
            _check(P0, PriceState.BAD);
            assertFalse(oracle.isCurrent(ETH, P0, uint32(START) + MAX_AGE), "not current");
        }
        sequencer.setRound(_status(0, START));
        Fault[4] memory faults = [Fault.REVERT, Fault.REVERT_BLOB, Fault.EAT_GAS, Fault.BLOB];
        for (uint256 i; i < faults.length; ++i) {
            sequencer.setFault(faults[i]);
            _check(P0, PriceState.BAD);
        }
        vm.etch(address(sequencer), "");
        _check(P0, PriceState.BAD);
    }

    function test_Configure_RefusesAMarketWhoseSequencerIsDown() public {
        FeedConfig memory config = _config();
        config.sequencer = address(sequencer);
        sequencer.setRound(_status(0, START - 600)); // within the grace
        vm.expectRevert(abi.encodeWithSelector(IOracle.FeedInvalid.selector, feed, PriceState.BAD));
        oracle.configure(ETH, config);
        sequencer.setRound(_status(0, START - 601));
        oracle.configure(ETH, config);
        assertEq(oracle.feed(ETH).sequencer, address(sequencer));
    }

    /// @dev What was held before an outage ripens in it: the grace is as long as a step has to stand, and anybody may contradict in it.
    function test_Sync_BelievesAStepFromBeforeTheOutageNoSoonerThanTheGraceIsOver() public {
        _addSequencer();
        _wait(100);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        sequencer.setRound(_status(1, _now()));
        _wait(20 minutes);
        sequencer.setRound(_status(0, _now()));
        _wait(oracle.GRACE_TIME());
        _check(P0, PriceState.BAD);
        _wait(1);
        _check(HIGH, PriceState.OK);
    }

    /* FAULTS OF THE FEED, IN A STEP */

    function test_Sync_SurvivesAFeedThatBreaksAfterAStep() public {
        _wait(1);
        _answer(HIGH);
        _check(P0, PriceState.JUMP);
        Fault[4] memory faults = [Fault.REVERT, Fault.REVERT_BLOB, Fault.EAT_GAS, Fault.BLOB];
        for (uint256 i; i < faults.length; ++i) {
            feed.setFault(faults[i]);
            uint256 before = gasleft();
            oracle.sync(ETH);
            assertLt(before - gasleft(), 135_000, "gas");
            _check(P0, PriceState.BAD);
            assertFalse(oracle.isCurrent(ETH, P0, uint32(START) + MAX_AGE));
        }
        feed.setFault(Fault.NONE);
        _check(P0, PriceState.JUMP);
        _checkHeld(HIGH, START + 1);
    }

    function testFuzz_Sync_NeverRevertsWhateverTheFeedSays(
        bytes memory roundBytes,
        bytes memory decimals,
        bytes memory status
    ) public {
        _addSequencer();
        _wait(100);
        feed.setRound(roundBytes);
        feed.setDecimals(decimals);
        if (status.length % 2 == 0) sequencer.setRound(status);
        _check(P0, PriceState.BAD);
    }

    /// @dev Five clean words of any value: whatever comes out, it is one of the states, and the price moves by a step at most.
    function testFuzz_Sync_MovesByAStepAtMost(uint80 id, int256 answer, uint256 updatedAt, uint256 elapsed) public {
        elapsed = bound(elapsed, 1, 1 days);
        _wait(elapsed);
        updatedAt = bound(updatedAt, START - 2, _now() + 2);
        if (uint256(answer) % 3 != 0) answer = int256(bound(uint256(answer), 0, uint256(P0) * 3));
        feed.setRound(abi.encode(id, answer, 0, updatedAt, id));
        Quote memory q = _sync();
        uint256 apart = q.price > P0 ? q.price - P0 : P0 - q.price;
        assertLe(apart, (uint256(P0) * 4) / 10);
        if (q.state == PriceState.BOUND || q.state == PriceState.BAD || q.state == PriceState.JUMP) {
            assertEq(q.price, P0);
        }
    }

    /* STARVATION */

    /// @dev Each of the calls may take nearly all its allowance. Whoever gives too little may fail, but not choose a state.
    function test_RevertGiven_AnyOfTheCallsWouldBeStarved() public {
        _addSequencer();
        _wait(1);
        _answer(HIGH);
        sequencer.setFault(Fault.HEAVY);
        feed.setFault(Fault.HEAVY);
        (uint256 answered, uint256 refused) = _starve(
            abi.encodeCall(IOracle.quote, ETH),
            abi.encode(_check(P0, PriceState.JUMP))
        );
        assertGt(answered, 30);
        assertGt(refused, 100);
    }

    function test_RevertGiven_IsCurrentWouldBeStarved() public {
        _addSequencer();
        _wait(1);
        sequencer.setFault(Fault.HEAVY);
        feed.setFault(Fault.HEAVY);
        bytes memory call = abi.encodeCall(IOracle.isCurrent, (ETH, P0, uint32(START) + MAX_AGE));
        (uint256 answered, uint256 refused) = _starve(call, abi.encode(true));
        assertGt(answered, 30);
        assertGt(refused, 100);
    }

    /// @dev The same for what writes; every try is undone.
    function test_RevertGiven_SyncWouldBeStarved() public {
        _addSequencer();
        _wait(1);
        _answer(HIGH);
        sequencer.setFault(Fault.HEAVY);
        feed.setFault(Fault.HEAVY);
        uint256 snapshot = vm.snapshotState();
        uint256 answered;
        for (uint256 gas = 250_000; gas < 480_000; gas += 2_311) {
            (bool ok, bytes memory result) = address(oracle).call{gas: gas}(abi.encodeCall(IOracle.sync, ETH));
            if (ok) {
                ++answered;
                assertEq(uint8(abi.decode(result, (Quote)).state), uint8(PriceState.JUMP));
                _checkHeld(HIGH, START + 1);
            } else if (result.length != 0) assertEq(bytes4(result), IOracle.InsufficientGas.selector);
            vm.revertToState(snapshot);
        }
        assertGt(answered, 10);
    }

    /// @dev Whatever it is given, the call says what it should or that it had too little.
    function _starve(
        bytes memory call,
        bytes memory expected
    ) private view returns (uint256 answered, uint256 refused) {
        for (uint256 gas = 20_000; gas < 480_000; gas += 1_013) {
            (bool ok, bytes memory result) = address(oracle).staticcall{gas: gas}(call);
            if (ok) {
                ++answered;
                assertEq(result, expected);
            } else if (result.length != 0) {
                ++refused;
                assertEq(bytes4(result), IOracle.InsufficientGas.selector);
            }
        }
    }
}
