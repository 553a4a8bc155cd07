// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {StackTest} from "../helpers/StackTest.sol";

/// @notice Who pays a draw, and how much a draw may be.
contract CapitalStackLossesTest is StackTest {
    uint256 private constant ALL = type(uint256).max;

    mapping(uint256 market => uint256) private draws; // {asset} in the model's day

    /* ORDER */

    function test_Absorb_JuniorPaysFirst() public {
        _fill(400 * ONE, 1_600 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, 300 * ONE, 300 * ONE, 0);
        vm.expectEmit(address(juniorPool));
        emit IBackstopPool.LossTaken(300 * ONE);
        assertEq(_draw(MARKET, 300 * ONE, DrawReason.LIQUIDATION), 300 * ONE);

        assertEq(juniorPool.totalAssets(), 100 * ONE);
        assertEq(pool.totalAssets(), 1_600 * ONE, "the senior tranche is untouched");
        assertEq(token.balanceOf(engine), 300 * ONE);
    }

    function test_Absorb_SeniorPaysWhatTheJuniorFloorLeaves() public {
        _fill(400 * ONE, 1_600 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, 700 * ONE, 399 * ONE, 301 * ONE);
        vm.expectEmit(address(juniorPool));
        emit IBackstopPool.LossTaken(399 * ONE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.LossTaken(301 * ONE);
        assertEq(_draw(MARKET, 700 * ONE, DrawReason.LIQUIDATION), 700 * ONE);

        assertEq(juniorPool.totalAssets(), ONE, "its floor");
        assertEq(pool.totalAssets(), 1_299 * ONE);
        assertEq(token.balanceOf(engine), 700 * ONE);
    }

    function test_Absorb_JuniorAtItsFloorPaysNothingMore() public {
        _openBudgets();
        _fill(400 * ONE, 1_600 * ONE);
        _draw(MARKET, 399 * ONE, DrawReason.LIQUIDATION);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, 1, 0, 1);
        _draw(MARKET, 1, DrawReason.LIQUIDATION);
    }

    function test_Absorb_PaysAllButBothFloorsWhenBudgetsAllow() public {
        _openBudgets();
        _fill(400 * ONE, 1_600 * ONE);
        assertEq(stack.absorbable(MARKET), 1_998 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, ALL, 399 * ONE, 1_599 * ONE);
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 1_998 * ONE);
        assertEq(juniorPool.totalAssets(), ONE);
        assertEq(pool.totalAssets(), ONE);
        assertEq(stack.absorbable(MARKET), 0);
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 0);
    }

    function test_Absorb_WithBothEmptyPaysNothing() public {
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.INVENTORY, ALL, 0, 0);
        assertEq(_draw(MARKET, ALL, DrawReason.INVENTORY), 0);
        assertEq(stack.absorbable(MARKET), 0);
        assertEq(stack.totalAssets(), 0);
        assertEq(stack.freeStake(), 0);
    }

    function test_Absorb_WithJuniorEmptySeniorPays() public {
        _fill(0, 1_000 * ONE);
        assertEq(_draw(MARKET, 200 * ONE, DrawReason.LIQUIDATION), 200 * ONE);
        assertEq(pool.totalAssets(), 800 * ONE);
    }

    function test_Absorb_WithSeniorEmptyJuniorPaysToItsFloor() public {
        _openBudgets();
        _fill(1_000 * ONE, 0);
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 999 * ONE);
    }

    function test_Absorb_JuniorDustBelowTheFloorIsNotTouched() public {
        _fill(ONE - 1, 1_000 * ONE);
        assertEq(_draw(MARKET, 10 * ONE, DrawReason.LIQUIDATION), 10 * ONE);
        assertEq(juniorPool.totalAssets(), ONE - 1);
        assertEq(pool.totalAssets(), 990 * ONE);
        _join(juniorPool, alice, 2); // one unit above the floor
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossAbsorbed(MARKET, DrawReason.LIQUIDATION, 10, 1, 9);
        _draw(MARKET, 10, DrawReason.LIQUIDATION);
        assertEq(juniorPool.totalAssets(), ONE);
    }

    function test_Absorb_UnvestedIncomeOfATranchePaysForItsOwnTranche() public {
        _fill(100 * ONE, 100 * ONE);
        _earn(30 * ONE, 0); // 20 to the junior tranche, 10 to the senior one
        _draw(MARKET, 20 * ONE, DrawReason.LIQUIDATION);
        assertEq(juniorPool.totalAssets(), 100 * ONE, "what had not vested paid");
        assertEq(juniorPool.unvestedIncome(), 0);
        assertEq(pool.unvestedIncome(), 10 * ONE);
    }

    function test_Absorb_QueuedSharesLoseTheSameFraction() public {
        _fill(400 * ONE, 1_600 * ONE);
        _join(juniorPool, carol, 400 * ONE);
        uint256 requestId = _requestAll(juniorPool, carol);
        _draw(MARKET, 200 * ONE, DrawReason.LIQUIDATION);
        skip(21 days);
        assertEq(_claimAll(juniorPool, carol, requestId), 300 * ONE);
        assertEq(juniorPool.totalAssets(), 300 * ONE);
    }

    /* BUDGETS */

    function test_Absorb_BudgetsAreSharesOfBothBooks() public {
        _fill(400 * ONE, 1_600 * ONE);
        assertEq(stack.absorbable(MARKET), 1_000 * ONE, "half of both in a day");
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 1_000 * ONE);
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 0);
        // another market's day: half of 1,000; the window: 80 % of 2,000 less 1,000
        assertEq(_draw(MARKET + 1, ALL, DrawReason.LIQUIDATION), 500 * ONE);
        // half of 500; the window has 100 left
        assertEq(stack.absorbable(MARKET + 2), 100 * ONE);
        assertEq(_draw(MARKET + 2, ALL, DrawReason.LIQUIDATION), 100 * ONE);
        assertEq(_draw(MARKET + 3, ALL, DrawReason.LIQUIDATION), 0);
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 1_000 * ONE);
        assertEq(inWindow, 1_600 * ONE);
    }

    function test_Absorb_DayAndWindowBeginAfreshAtTheirBounds() public {
        _fill(400 * ONE, 1_600 * ONE);
        _draw(MARKET, ALL, DrawReason.LIQUIDATION);
        vm.warp(START + 1 days - 1);
        assertEq(stack.absorbable(MARKET), 0);
        vm.warp(START + 1 days);
        assertEq(stack.absorbable(MARKET), 500 * ONE, "half of what is left");
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 0);
        assertEq(inWindow, 1_000 * ONE);
        _draw(MARKET, ALL, DrawReason.LIQUIDATION);
        vm.warp(START + 7 days - 1);
        assertEq(stack.absorbable(MARKET), 100 * ONE); // 80 % of 2,000 less 1,500
        vm.warp(START + 7 days);
        assertEq(stack.absorbable(MARKET), 250 * ONE);
        (, inWindow) = stack.drawn(MARKET);
        assertEq(inWindow, 0);
    }

    function test_Absorb_ReasonsHaveCapsOverBothBooks() public {
        assertEq(stack.reasonCapBps(DrawReason.LIQUIDATION), 10_000);
        assertEq(stack.reasonCapBps(DrawReason.INVENTORY), 5_000);
        assertEq(stack.reasonCapBps(DrawReason.ORACLE_FAILURE), 3_000);
        assertEq(stack.reasonCapBps(DrawReason.ENGINE_DEFICIT), 2_000);
        stack.setBudgets(10_000, 10_000);
        _fill(400 * ONE, 1_600 * ONE);
        assertEq(_draw(64, ALL, DrawReason.ENGINE_DEFICIT), 400 * ONE); // 20 % of 2,000
        assertEq(_draw(64, ALL, DrawReason.ENGINE_DEFICIT), 0);
        assertEq(_draw(1, ALL, DrawReason.ORACLE_FAILURE), 480 * ONE); // 30 % of 1,600
        assertEq(_draw(2, ALL, DrawReason.ORACLE_FAILURE), 0, "in all markets together");
        assertEq(_draw(1, ALL, DrawReason.INVENTORY), 560 * ONE); // half of 1,120
        skip(1 days);
        assertEq(_draw(2, ALL, DrawReason.INVENTORY), 0, "for the whole window");
        assertEq(_draw(2, ALL, DrawReason.LIQUIDATION), 558 * ONE, "the floors stay");
    }

    function test_Absorb_ReasonCapsBeginAfreshWithTheWindow() public {
        _fill(400 * ONE, 1_600 * ONE);
        assertEq(_draw(64, ALL, DrawReason.ENGINE_DEFICIT), 400 * ONE);
        vm.warp(START + 7 days - 1);
        assertEq(_draw(64, ALL, DrawReason.ENGINE_DEFICIT), 0);
        vm.warp(START + 7 days);
        assertEq(_draw(64, ALL, DrawReason.ENGINE_DEFICIT), 320 * ONE);
    }

    function test_CountLoss_UsesUpBudgetsInFullAndPaysNothing() public {
        _fill(400 * ONE, 1_600 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossCounted(MARKET, 700 * ONE);
        _count(MARKET, 700 * ONE);
        assertEq(token.balanceOf(engine), 0);
        assertEq(stack.totalAssets(), 2_000 * ONE);
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, 700 * ONE);
        assertEq(inWindow, 700 * ONE);
        assertEq(stack.absorbable(MARKET), 300 * ONE); // 1,000 less 700
        assertEq(stack.absorbable(MARKET + 1), 900 * ONE); // 1,600 less 700
        _count(MARKET, 300 * ONE + 1);
        assertEq(stack.absorbable(MARKET), 0);
        skip(1 days);
        assertEq(stack.absorbable(MARKET), 600 * ONE - 1);
        vm.warp(START + 7 days);
        assertEq(stack.absorbable(MARKET), 1_000 * ONE);
    }

    function test_CountLoss_OfAnyAmountNeverReverts() public {
        _fill(400 * ONE, 1_600 * ONE);
        _count(MARKET, ALL);
        _count(MARKET, ALL);
        (uint256 today, uint256 inWindow) = stack.drawn(MARKET);
        assertEq(today, type(uint80).max);
        assertEq(inWindow, type(uint80).max);
        assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), 0);
        assertEq(_draw(MARKET + 1, 1, DrawReason.LIQUIDATION), 0);
    }

    /// @dev The engine leaves a draw 300,000 of gas, of which 63/64 arrive. Slots are cold here, but some were written in this
    /// transaction already, hence the margin.
    function test_Absorb_NeedsLessGasThanTheEngineLeavesIt() public {
        _fill(400 * ONE, 1_600 * ONE);
        _earn(30 * ONE, 0);
        _coolAll();
        vm.prank(engine);
        uint256 paid = stack.absorb{gas: 250_000}(MARKET, ALL, DrawReason.INVENTORY);
        assertEq(paid, 1_015 * ONE);
    }

    /// @dev Both tranches are left with a millionth of a billion: shares are rescaled.
    function test_Absorb_NeedsLessGasThanTheEngineLeavesItWhenSharesAreRescaled() public {
        _openBudgets();
        _fill(1e18, 1e18);
        _draw(MARKET, ALL, DrawReason.LIQUIDATION);
        skip(7 days);
        _join(juniorPool, alice, 1e18);
        _join(pool, bob, 1e18);
        _coolAll();
        uint256 before = pool.rescalings();
        vm.prank(engine);
        stack.absorb{gas: 250_000}(MARKET, ALL, DrawReason.LIQUIDATION);
        assertGt(pool.rescalings(), before);
    }

    function _coolAll() private {
        vm.cool(address(stack));
        vm.cool(address(juniorPool));
        vm.cool(address(pool));
        vm.cool(address(token));
    }

    /* ANY AMOUNTS */

    /// @dev A model that knows only the rules: three draws of any size, market and reason, a counted loss and time between.
    struct Model {
        uint256 below;
        uint256 above;
        uint256 window;
        uint256 counted;
        uint256[3] today;
        uint256[4] byReason;
    }

    function testFuzz_Absorb_FollowsTheRulesAtAnyAmounts(
        uint256 below,
        uint256 above,
        uint256[4] memory wants,
        uint8[4] memory kinds,
        uint16 dayBps,
        uint16 windowBps
    ) public {
        Model memory m;
        m.below = bound(below, 0, 1e15);
        m.above = bound(above, 0, 1e15);
        dayBps = uint16(bound(dayBps, 500, 10_000));
        windowBps = uint16(bound(windowBps, 500, 10_000));
        stack.setBudgets(dayBps, windowBps);
        _fill(m.below, m.above);
        for (uint256 i; i < 4; ++i) {
            uint8 market = uint8(kinds[i] % 3);
            DrawReason reason = DrawReason((kinds[i] / 3) % 4);
            uint256 want = kinds[i] > 200 ? ALL - wants[i] : bound(wants[i], 0, 2e15);
            if (kinds[i] % 7 == 6) {
                uint256 counted = bound(wants[i], 0, 1e14);
                _count(market, counted);
                m.counted += counted;
                m.today[market] += counted;
                continue;
            }
            uint256 expected = _expected(m, market, reason, want, dayBps, windowBps);
            uint256 byJunior = _min(expected, _above(m.below, ONE));
            vm.expectEmit(address(stack));
            emit ICapitalStack.LossAbsorbed(market, reason, want, byJunior, expected - byJunior);
            assertEq(_draw(market, want, reason), expected);
            m.below -= byJunior;
            m.above -= expected - byJunior;
            m.today[market] += expected;
            draws[market] += expected;
            m.window += expected;
            m.byReason[uint256(reason)] += expected;
            assertEq(juniorPool.bookedAssets(), m.below);
            assertEq(pool.bookedAssets(), m.above);
            assertEq(token.balanceOf(address(juniorPool)) + token.balanceOf(address(pool)), m.below + m.above);
        }
        assertEq(token.balanceOf(engine), m.window);
    }

    function _expected(
        Model memory m,
        uint256 market,
        DrawReason reason,
        uint256 want,
        uint256 dayBps,
        uint256 windowBps
    ) private view returns (uint256 paid) {
        uint256 booked = m.below + m.above;
        paid = _min(want, _above(m.below, ONE) + _above(m.above, ONE));
        paid = _min(paid, _above(((booked + draws[market]) * dayBps) / 10_000, m.today[market]));
        paid = _min(paid, _above(((booked + m.window) * windowBps) / 10_000, m.window + m.counted));
        uint256[4] memory caps = [uint256(10_000), 5_000, 3_000, 2_000];
        uint256 drawn = m.byReason[uint256(reason)];
        if (reason != DrawReason.LIQUIDATION) {
            paid = _min(paid, _above(((booked + drawn) * caps[uint256(reason)]) / 10_000, drawn));
        }
    }

    /// @dev As far as day budgets do not bind, which depend on what is left.
    function testFuzz_Absorb_OrderOfTwoMarketsDoesNotChangeTheTotal(
        uint256 below,
        uint256 above,
        uint256 first,
        uint256 second
    ) public {
        stack.setBudgets(10_000, 8_000);
        _fill(bound(below, 0, 1e15), bound(above, 1, 1e15));
        (first, second) = (bound(first, 0, 2e15), bound(second, 0, 2e15));
        uint256 snapshot = vm.snapshotState();
        uint256 total = _draw(1, first, DrawReason.LIQUIDATION);
        total += _draw(2, second, DrawReason.LIQUIDATION);
        (uint256 belowLeft, uint256 aboveLeft) = (juniorPool.bookedAssets(), pool.bookedAssets());
        vm.revertToState(snapshot);
        uint256 reversed = _draw(2, second, DrawReason.LIQUIDATION);
        reversed += _draw(1, first, DrawReason.LIQUIDATION);
        assertEq(total, reversed);
        assertEq(juniorPool.bookedAssets(), belowLeft);
        assertEq(pool.bookedAssets(), aboveLeft);
    }

    function testFuzz_Absorb_OfOneUnitAtATimeCostsTheSameAsAtOnce(uint256 below, uint256 parts) public {
        _openBudgets();
        _fill(bound(below, 1, 3 * ONE), 10 * ONE);
        uint256 junior = juniorPool.bookedAssets();
        uint256 want = bound(parts, 1, 12 * ONE);
        uint256 paid = _draw(MARKET, want / 2, DrawReason.LIQUIDATION);
        paid += _draw(MARKET, want - want / 2, DrawReason.LIQUIDATION);
        uint256 expected = _min(want, _above(junior, ONE) + 9 * ONE);
        assertEq(paid, expected);
        assertEq(junior - juniorPool.bookedAssets(), _min(expected, _above(junior, ONE)));
    }

    /* ACCESS */

    function testFuzz_RevertWhen_CallerIsNotTheEngine(address caller) public {
        vm.assume(caller != engine);
        _fill(400 * ONE, 1_600 * ONE);
        _assertRefused(caller);
    }

    function test_RevertWhen_CallerIsPartOfTheSystem() public {
        _fill(400 * ONE, 1_600 * ONE);
        _assertRefused(address(stack));
        _assertRefused(address(juniorPool));
        _assertRefused(address(pool));
        _assertRefused(stack.treasury());
        _assertRefused(address(manager));
        _assertRefused(address(this));
    }

    function _assertRefused(address caller) private {
        bytes memory refusal = abi.encodeWithSelector(ICapitalStack.NotEngine.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        stack.absorb(MARKET, 1, DrawReason.LIQUIDATION);
        vm.expectRevert(refusal);
        stack.countLoss(MARKET, 1);
        vm.expectRevert(refusal);
        stack.receiveIncome(1, 0);
        vm.expectRevert(refusal);
        stack.report(MARKET, 0, 0, 1);
        vm.stopPrank();
    }

    function testFuzz_RevertWhen_CallerOfATrancheIsNotTheStack(address caller) public {
        vm.assume(caller != address(stack));
        _assertNotStack(juniorPool, caller);
        _assertNotStack(pool, caller);
    }

    function test_RevertWhen_EngineCallsATrancheItself() public {
        _assertNotStack(juniorPool, engine);
        _assertNotStack(pool, engine);
        _assertNotStack(pool, address(juniorPool));
        _assertNotStack(juniorPool, address(this));
    }

    function _assertNotStack(IBackstopPool tranche, address caller) private {
        bytes memory refusal = abi.encodeWithSelector(IBackstopPool.NotStack.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        tranche.take(0, false);
        vm.expectRevert(refusal);
        tranche.receiveIncome(0);
        vm.expectRevert(refusal);
        tranche.setPending(0, 0, 0, true);
        vm.expectRevert(refusal);
        tranche.setLimit(0);
        vm.stopPrank();
    }

    function test_RevertWhen_MoreIsTakenThanLiesAboveTheFloor() public {
        _fill(10 * ONE, 0);
        vm.startPrank(address(stack));
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, 9 * ONE + 1, 9 * ONE));
        juniorPool.take(9 * ONE + 1, false);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, 1, 0));
        pool.take(1, false);
        juniorPool.take(9 * ONE, false);
        vm.stopPrank();
        assertEq(juniorPool.bookedAssets(), ONE);
    }

    /* REPEATED LOSSES */

    function test_Absorb_AgainAndAgainDilutesNoNewcomer() public {
        _openBudgets();
        for (uint256 i; i < 20; ++i) {
            vm.warp(START + i * 7 days);
            address newcomer = address(uint160(1_000 + i));
            uint256 shares = _join(juniorPool, newcomer, 1_000 * ONE);
            assertGe(juniorPool.convertToAssets(shares), 1_000 * ONE - 1);
            assertEq(_draw(MARKET, ALL, DrawReason.LIQUIDATION), i == 0 ? 999 * ONE : 1_000 * ONE);
            assertEq(juniorPool.totalAssets(), ONE);
        }
    }
}
