// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice A pause refuses new stake and stops the pool's time, and nothing else.
contract BackstopPoolPauseTest is PoolTest {
    uint256 private constant PAUSE = 3 days;
    uint256 private constant REST = 14 days;

    function setUp() public override {
        super.setUp();
        _stake(alice, 1_000 * ONE);
        _stake(bob, 1_000 * ONE);
    }

    /* STAKE */

    function test_Pause_RefusesNewStakeUntilItEnds() public {
        vm.expectEmit(address(pool));
        emit IBackstopPool.Paused(START + PAUSE);
        pool.pause();

        assertEq(pool.pausedUntil(), START + PAUSE);
        _assertNoJoins(pool, START + PAUSE);
        vm.warp(START + PAUSE - 1);
        _assertNoJoins(pool, START + PAUSE);
        vm.warp(START + PAUSE);
        assertGt(pool.maxDeposit(carol), 0);
        assertGt(pool.maxMint(carol), 0);
        assertEq(_stake(carol, ONE), SHARE);
    }

    /* CLOCKS */

    function test_Pause_StopsTheClocksOfAllRequests() public {
        uint256 early = _request(alice, SHARE);
        skip(1 days);
        pool.pause();
        uint256 late = _request(bob, SHARE);
        skip(2 days);
        assertEq(pool.poolTime(), START + 1 days, "no time passes");
        assertEq(pool.exitRequest(bob, late).claimableAt, START + 8 days, "whenever it was made");

        vm.warp(START + 10 days - 1);
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.NotClaimableYet.selector, START + 7 days - 1, START + 7 days)
        );
        pool.claimExit(alice, early, SHARE, alice);
        vm.warp(START + 10 days);
        assertEq(pool.claimableRedeemRequest(early, alice), SHARE, "three days later than without the pause");
        assertEq(pool.pendingRedeemRequest(late, bob), SHARE);
        vm.warp(START + 11 days);
        assertEq(pool.claimableRedeemRequest(late, bob), SHARE);
    }

    function test_Pause_LetsNothingLapseAndKeepsClaimableWhatIs() public {
        uint256 requestId = _matured(alice);
        skip(3 days); // the last second of its window
        pool.pause();
        skip(PAUSE);
        vm.prank(carol);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.RequestNotLapsed.selector, START + 10 days, START + 10 days)
        );
        pool.cancelExit(alice, requestId);
        vm.prank(alice);
        assertEq(pool.claimExit(alice, requestId, SHARE, alice), ONE);

        vm.warp(block.timestamp + 1);
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.RequestLapsed.selector, START + 10 days + 1, START + 10 days)
        );
        pool.claimExit(alice, requestId, SHARE, alice);
    }

    function test_Pause_StopsNeitherExitsNorLossesNorIncome() public {
        uint256 requestId = _matured(alice);
        pool.pause();
        _income(90 * ONE);
        skip(1 days);
        assertEq(pool.unvestedIncome(), 60 * ONE, "income vests by the clock on the wall");
        assertEq(_absorb(560 * ONE), 560 * ONE, "a loss is taken");
        assertEq(pool.unvestedIncome(), 0);
        vm.prank(alice);
        assertApproxEqAbs(
            pool.claimExit(alice, requestId, 500 * SHARE, alice),
            382.5e6,
            1,
            "and what was claimable is paid"
        );
        vm.prank(alice);
        pool.cancelExit(alice, requestId);
        vm.prank(bob);
        assertTrue(pool.transfer(carol, SHARE));
        assertEq(_request(carol, SHARE), 1);
    }

    /* LIMITS */

    function test_Unpause_EndsItAndCountsOnlyWhatPassed() public {
        pool.pause();
        skip(1 hours);
        vm.expectEmit(address(pool));
        emit IBackstopPool.Unpaused();
        pool.unpause();

        assertEq(pool.pausedUntil(), START + 1 hours);
        _stake(carol, ONE);
        skip(1 days);
        assertEq(pool.poolTime(), START + 1 days);
    }

    function test_RevertWhen_ThereIsNothingToUnpause() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotPaused.selector, START, 0));
        pool.unpause();
        pool.pause();
        skip(PAUSE);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotPaused.selector, START + PAUSE, START + PAUSE));
        pool.unpause();
    }

    function test_RevertWhen_ThePauseComesTooSoon() public {
        pool.pause();
        _assertTooEarly(START + PAUSE + REST);
        pool.unpause();
        _assertTooEarly(START + REST);
        vm.warp(START + REST - 1);
        _assertTooEarly(START + REST);
        vm.warp(START + REST);
        pool.pause();
        assertEq(pool.pausedUntil(), START + REST + PAUSE);
    }

    function _assertTooEarly(uint256 earliest) private {
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.PauseTooEarly.selector, block.timestamp, earliest));
        pool.pause();
    }

    function test_RevertWhen_CallerIsNotTheGuardian() public {
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(refusal);
        pool.pause();
        vm.expectRevert(refusal);
        pool.unpause();
    }

    /// @dev Time on the wall = the pool's time + all pauses; and the guardian can stop at most three of seventeen days.
    function testFuzz_PoolTime_IsTheTimeWithoutPauses(uint256 seed) public {
        uint256 paused;
        for (uint256 i; i < 20; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            skip(REST + (seed % 5 days)); // the last one is over by now
            assertEq(pool.poolTime() + paused, block.timestamp);
            pool.pause();
            uint256 lasts = PAUSE;
            if (seed & 1 == 0) {
                lasts = (seed >> 8) % PAUSE;
                skip(lasts);
                pool.unpause();
            } else {
                skip(PAUSE);
            }
            paused += lasts;
        }
        assertEq(pool.poolTime() + paused, block.timestamp);
        assertLe(paused * 17, (block.timestamp - START) * 3);
    }
}
