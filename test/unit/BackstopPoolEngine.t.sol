// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

contract BackstopPoolEngineTest is PoolTest {
    function setUp() public override {
        super.setUp();
        _stake(alice, 1_000 * ONE);
    }

    /* ABSORB */

    function test_Absorb_PaysTheEngineAndReportsTheRest() public {
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(7, DrawReason.INVENTORY, 700 * ONE, 0, 500 * ONE);
        vm.expectEmit(address(token));
        emit IERC20.Transfer(address(pool), engine, 500 * ONE);
        vm.prank(engine);
        uint256 paid = stack.absorb(7, 700 * ONE, DrawReason.INVENTORY);

        assertEq(paid, 500 * ONE); // half of the pool is a market's budget of the day
        assertEq(token.balanceOf(engine), 500 * ONE);
        assertEq(pool.totalAssets(), 500 * ONE);
        assertEq(pool.totalSupply(), 1_000 * SHARE);
    }

    function test_RevertWhen_CallerIsNotEngine() public {
        bytes memory stranger = abi.encodeWithSelector(ICapitalStack.NotEngine.selector, address(this));
        vm.expectRevert(stranger);
        stack.absorb(1, ONE, DrawReason.LIQUIDATION);
        vm.expectRevert(stranger);
        stack.receiveIncome(ONE, 0);
    }

    function test_Absorb_NothingIsNoTransfer() public {
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, 0, 0, 0);
        assertEq(_absorb(0), 0);
        assertEq(pool.totalAssets(), 1_000 * ONE);
    }

    function test_Absorb_OfAnEmptyPoolPaysNothing() public {
        (stack, pool) = _newPool(address(token));
        assertEq(stack.absorbable(MARKET), 0);
        assertEq(_absorb(type(uint256).max), 0);
    }

    function test_Absorb_StaysInTheBudgetsAcrossDaysAndWindows() public {
        assertEq(_absorb(type(uint256).max), 500 * ONE); // day: 50% of 1000
        assertEq(_absorb(type(uint256).max), 0); // day: used up
        skip(1 days);
        assertEq(_absorb(type(uint256).max), 250 * ONE); // day: 50% of 500; window: 80% of 1000 - 500 = 300
        skip(1 days);
        assertEq(_absorb(type(uint256).max), 50 * ONE); // day: 125; window: 800 - 750
        vm.warp(START + 7 days - 1);
        assertEq(stack.absorbable(MARKET), 0);
        assertEq(_absorb(type(uint256).max), 0);
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 0);
        assertEq(inWindow, 800 * ONE);

        skip(1); // the next window starts
        (today, inWindow) = stack.drawn(MARKET);
        assertEq(inWindow, 0);
        assertEq(_absorb(type(uint256).max), 100 * ONE); // day: 50% of 200
    }

    function test_Absorb_MarketsHaveTheirOwnDays() public {
        assertEq(_absorb(type(uint256).max), 500 * ONE);
        vm.prank(engine);
        assertEq(stack.absorb(MARKET + 1, type(uint256).max, DrawReason.LIQUIDATION), 250 * ONE); // 50% of what is there
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 500 * ONE);
        assertEq(inWindow, 750 * ONE);
        vm.prank(engine);
        assertEq(stack.absorb(MARKET + 2, type(uint256).max, DrawReason.LIQUIDATION), 50 * ONE); // left of the window
    }

    function test_Absorb_BudgetGrowsWithNewStake() public {
        _absorb(type(uint256).max);
        _stake(bob, 500 * ONE);
        assertEq(stack.absorbable(MARKET), 250 * ONE); // 50% of (1000 + 500) - 500
    }

    function testFuzz_Absorb_InManyDrawsPaysNoMoreThanInOne(uint256 seed) public {
        uint256 max = stack.absorbable(MARKET);
        uint256 total;
        for (uint256 i; i < 8; ++i) {
            uint256 requested = uint256(keccak256(abi.encode(seed, i))) % (200 * ONE);
            uint256 expected = stack.absorbable(MARKET);
            if (requested < expected) expected = requested;
            uint256 paid = _absorb(requested);
            assertEq(paid, expected);
            total += paid;
        }
        assertLe(total, max);
    }

    function test_Absorb_LeavesTheFloorWhateverIsAsked() public {
        _openBudgets();
        uint256[5] memory losses = [1_000 * ONE - 1, 999 * ONE, 999 * ONE + 1, 1_000 * ONE, 3_000 * ONE];
        for (uint256 i; i < losses.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            assertEq(_absorb(losses[i]), 999 * ONE);
            assertEq(pool.totalAssets(), ONE);
            assertEq(pool.freeStake(), 0);
            assertEq(stack.absorbable(MARKET), 0);
            assertEq(_absorb(1), 0);
            vm.revertToState(snapshot);
        }
        assertEq(_absorb(999 * ONE - 1), 999 * ONE - 1);
        assertEq(pool.totalAssets(), ONE + 1);
    }

    /* WIPED */

    function testFuzz_Wiped_NewcomerIsNotDiluted(uint256 stake) public {
        _openBudgets();
        _absorb(type(uint256).max);
        stake = bound(stake, ONE, 1e12 * ONE);

        uint256 shares = _stake(bob, stake);

        assertGe(pool.convertToAssets(shares), stake - 1);
        assertLe(pool.convertToAssets(pool.balanceOf(alice)), ONE); // wiped shares own the floor, not the new stake
    }

    function test_Wiped_ThreeTimesInARowStillJoinsAndLeaves() public {
        _openBudgets();
        for (uint256 i; i < 3; ++i) {
            _absorb(type(uint256).max);
            assertEq(pool.totalAssets(), ONE);
            _stake(bob, 1_000_000 * ONE);
            skip(7 days);
        }
        uint256 shares = pool.balanceOf(bob);
        uint256 worth = pool.convertToAssets(shares);
        assertGe(worth, 1_000_000 * ONE - 1);
        uint256 requestId = _matured(bob);
        assertEq(_claim(bob, requestId), worth);
        assertEq(pool.freeStake(), 0);
    }

    function test_Wiped_RequestsOfHugeSharesMustBeSplit() public {
        _stake(alice, 16e6 * ONE);
        _openBudgets();
        _absorb(type(uint256).max);
        _stake(bob, 2e12 * ONE);
        uint256 shares = pool.balanceOf(bob);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 104, shares));
        pool.requestRedeem(shares, bob, bob);
        uint256 requestId = _request(bob, type(uint104).max);
        skip(7 days);
        assertGt(_claim(bob, requestId), 1e12 * ONE);
    }

    /* FREE STAKE */

    function test_FreeStake_LeavesOutQueueAndFloor() public {
        _stake(bob, 500 * ONE);
        assertEq(pool.freeStake(), 1_499 * ONE);
        _request(alice, 600 * SHARE);
        assertEq(pool.freeStake(), 899 * ONE);
        _income(100 * ONE); // not vested: no coverage yet
        assertEq(pool.freeStake(), 899 * ONE);
        vm.prank(alice);
        pool.cancelExit(alice, 1);
        assertEq(pool.freeStake(), 1_499 * ONE);
    }

    function test_FreeStake_IsZeroBelowTheFloor() public {
        (stack, pool) = _newPool(address(token));
        assertEq(pool.freeStake(), 0);
        _stake(alice, ONE - 1);
        assertEq(pool.freeStake(), 0);
    }

    /* INCOME */

    function test_ReceiveIncome_VestsOverThePeriod() public {
        token.mint(address(stack), 300 * ONE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.IncomeReceived(300 * ONE, 300 * ONE, uint32(START + 3 days));
        vm.prank(engine);
        stack.receiveIncome(300 * ONE, 0);

        assertEq(pool.totalAssets(), 1_000 * ONE);
        assertEq(pool.unvestedIncome(), 300 * ONE);
        skip(1 days);
        assertEq(pool.totalAssets(), 1_100 * ONE);
        assertEq(pool.unvestedIncome(), 200 * ONE);
        skip(2 days);
        assertEq(pool.totalAssets(), 1_300 * ONE);
        skip(365 days);
        assertEq(pool.totalAssets(), 1_300 * ONE);
    }

    function test_ReceiveIncome_MovesTheEndByWeight() public {
        _income(300 * ONE);
        skip(1 days);
        token.mint(address(stack), 200 * ONE);
        vm.expectEmit(address(pool));
        // 200 for two days more and 200 for three: two and a half
        emit IBackstopPool.IncomeReceived(200 * ONE, 400 * ONE, uint32(START + 3 days + 12 hours));
        vm.prank(engine);
        stack.receiveIncome(200 * ONE, 0);
        assertEq(pool.totalAssets(), 1_100 * ONE);
        skip(30 hours);
        assertEq(pool.totalAssets(), 1_300 * ONE);
    }

    function test_ReceiveIncome_OfDustDelaysNothing() public {
        _income(300 * ONE);
        for (uint256 i; i < 100; ++i) {
            skip(10 minutes);
            _income(1);
        }
        vm.warp(START + 3 days);
        assertEq(pool.unvestedIncome(), 0);
        assertEq(pool.totalAssets(), 1_300 * ONE + 100);
    }

    function testFuzz_ReceiveIncome_MovesNoPriceAndNoEndBeyondThePeriod(
        uint256 first,
        uint256 wait,
        uint256 second
    ) public {
        _income(bound(first, 1, 1e9 * ONE));
        skip(bound(wait, 0, 4 days));
        uint256 assets = pool.totalAssets();
        uint256 booked = _booked();
        second = bound(second, 1, 1e9 * ONE);

        _income(second);

        assertEq(pool.totalAssets(), assets);
        skip(3 days);
        assertEq(pool.unvestedIncome(), 0);
        assertEq(pool.totalAssets(), booked + second);
    }

    /// @dev A penalty of 50,000 arrives in a pool of a million, and nine millions come for one block of 12 s around it. Who came just
    /// before gets at most 50,000 * 9 / 10 * 12 s / 3 days = 2.083333; who came just after, nothing at all, however long he stays.
    function test_ReceiveIncome_StakeAroundALargePenaltyEarnsOneBlockOfIt() public {
        _stake(alice, 999_000 * ONE); // a million in all
        uint256 before = _stake(bob, 9_000_000 * ONE);
        _income(50_000 * ONE);
        uint256 afterwards = _stake(carol, 9_000_000 * ONE);
        skip(12);
        uint256 bobs = _request(bob, before);
        uint256 carols = _request(carol, afterwards);
        assertLe(pool.exitRequest(bob, bobs).valueCap, 9_000_000 * ONE + 2_083_333);
        assertLt(pool.exitRequest(carol, carols).valueCap, 9_000_000 * ONE);
        skip(7 days);
        assertLe(_claim(bob, bobs), 9_000_000 * ONE + 2_083_333);
        assertLt(_claim(carol, carols), 9_000_000 * ONE);
        // what both have left behind is with those who stayed
        assertGt(pool.convertToAssets(pool.balanceOf(alice)), 999_000 * ONE + 49_900 * ONE);
    }

    /// @dev Who joins in the middle pays for what has not vested: nobody has it sooner, and he not for less.
    function test_ReceiveIncome_AJoinerMovesNoIncome() public {
        _income(300 * ONE);
        skip(1 days);
        uint256 worth = pool.convertToAssets(SHARE);
        uint256 shares = _stake(bob, 1_000_000 * ONE);
        assertApproxEqAbs(pool.convertToAssets(SHARE), worth, 1);
        skip(12);
        assertLe(pool.convertToAssets(1_000 * SHARE) - 1_000 * worth, (300 * ONE * 12) / 3 days + 1_000);
        skip(2 days);
        assertApproxEqAbs(pool.convertToAssets(shares), 1_000_000 * ONE, 1_000);
        assertApproxEqAbs(pool.convertToAssets(1_000 * SHARE), 1_300 * ONE, 1_000);
    }

    function test_ReceiveIncome_OfZeroIsNothing() public {
        vm.recordLogs();
        _income(0);
        assertEq(vm.getRecordedLogs().length, 1); // the token's own Transfer of the mint
        assertEq(pool.unvestedIncome(), 0);
    }

    function test_RevertWhen_IncomeWasNotSent() public {
        vm.prank(engine);
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.TokenShort.selector, 0, 1));
        stack.receiveIncome(1, 0);
    }

    function test_Absorb_TakesUnvestedIncomeFirst() public {
        _income(300 * ONE);
        skip(1 days);
        uint256 worth = pool.convertToAssets(SHARE);

        assertEq(_absorb(150 * ONE), 150 * ONE);
        assertEq(pool.convertToAssets(SHARE), worth); // no share lost anything
        assertEq(pool.unvestedIncome(), 50 * ONE);
        skip(1 days);
        assertEq(pool.unvestedIncome(), 25 * ONE); // until the same end

        assertEq(_absorb(100 * ONE), 100 * ONE);
        assertEq(pool.unvestedIncome(), 0);
        assertEq(pool.totalAssets(), 1_050 * ONE); // 1150 booked - 100
    }

    /* GOVERNANCE */

    function test_SetBudgets_WithinBounds() public {
        vm.expectEmit(address(stack));
        emit ICapitalStack.BudgetsSet(500, 10_000);
        stack.setBudgets(500, 10_000);
        (uint16 day, uint16 window) = stack.budgets();
        assertEq(day, 500);
        assertEq(window, 10_000);
        assertEq(stack.absorbable(MARKET), 50 * ONE);
    }

    /// @dev In full, whatever the budgets: a draw shrinks the pool and its budget with it, a counted loss only uses the budget up.
    function test_CountLoss_UsesTheBudgetsInFull() public {
        stack.setBudgets(5_000, 6_000);
        uint256 paid = _absorb(100 * ONE);
        uint256 left = stack.absorbable(MARKET);
        assertEq(left, 500 * ONE - paid);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossCounted(MARKET, 300 * ONE);
        vm.prank(engine);
        stack.countLoss(MARKET, 300 * ONE);
        assertEq(stack.absorbable(MARKET), left - 300 * ONE);
        assertEq(stack.absorbable(MARKET + 1), 200 * ONE); // the window's
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 400 * ONE);
        assertEq(inWindow, 400 * ONE);
        stack.setBudgets(10_000, 10_000);
        assertEq(stack.absorbable(MARKET), 600 * ONE);
        vm.prank(engine);
        stack.countLoss(MARKET, type(uint256).max); // more than everything is everything
        assertEq(stack.absorbable(MARKET), 0);
        assertEq(pool.totalAssets(), 900 * ONE); // nothing was paid
        vm.warp(vm.getBlockTimestamp() + 7 days);
        assertGt(stack.absorbable(MARKET), 0);
    }

    function test_RevertWhen_CountLossIsNotTheEngines() public {
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NotEngine.selector, alice));
        vm.prank(alice);
        stack.countLoss(MARKET, 1);
    }

    function test_RevertWhen_BudgetIsOutOfRange() public {
        uint16[2] memory bad = [uint16(499), 10_001];
        for (uint256 i; i < 2; ++i) {
            bytes memory outside = abi.encodeWithSelector(ICapitalStack.BudgetOutOfRange.selector, bad[i], 500, 10_000);
            vm.expectRevert(outside);
            stack.setBudgets(bad[i], 5_000);
            vm.expectRevert(outside);
            stack.setBudgets(5_000, bad[i]);
        }
    }

    function test_SetBudgets_KeepsTheDrawsOfTheWindow() public {
        _absorb(type(uint256).max);
        stack.setBudgets(10_000, 6_000);
        assertEq(stack.absorbable(MARKET), 100 * ONE); // 60% of 1000 - 500
    }

    function test_SetExitClocks_WithinBounds() public {
        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitClocksSet(30 days, 14 days);
        pool.setExitClocks(30 days, 14 days);
        (uint32 cooldown, uint32 claimWindow) = pool.exitClocks();
        assertEq(cooldown, 30 days);
        assertEq(claimWindow, 14 days);
    }

    function test_RevertWhen_ClockIsOutOfRange() public {
        uint32[2] memory cooldowns = [uint32(1 days - 1), 30 days + 1];
        uint32[2] memory windows = [uint32(1 days - 1), 14 days + 1];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IBackstopPool.ClockOutOfRange.selector, cooldowns[i], 1 days, 30 days)
            );
            pool.setExitClocks(cooldowns[i], 3 days);
            vm.expectRevert(
                abi.encodeWithSelector(IBackstopPool.ClockOutOfRange.selector, windows[i], 1 days, 14 days)
            );
            pool.setExitClocks(7 days, windows[i]);
        }
    }

    function test_RevertWhen_CallerIsNotGovernance() public {
        address[2] memory strangers = [engine, alice];
        for (uint256 i; i < 2; ++i) {
            bytes memory refused = abi.encodeWithSelector(
                IAccessManaged.AccessManagedUnauthorized.selector,
                strangers[i]
            );
            vm.startPrank(strangers[i]);
            vm.expectRevert(refused);
            stack.setBudgets(5_000, 5_000);
            vm.expectRevert(refused);
            pool.setExitClocks(7 days, 3 days);
            vm.stopPrank();
        }
    }
}
