// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {StackTest} from "../helpers/StackTest.sol";

/// @notice Nobody claims and nobody joins while accounts may have lost more than a hundredth of the capital.
contract CapitalStackGateTest is StackTest {
    uint256 private constant K = 1_000 * ONE; // {asset}
    uint256 private constant KSHARE = 1_000 * SHARE;
    uint256 private constant LEAST = 1_000 * ONE; // {asset} what never shuts the gate
    uint256 private constant MOST = 20 * K; // {asset} 1 % of both tranches

    function setUp() public override {
        super.setUp();
        _fill(400 * K, 1_600 * K);
    }

    function _risk(uint256 atRisk) private {
        _report(MARKET, 0, 0, atRisk);
    }

    function _shut() private {
        _risk(MOST + 1);
    }

    function _open() private {
        _risk(0);
    }

    function _isClosed() private view returns (bool) {
        return vm.getBlockTimestamp() < pool.gateEnd();
    }

    function _warp(uint256 delay) private {
        vm.warp(vm.getBlockTimestamp() + delay);
    }

    /* THRESHOLD */

    function test_Gate_ShutsAboveAHundredthAndOpensAtIt() public {
        _risk(MOST);
        assertFalse(_isClosed());
        vm.expectEmit(address(stack));
        emit ICapitalStack.Reported(MARKET, 0, 0, MOST + 1);
        vm.expectEmit(address(stack));
        emit ICapitalStack.GateMoved(true, MOST + 1);
        vm.expectEmit(address(juniorPool));
        emit IBackstopPool.PendingSet(0, MOST + 1, START + 3 days); // the junior tranche would bear it
        vm.expectEmit(address(pool));
        emit IBackstopPool.PendingSet(0, 0, START + 3 days);
        _risk(MOST + 1);
        assertEq(pool.gateEnd(), START + 3 days);
        assertEq(juniorPool.gateEnd(), START + 3 days);
        assertEq(pool.joinsFrom(), START + 3 days);

        _warp(1 hours);
        vm.expectEmit(address(stack));
        emit ICapitalStack.GateMoved(false, MOST);
        _risk(MOST);
        assertEq(pool.gateEnd(), START + 1 hours);
        assertEq(juniorPool.gateEnd(), START + 1 hours);
        assertEq(pool.joinsFrom(), START + 1 hours);
    }

    function testFuzz_Gate_ThresholdIsExact(uint256 below, uint256 above, uint256 atRisk, bool isNear) public {
        _join(juniorPool, alice, bound(below, 1, 1e15));
        _join(pool, bob, bound(above, 1, 1e15));
        uint256 booked = juniorPool.bookedAssets() + pool.bookedAssets();
        atRisk = isNear ? booked / 100 + bound(atRisk, 0, 2) - 1 : bound(atRisk, 0, 1e14);
        _risk(atRisk);
        assertEq(_isClosed(), atRisk * 100 > booked && atRisk > LEAST);
    }

    function test_Gate_CountsWhatHasNotVestedYet() public {
        _earn(100 * K, 0);
        _risk(21 * K);
        assertFalse(_isClosed());
        _risk(21 * K + 1);
        assertTrue(_isClosed());
    }

    function test_Gate_LessThanAThousandTokensShutNothing() public {
        (stack, pool) = _newPool(address(token));
        _risk(LEAST);
        assertFalse(_isClosed());
        _risk(LEAST + 1);
        assertTrue(_isClosed());
    }

    function test_Gate_SumsOverMarkets() public {
        _report(0, 0, 0, 8 * K);
        _report(5, 0, 0, 8 * K);
        assertFalse(_isClosed());
        _report(63, 0, 0, 4 * K + 1);
        assertTrue(_isClosed());
        assertEq(stack.pending().atRisk, MOST + 1);
        assertEq(stack.pendingOf(63).atRisk, 4 * K + 1);
        _report(5, 0, 0, 7 * K); // replaces what it said
        assertFalse(_isClosed());
        assertEq(stack.pending().atRisk, 19 * K + 1);
        _report(0, 0, 0, 0);
        assertEq(stack.pendingOf(0).atRisk, 0);
        assertEq(stack.pending().atRisk, 11 * K + 1);
    }

    /// @dev A loud market cannot hurt the others whatever it says.
    function testFuzz_Report_SumsAreThoseOfTheLastReports(uint256[12] memory seeds) public {
        uint256[4] memory last;
        uint256 most = type(uint80).max >> 6;
        for (uint256 i; i < 12; ++i) {
            uint256 m = seeds[i] % 4;
            last[m] = (seeds[i] >> 8) % 3 == 0 ? 0 : seeds[i] >> ((seeds[i] >> 16) % 250);
            vm.prank(engine);
            stack.report(uint8(m * 21), last[m], last[m] / 2, last[m] / 3);
            uint256[3] memory sums;
            for (uint256 k; k < 4; ++k) {
                sums[0] += _min(last[k], most);
                sums[1] += _min(last[k] / 2, most);
                sums[2] += _min(last[k] / 3, most);
            }
            assertEq(stack.pending().gain, sums[0]);
            assertEq(stack.pending().loss, sums[1]);
            assertEq(stack.pending().atRisk, sums[2]);
            assertEq(_isClosed(), sums[2] > MOST);
        }
    }

    /* AT MOST THREE DAYS */

    function test_Gate_OpensByItselfAfterThreeDays() public {
        uint256 requestId = _requestAll(pool, bob);
        skip(7 days);
        _shut();
        uint256 shutAt = START + 7 days;
        vm.warp(shutAt + 3 days - 1);
        _risk(30 * K); // worse does not prolong it
        assertEq(pool.gateEnd(), shutAt + 3 days);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.GateClosed.selector, shutAt + 3 days));
        vm.prank(bob);
        pool.redeem(KSHARE, bob, bob);
        vm.warp(shutAt + 3 days);
        _risk(30 * K); // still at risk, but its time is over
        assertEq(pool.gateEnd(), shutAt + 3 days);
        assertEq(_join(pool, carol, K), KSHARE);
        assertEq(_claimAll(pool, bob, requestId), 1_600 * K);
    }

    function test_Gate_OpenTimeGivesBackAThirdOfItself() public {
        _shut();
        _warp(2 days);
        _open();
        _warp(3 days); // a day comes back
        vm.expectEmit(address(stack));
        emit ICapitalStack.GateMoved(true, MOST + 1);
        _shut();
        assertEq(pool.gateEnd(), START + 7 days);
        assertEq(pool.poolTime(), START + 3 days);
        _warp(2 days); // its time is over
        assertFalse(_isClosed());
        _open();
        _warp(9 days);
        _shut();
        assertEq(pool.gateEnd(), vm.getBlockTimestamp() + 3 days);
    }

    /// @dev Its time is used up and somebody reports in every block: it stays open until six hours have come back.
    function test_Gate_IsNotShutAgainBlockByBlock() public {
        _shut();
        _warp(3 days);
        for (uint256 i; i < 20; ++i) {
            _shut();
            assertFalse(_isClosed());
            _warp(12);
        }
        _warp(18 hours - 20 * 12 - 1);
        _shut();
        assertFalse(_isClosed());
        _warp(1);
        _shut();
        assertEq(pool.gateEnd(), vm.getBlockTimestamp() + 6 hours);
    }

    function test_Gate_NeverHasMoreThanThreeDays() public {
        _shut();
        _open();
        _warp(365 days);
        _shut();
        assertEq(pool.gateEnd(), START + 368 days);
    }

    /* WHAT WAITS */

    function test_RevertGiven_GateIsShut_AllClaims() public {
        _matureBoth();
        _shut();
        uint256 end = vm.getBlockTimestamp() + 3 days;
        _assertNoClaims(juniorPool, alice, end);
        _assertNoClaims(pool, bob, end);
        vm.warp(end);
        assertEq(_claimAll(juniorPool, alice, 1), 400 * K - MOST - 1, "what is at risk stays behind");
        assertEq(_claimAll(pool, bob, 1), 1_600 * K);
    }

    /// @dev Both are claimable: the junior's request since the last second, the senior's for two weeks.
    function _matureBoth() private {
        pool.setExitClocks(7 days, 14 days);
        _requestAll(juniorPool, alice);
        _requestAll(pool, bob);
        skip(21 days);
    }

    function _assertNoClaims(BackstopPool tranche, address staker, uint256 end) private {
        assertEq(tranche.maxRedeem(staker), 0);
        assertEq(tranche.maxWithdraw(staker), 0);
        assertEq(tranche.claimableRedeemRequest(1, staker), 0);
        assertEq(tranche.pendingRedeemRequest(1, staker), tranche.queuedShares());
        uint256 time = vm.getBlockTimestamp();
        bytes memory refusal = abi.encodeWithSelector(IBackstopPool.GateClosed.selector, end);
        vm.startPrank(staker);
        vm.expectRevert(refusal);
        tranche.claimExit(staker, 1, 1, staker);
        vm.expectRevert(refusal);
        tranche.claimExitWithin(staker, 1, 1, staker, 0, time);
        vm.expectRevert(refusal);
        tranche.redeem(1, staker, staker);
        vm.expectRevert(refusal);
        tranche.redeemWithin(1, staker, staker, 0, time);
        vm.expectRevert(refusal);
        tranche.withdraw(1, staker, staker);
        vm.expectRevert(refusal);
        tranche.withdrawWithin(1, staker, staker, type(uint256).max, time);
        vm.stopPrank();
    }

    function test_RevertGiven_GateIsShut_AllJoins() public {
        _shut();
        uint256 end = vm.getBlockTimestamp() + 3 days;
        _assertNoJoins(juniorPool, end);
        _assertNoJoins(pool, end);
        _open();
        _join(juniorPool, carol, K);
        _join(pool, carol, K);
    }

    function test_Gate_NoRequestMaturesMeanwhile() public {
        uint256 requestId = _requestAll(pool, bob);
        skip(7 days - 1);
        _shut();
        skip(3 days);
        assertEq(pool.poolTime(), START + 7 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.NotClaimableYet.selector, START + 7 days - 1, START + 7 days)
        );
        vm.prank(bob);
        pool.claimExit(bob, requestId, 1, bob);
        skip(1);
        assertEq(_claimAll(pool, bob, requestId), 1_600 * K);
    }

    function test_Gate_NoRequestLapsesMeanwhile() public {
        uint256 requestId = _requestAll(pool, bob);
        skip(10 days); // the last second of its window
        _shut();
        skip(2 days);
        bytes memory notLapsed = abi.encodeWithSelector(
            IBackstopPool.RequestNotLapsed.selector,
            START + 10 days,
            START + 10 days
        );
        vm.expectRevert(notLapsed);
        vm.prank(carol);
        pool.cancelExit(bob, requestId);
        _open();
        assertEq(pool.claimableRedeemRequest(requestId, bob), 1_600 * KSHARE);
        uint256 snapshot = vm.snapshotState();
        assertEq(_claimAll(pool, bob, requestId), 1_600 * K);
        vm.revertToState(snapshot);
        skip(1);
        vm.prank(carol);
        assertEq(pool.cancelExit(bob, requestId), 1_600 * KSHARE);
    }

    /* WHAT GOES ON */

    function test_Gate_StopsNeitherRequestsNorCancelsNorTransfers() public {
        _shut();
        uint256 requestId = _request(bob, 100 * KSHARE);
        assertEq(pool.exitRequest(bob, requestId).claimableAt, pool.poolTime() + 7 days);
        vm.startPrank(bob);
        assertEq(pool.cancelExit(bob, requestId), 100 * KSHARE);
        assertTrue(pool.transfer(carol, 100 * KSHARE));
        vm.stopPrank();
        assertEq(pool.balanceOf(carol), 100 * KSHARE);
        vm.prank(alice);
        juniorPool.requestRedeem(KSHARE, alice, alice);
        assertEq(juniorPool.queuedShares(), KSHARE);
    }

    function test_Gate_StopsNeitherDrawsNorIncome() public {
        _requestAll(pool, bob);
        _shut();
        assertEq(_draw(MARKET, 500 * K, DrawReason.LIQUIDATION), 500 * K);
        assertEq(pool.totalAssets(), 1_500 * K - ONE, "who waits pays too");
        _earn(30 * K, 0);
        uint256 before = pool.unvestedIncome();
        skip(36 hours);
        assertApproxEqAbs(pool.unvestedIncome() * 2, before, 1);
        _count(MARKET, K);
        _openBudgets();
    }

    /* PAUSE AND GATE */

    function test_PoolTime_PauseThenGateBothEndEarly() public {
        pool.pause();
        _warp(1 days);
        _shut();
        _warp(12 hours);
        pool.unpause();
        assertEq(pool.poolTime(), START, "the gate still stops it");
        assertEq(pool.joinsFrom(), START + 4 days);
        _warp(12 hours);
        assertEq(pool.poolTime(), START);
        _open();
        _warp(5 days);
        assertEq(pool.poolTime(), START + 5 days);
        assertEq(juniorPool.poolTime(), START + 6 days, "it was not paused");
    }

    function test_PoolTime_GateThenPauseGateOpensFirst() public {
        _shut();
        _warp(1 days);
        pool.pause();
        _warp(1 days);
        _open();
        assertEq(pool.joinsFrom(), START + 4 days, "the pause still keeps joiners out");
        assertEq(pool.poolTime(), START);
        _warp(2 days);
        assertEq(pool.poolTime(), START);
        _warp(1);
        assertEq(pool.poolTime(), START + 1);
    }

    function test_PoolTime_OneEndsInTheSecondTheOtherBegins() public {
        _shut();
        _warp(3 days);
        pool.pause();
        _warp(3 days);
        assertEq(pool.poolTime(), START);
        _open();
        _warp(1 days);
        _shut();
        _warp(3 days);
        // open for four days it had a third of that again: 32 hours of the last three days
        assertEq(pool.poolTime(), START + 1 days + 40 hours);
    }

    function test_PoolTime_ShutAndOpenedInOneSecondIsNoTime() public {
        _shut();
        _open();
        _warp(1 hours);
        assertEq(pool.poolTime(), START + 1 hours);
        pool.pause();
        _shut();
        _open();
        pool.unpause();
        _warp(1 hours);
        assertEq(pool.poolTime(), START + 2 hours);
    }

    /// @dev What the rules say of the two reasons to stand still, and when.
    struct Model {
        uint256 pauseEnd;
        uint256 gateEnd;
        bool isShut;
        uint256 used; // {s/3}
        uint256 seniorTime;
        uint256 juniorTime;
        uint256 now_;
    }

    function testFuzz_PoolTime_IsTimeWithoutTheUnionOfPausesAndGates(uint256 seed) public {
        Model memory m;
        (m.now_, m.seniorTime, m.juniorTime) = (START, START, START);
        for (uint256 i; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _step(m, (seed >> 128) % 8);
            uint256 delay = (seed >> 64) % 4 == 0 ? seed % 6 days : seed % 16 hours;
            if ((seed >> 96) % 8 == 0) delay = 0;
            if ((seed >> 96) % 8 == 1 && m.gateEnd > m.now_) delay = m.gateEnd - m.now_;
            // nothing happens between here and there: time passes from the later end on
            m.now_ += delay;
            uint256 shut = m.isShut ? delay - _min(delay, _above(m.now_, m.gateEnd)) : 0;
            m.used = _above(m.used + 3 * shut, delay - shut);
            uint256 gate = m.now_ < m.gateEnd ? 0 : _min(delay, m.now_ - m.gateEnd);
            uint256 pause = m.now_ < m.pauseEnd ? 0 : _min(delay, m.now_ - m.pauseEnd);
            m.juniorTime += gate;
            m.seniorTime += _min(gate, pause);
            vm.warp(m.now_);
            assertEq(pool.poolTime(), m.seniorTime, "senior");
            assertEq(juniorPool.poolTime(), m.juniorTime, "junior");
            assertEq(m.now_ < pool.gateEnd(), m.now_ < m.gateEnd, "gate");
            assertEq(m.now_ < pool.joinsFrom(), m.now_ < m.gateEnd || m.now_ < m.pauseEnd, "joins of the senior");
            assertEq(m.now_ < juniorPool.joinsFrom(), m.now_ < m.gateEnd, "joins of the junior");
        }
    }

    function _step(Model memory m, uint256 kind) private {
        if (kind == 0 && m.now_ >= m.pauseEnd + 14 days) {
            pool.pause();
            m.pauseEnd = m.now_ + 3 days;
        } else if (kind == 1 && m.now_ < m.pauseEnd) {
            pool.unpause();
            m.pauseEnd = m.now_;
        } else if (kind <= 4) {
            _risk(MOST + 1 + kind); // shut, or shut still, if there is time left for it
            bool isInForce = m.isShut && m.now_ < m.gateEnd;
            m.used = _min(m.used, 9 days);
            m.isShut = isInForce || m.used + 18 hours <= 9 days;
            if (m.isShut) m.gateEnd = m.now_ + (9 days - m.used) / 3;
        } else if (kind <= 6) {
            _risk(kind == 5 ? MOST : 0);
            if (m.isShut) {
                m.isShut = false;
                m.used = _min(m.used, 9 days);
                m.gateEnd = _min(m.gateEnd, m.now_);
            }
        }
    }
}
