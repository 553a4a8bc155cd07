// SPDX-License-Identifier: MIT
pragma solidity ^0.8.35;

import {IExchange, Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {ExchangeBaseTest} from "../helpers/ExchangeBase.t.sol";

/// @notice Lanes: cancelling, advancing, replacing, and that neither packing nor order of calls ever overfills.
contract ExchangeLanesTest is ExchangeBaseTest {
    uint48 private constant LAST = type(uint48).max;

    /// @dev A lane as a plain struct in a plain mapping: what the packed one must equal.
    struct ModelLane {
        uint48 sequence;
        uint64 filled;
    }

    mapping(uint256 account => mapping(uint16 lane => ModelLane)) private _model;
    mapping(uint256 account => mapping(uint64 nonce => uint256 lots)) private _settled;

    /* CANCEL */

    function test_Cancel_EndsAnOrderThatWasNeverSeen() public {
        Match memory pair = _pair();

        vm.expectEmit(address(exchange));
        emit IExchange.OrderCancelled(pair.maker.account, pair.maker.nonce);
        vm.prank(alice);
        exchange.cancel(pair.maker.account, pair.maker.nonce);

        _assertLane(pair.maker.account, 0, 1, CANCELLED);
        assertEq(exchange.remaining(pair.maker), 0, "left of a cancelled order");
        _expectSettleReverts(pair, _overfilled(10, 0));
    }

    function test_Cancel_EndsTheRestOfAPartlyFilledOrder() public {
        Match memory pair = _pair(_bid(), _ask(), 4);
        exchange.settle(pair);

        vm.prank(bob);
        exchange.cancel(pair.taker.account, pair.taker.nonce);

        assertEq(exchange.remaining(pair.maker), 6, "left of the other order");
        _expectSettleReverts(pair, _overfilled(4, 0));
    }

    function test_Cancel_CanBeRepeatedAndFollowTheFill() public {
        Match memory pair = _pair();
        exchange.settle(pair);

        vm.startPrank(alice);
        exchange.cancel(pair.maker.account, pair.maker.nonce);
        exchange.cancel(pair.maker.account, pair.maker.nonce);
        vm.stopPrank();

        _assertLane(pair.maker.account, 0, 1, CANCELLED);
    }

    function test_Cancel_LeavesTheNextSequenceUsable() public {
        Order memory bid = _bid();
        vm.prank(alice);
        exchange.cancel(bid.account, bid.nonce);

        bid.nonce += 1;
        exchange.settle(_pair(bid, _ask(), 3));

        _assertLane(bid.account, 0, 2, 3);
    }

    function test_Cancel_CanEndTheFirstAndTheLastSequence() public {
        uint256 account = _account(alice, 0);
        vm.startPrank(alice);
        exchange.cancel(account, _nonce(0, 0));
        _assertLane(account, 0, 0, CANCELLED);
        exchange.cancel(account, _nonce(0, LAST));
        vm.stopPrank();

        _assertLane(account, 0, LAST, CANCELLED);
        Order memory bid = _bid();
        bid.nonce = _nonce(0, LAST);
        _expectSettleReverts(_pair(bid, _ask(), 1), _overfilled(1, 0));
    }

    function test_Cancel_IsOpenToTheOperator() public {
        uint256 account = _account(alice, 5);
        vm.prank(alice);
        recorder.setOperator(carol, true);

        vm.prank(carol);
        exchange.cancel(account, _nonce(9, 4));

        _assertLane(account, 9, 4, CANCELLED);
    }

    function test_RevertWhen_AStrangerCancels() public {
        uint256 account = _account(alice, 0);
        vm.expectRevert(abi.encodeWithSelector(IExchange.NotAuthorized.selector, carol, account));
        vm.prank(carol);
        exchange.cancel(account, _nonce(0, 1));
    }

    function test_RevertWhen_CancellingWhatTheLaneHasPassed() public {
        uint256 account = _account(alice, 0);
        vm.startPrank(alice);
        exchange.advanceLane(account, 0, 5);
        vm.expectRevert(_nonceUsed(_nonce(0, 4), 5));
        exchange.cancel(account, _nonce(0, 4));
        vm.stopPrank();
    }

    /* ADVANCE */

    function test_AdvanceLane_EndsLowerSequencesOnly() public {
        Order memory bid = _bid();
        vm.expectEmit(address(exchange));
        emit IExchange.LaneAdvanced(bid.account, 0, 2);
        vm.prank(alice);
        exchange.advanceLane(bid.account, 0, 2);

        assertEq(exchange.remaining(bid), 0, "left of a lower sequence");
        _expectSettleReverts(_pair(bid, _ask(), 1), _nonceUsed(bid.nonce, 2));
        bid.nonce = _nonce(0, 2);
        assertEq(exchange.remaining(bid), 10, "left of the sequence advanced to");
        exchange.settle(_pair(bid, _ask(), 1));
        _assertLane(bid.account, 0, 2, 1);
    }

    function test_AdvanceLane_ForgetsTheFillOfTheOldSequence() public {
        Order memory bid = _bid();
        exchange.settle(_pair(bid, _ask(), 9));

        vm.prank(alice);
        exchange.advanceLane(bid.account, 0, 2);

        _assertLane(bid.account, 0, 2, 0);
    }

    function test_RevertWhen_AStrangerAdvances() public {
        uint256 account = _account(alice, 0);
        vm.expectRevert(abi.encodeWithSelector(IExchange.NotAuthorized.selector, bob, account));
        vm.prank(bob);
        exchange.advanceLane(account, 0, 1);
    }

    function test_RevertWhen_TheSequenceIsNotAhead() public {
        uint256 account = _account(alice, 0);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IExchange.SequenceNotAhead.selector, uint48(0), uint48(0)));
        exchange.advanceLane(account, 7, 0);
        exchange.advanceLane(account, 7, LAST);
        vm.expectRevert(abi.encodeWithSelector(IExchange.SequenceNotAhead.selector, LAST, LAST));
        exchange.advanceLane(account, 7, LAST);
        vm.stopPrank();
    }

    /* REPLACE */

    function test_Settle_AcceptsSequenceZeroInAFreshLane() public {
        Order memory bid = _bid();
        bid.nonce = _nonce(4, 0);

        exchange.settle(_pair(bid, _ask(), 10));

        _assertLane(bid.account, 4, 0, 10);
        Order memory ask = _ask();
        ask.nonce += 1;
        _expectSettleReverts(_pair(bid, ask, 1), _overfilled(1, 0));
    }

    function test_Settle_EndsTheRestOfALowerSequence() public {
        Order memory first = _bid();
        Order memory second = _bid();
        second.nonce += 1;
        exchange.settle(_pair(first, _ask(), 2));

        exchange.settle(_pair(second, _ask(), 3));

        _assertLane(first.account, 0, 2, 3);
        assertEq(exchange.remaining(first), 0, "left of the replaced order");
        assertEq(exchange.remaining(second), 7, "left of the replacement");
        _expectSettleReverts(_pair(first, _ask(), 1), _nonceUsed(first.nonce, 2));
    }

    function test_Settle_SharesOneFillAmongOrdersOfOneNonce() public {
        Order memory large = _bid();
        Order memory small = _bid();
        small.lots = 4;
        exchange.settle(_pair(large, _ask(), 5));

        assertEq(exchange.remaining(small), 0, "left of the small order");
        _expectSettleReverts(_pair(small, _ask(), 1), _overfilled(1, 0));
        assertEq(exchange.remaining(large), 5, "left of the large order");
    }

    /* PROPERTIES */

    /// @dev Whatever is settled, cancelled and advanced in whatever order: packed lanes equal the plain model after every
    /// step, in success and in refusal, and no nonce ever settles more than its order's lots.
    function testFuzz_Lanes_EqualAPlainModelAndNeverOverfill(uint256 seed) public {
        for (uint256 i; i < 24; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 verb = random % 8;
            uint256 account = _account(alice, uint96((random >> 8) % 2));
            uint16 lane = uint16((random >> 16) % 4);
            uint48 sequence = uint48((random >> 24) % 6);
            if (verb < 6) _settleAgainstModel(account, lane, sequence, uint56((random >> 32) % 14) + 1, i);
            else if (verb == 6) _cancelAgainstModel(account, lane, sequence);
            else _advanceAgainstModel(account, lane, sequence);
            _assertAllLanes();
        }
    }

    function _settleAgainstModel(uint256 account, uint16 lane, uint48 sequence, uint56 lots, uint256 step) private {
        Order memory bid = _bid();
        (bid.account, bid.nonce, bid.lots) = (account, _nonce(lane, sequence), 20 + int48(sequence));
        Order memory ask = _ask();
        (ask.nonce, ask.lots) = (_nonce(0, uint48(step)), -100);
        Match memory pair = _pair(bid, ask, lots);
        ModelLane storage model = _model[account][lane];
        if (sequence < model.sequence) return _expectSettleReverts(pair, _nonceUsed(bid.nonce, model.sequence));
        uint64 filled = sequence == model.sequence ? model.filled : 0;
        uint256 size = uint64(bid.lots);
        uint256 left = filled > size ? 0 : size - filled;
        if (lots > left) return _expectSettleReverts(pair, _overfilled(lots, left));

        exchange.settle(pair);

        (model.sequence, model.filled) = (sequence, filled + lots);
        _settled[account][bid.nonce] += lots;
        assertLe(_settled[account][bid.nonce], size, "more settled than ordered");
        assertEq(exchange.remaining(bid), left - lots, "left after the fill");
    }

    function _cancelAgainstModel(uint256 account, uint16 lane, uint48 sequence) private {
        ModelLane storage model = _model[account][lane];
        bool isPassed = sequence < model.sequence;
        if (isPassed) vm.expectRevert(_nonceUsed(_nonce(lane, sequence), model.sequence));
        vm.prank(alice);
        exchange.cancel(account, _nonce(lane, sequence));
        if (!isPassed) (model.sequence, model.filled) = (sequence, CANCELLED);
    }

    function _advanceAgainstModel(uint256 account, uint16 lane, uint48 sequence) private {
        ModelLane storage model = _model[account][lane];
        bool isAhead = sequence > model.sequence;
        if (!isAhead) {
            vm.expectRevert(abi.encodeWithSelector(IExchange.SequenceNotAhead.selector, sequence, model.sequence));
        }
        vm.prank(alice);
        exchange.advanceLane(account, lane, sequence);
        if (isAhead) (model.sequence, model.filled) = (sequence, 0);
    }

    function _assertAllLanes() private view {
        for (uint96 subId; subId < 2; ++subId) {
            uint256 account = _account(alice, subId);
            for (uint16 lane; lane < 4; ++lane) {
                _assertLane(account, lane, _model[account][lane].sequence, _model[account][lane].filled);
            }
        }
    }

    /// @dev Full-width states side by side: nothing of a lane reaches its neighbour.
    function testFuzz_Lanes_KeepTheirNeighbour(uint16 lane, uint48 sequence, uint48 neighbourSequence) public {
        uint256 account = _account(alice, 0);
        uint16 neighbour = lane ^ 1;
        sequence = uint48(bound(sequence, 1, LAST));
        neighbourSequence = uint48(bound(neighbourSequence, 1, LAST));
        vm.startPrank(alice);

        exchange.cancel(account, _nonce(lane, sequence));
        _assertLane(account, neighbour, 0, 0);
        exchange.advanceLane(account, neighbour, neighbourSequence);
        _assertLane(account, lane, sequence, CANCELLED);
        exchange.cancel(account, _nonce(neighbour, neighbourSequence));
        _assertLane(account, lane, sequence, CANCELLED);
        _assertLane(account, neighbour, neighbourSequence, CANCELLED);
        vm.stopPrank();
    }
}
