// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason, ICapitalStack, Split} from "../../contracts/interfaces/ICapitalStack.sol";
import {StackTest} from "../helpers/StackTest.sol";

/// @notice Who gets income, and how much the senior tranche may hold above the junior one.
contract CapitalStackIncomeTest is StackTest {
    uint256 private constant ALL = type(uint256).max;

    function _assertSplit(
        uint256 assets,
        uint256 recovered,
        uint256 toTreasury,
        uint256 toJunior,
        uint256 toSenior,
        uint256 juniorRepaid,
        uint256 seniorRepaid
    ) private view {
        Split memory parts = stack.split(assets, recovered);
        assertEq(parts.toTreasury, toTreasury, "treasury");
        assertEq(parts.toJunior, toJunior, "junior");
        assertEq(parts.toSenior, toSenior, "senior");
        assertEq(parts.juniorRepaid, juniorRepaid, "junior repaid");
        assertEq(parts.seniorRepaid, seniorRepaid, "senior repaid");
    }

    function _lost() private view returns (uint256 byJunior, uint256 bySenior) {
        return stack.inventoryLosses();
    }

    /* SPLIT */

    function test_Split_BySizeAndWeight() public {
        _fill(400 * ONE, 1_600 * ONE);
        _assertSplit(300 * ONE, 0, 0, 100 * ONE, 200 * ONE, 0, 0); // 400 * 2 : 1,600
        stack.setTranches(0, 10_000, 0);
        _assertSplit(300 * ONE, 0, 0, 60 * ONE, 240 * ONE, 0, 0); // 1 : 4
        stack.setTranches(0, 50_000, 0);
        _assertSplit(360 * ONE, 0, 0, 200 * ONE, 160 * ONE, 0, 0); // 5 : 4
    }

    function test_Split_TreasuryGetsItsPartOfAllButWhatRepays() public {
        stack.setTranches(0, 20_000, 1_000);
        _fill(400 * ONE, 1_600 * ONE);
        _assertSplit(100 * ONE, 100 * ONE, 10 * ONE, 30 * ONE, 60 * ONE, 0, 0); // nothing lost, nothing to repay
        _draw(MARKET, 419 * ONE, DrawReason.INVENTORY); // 399 of the junior, 20 of the senior
        assertEq(juniorPool.bookedAssets(), ONE);
        _assertSplit(15 * ONE, 15 * ONE, 0, 0, 15 * ONE, 0, 15 * ONE); // the senior first
        _assertSplit(100 * ONE, 100 * ONE, 0, 80 * ONE, 20 * ONE, 80 * ONE, 20 * ONE); // then the junior
        // only 5 were earned by positions; treasury 9.5; 85.5 by 2 : 1,580
        uint256 bySize = (85.5e6 * 1_580) / uint256(1_582);
        _assertSplit(100 * ONE, 5 * ONE, 9.5e6, 85.5e6 - bySize, bySize + 5 * ONE, 0, 5 * ONE);
        _assertSplit(10 * ONE, ALL, 0, 0, 10 * ONE, 0, 10 * ONE); // never more than there is
        // 419 repay; treasury 8.1; 72.9 by 2 : 1,580
        bySize = (72.9e6 * 1_580) / uint256(1_582);
        _assertSplit(500 * ONE, 500 * ONE, 8.1e6, 471.9e6 - bySize, bySize + 20 * ONE, 399 * ONE, 20 * ONE);
    }

    function test_Split_OfEmptyTranches() public {
        _assertSplit(7, 7, 0, 0, 7, 0, 0); // both: what one of them has to hold
        _fill(100 * ONE, 0);
        _assertSplit(7, 7, 0, 7, 0, 0, 0);
        _join(pool, bob, 200 * ONE);
        _assertSplit(7, 0, 0, 4, 3, 0, 0); // halves, the senior's rounded down
        _assertSplit(0, 0, 0, 0, 0, 0, 0);
    }

    function test_Split_WithOnlyTheSeniorTranche() public {
        stack.setTranches(0, 50_000, 2_000);
        _fill(0, 1_000 * ONE);
        _assertSplit(101, 0, 20, 0, 81, 0, 0);
    }

    function testFuzz_Split_SumsToTheUnit(
        uint256 below,
        uint256 above,
        uint256 assets,
        uint256 recovered,
        uint256 lost,
        uint16 weight,
        uint16 treasuryBps
    ) public {
        _openBudgets();
        stack.setTranches(0, uint16(bound(weight, 10_000, 50_000)), uint16(bound(treasuryBps, 0, 2_000)));
        _fill(bound(below, 0, 1e15), bound(above, 0, 1e15));
        _draw(MARKET, bound(lost, 0, 2e15), DrawReason.INVENTORY);
        assets = bound(assets, 0, 1e20);
        Split memory parts = stack.split(assets, recovered);
        assertEq(parts.toTreasury + parts.toJunior + parts.toSenior, assets);
        (uint256 juniorLost, uint256 seniorLost) = _lost();
        recovered = _min(recovered, assets);
        assertEq(parts.seniorRepaid, _min(recovered, seniorLost));
        assertEq(parts.juniorRepaid, _min(recovered - parts.seniorRepaid, juniorLost));
        uint256 rest = assets - parts.seniorRepaid - parts.juniorRepaid;
        (uint256 s, uint256 w) = (parts.toSenior, parts.seniorRepaid);
        (, , uint16 share) = stack.tranches();
        assertEq(parts.toTreasury, (rest * share) / 10_000);
        rest -= parts.toTreasury;
        // whole parts of what each holds, weighted: the senior tranche never gets a unit too much nor the junior one two
        (, uint16 weightNow, ) = stack.tranches();
        (uint256 a, uint256 b) = (pool.bookedAssets() * 10_000, juniorPool.bookedAssets() * weightNow);
        if (a + b == 0) {
            assertEq(s, rest);
        } else {
            assertLe((s - w) * (a + b), rest * a);
            assertLt(rest * a, (s - w + 1) * (a + b));
        }
    }

    /* RECEIVE */

    function test_ReceiveIncome_GoesWhereSplitSays() public {
        stack.setTranches(0, 20_000, 1_000);
        _fill(400 * ONE, 1_600 * ONE);
        token.mint(address(stack), 100 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.IncomeSplit(Split(10 * ONE, 30 * ONE, 60 * ONE, 0, 0));
        vm.expectEmit(address(juniorPool));
        emit IBackstopPool.IncomeReceived(30 * ONE, 30 * ONE, uint32(START + 3 days));
        vm.expectEmit(address(pool));
        emit IBackstopPool.IncomeReceived(60 * ONE, 60 * ONE, uint32(START + 3 days));
        vm.prank(engine);
        stack.receiveIncome(100 * ONE, 0);

        assertEq(stack.treasuryOwed(), 10 * ONE);
        assertEq(token.balanceOf(address(stack)), 10 * ONE);
        assertEq(juniorPool.bookedAssets(), 430 * ONE);
        assertEq(pool.bookedAssets(), 1_660 * ONE);
        assertEq(stack.totalAssets(), 2_000 * ONE, "nothing has vested yet");
        skip(3 days);
        assertEq(stack.totalAssets(), 2_090 * ONE);
        assertEq(juniorPool.convertToAssets(juniorPool.balanceOf(alice)), 430 * ONE - 1);
        assertEq(pool.convertToAssets(pool.balanceOf(bob)), 1_660 * ONE - 1);
    }

    function test_ReceiveIncome_OfNothingIsNothing() public {
        _fill(400 * ONE, 1_600 * ONE);
        vm.recordLogs();
        vm.prank(engine);
        stack.receiveIncome(0, ALL);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_ReceiveIncome_InventoryLossesAreRepaidOnceAndOnlyByWhatPositionsEarned() public {
        _fill(100 * ONE, 900 * ONE);
        _draw(MARKET + 1, 50 * ONE, DrawReason.LIQUIDATION); // not the inventory's
        _draw(MARKET, 149 * ONE, DrawReason.INVENTORY); // 49 and 100
        _assertLost(49 * ONE, 100 * ONE);
        _earn(50 * ONE, 0);
        _assertLost(49 * ONE, 100 * ONE); // fees repay nothing
        _earn(80 * ONE, 30 * ONE);
        _assertLost(49 * ONE, 70 * ONE);
        (uint256 below, uint256 above) = (juniorPool.bookedAssets(), pool.bookedAssets());
        _earn(90 * ONE, 90 * ONE);
        _assertLost(29 * ONE, 0);
        assertEq(pool.bookedAssets(), above + 70 * ONE);
        assertEq(juniorPool.bookedAssets(), below + 20 * ONE);
        _earn(200 * ONE, 200 * ONE);
        _assertLost(0, 0);
        Split memory parts = stack.split(100 * ONE, 100 * ONE);
        assertEq(parts.seniorRepaid + parts.juniorRepaid, 0, "never more than lost");
    }

    function _assertLost(uint256 byJunior, uint256 bySenior) private view {
        (uint256 below, uint256 above) = _lost();
        assertEq(below, byJunior);
        assertEq(above, bySenior);
    }

    function testFuzz_ReceiveIncome_NeverRepaysMoreThanWasLost(
        uint256[4] memory losses,
        uint256[4] memory incomes,
        uint256[4] memory parts
    ) public {
        _openBudgets();
        _fill(10 * ONE, 1_000 * ONE);
        (uint256 juniorLost, uint256 seniorLost) = (0, 0);
        for (uint256 i; i < 4; ++i) {
            (uint256 below, uint256 above) = (juniorPool.bookedAssets(), pool.bookedAssets());
            _draw(MARKET, bound(losses[i], 0, 300 * ONE), DrawReason.INVENTORY);
            juniorLost += below - juniorPool.bookedAssets();
            seniorLost += above - pool.bookedAssets();
            _assertLost(juniorLost, seniorLost);
            uint256 assets = bound(incomes[i], 0, 300 * ONE);
            uint256 recovered = bound(parts[i], 0, assets);
            _earn(assets, recovered);
            uint256 toSenior = _min(recovered, seniorLost);
            seniorLost -= toSenior;
            juniorLost -= _min(recovered - toSenior, juniorLost);
            _assertLost(juniorLost, seniorLost);
        }
    }

    function testFuzz_ReceiveIncome_EveryUnitIsSomewhere(
        uint256 below,
        uint256 above,
        uint256[3] memory incomes,
        uint16 treasuryBps
    ) public {
        stack.setTranches(0, 20_000, uint16(bound(treasuryBps, 0, 2_000)));
        (below, above) = (bound(below, 0, 1e15), bound(above, 0, 1e15));
        _fill(below, above);
        uint256 total = below + above;
        for (uint256 i; i < 3; ++i) {
            uint256 assets = bound(incomes[i], 0, 1e15);
            _earn(assets, assets);
            total += assets;
            assertEq(juniorPool.bookedAssets() + pool.bookedAssets() + stack.treasuryOwed(), total);
            assertEq(token.balanceOf(address(stack)), stack.treasuryOwed());
            assertEq(token.balanceOf(address(juniorPool)), juniorPool.bookedAssets());
            assertEq(token.balanceOf(address(pool)), pool.bookedAssets());
        }
    }

    /// @dev The treasury's tokens lie here: income that was not sent must not be paid out of them.
    function test_RevertWhen_IncomeWasNotSent() public {
        stack.setTranches(0, 20_000, 2_000);
        _fill(400 * ONE, 1_600 * ONE);
        _earn(500 * ONE, 0); // 100 for the treasury
        vm.expectPartialRevert(IBackstopPool.TokenShort.selector);
        vm.prank(engine);
        stack.receiveIncome(100 * ONE, 0);
    }

    /* TREASURY */

    function test_PayTreasury_SendsWhatIsOwedToItAndNothingElse() public {
        stack.setTranches(0, 20_000, 2_000);
        _fill(400 * ONE, 1_600 * ONE);
        _earn(500 * ONE, 0);
        token.mint(address(stack), 7); // a donation
        vm.expectEmit(address(stack));
        emit ICapitalStack.TreasuryPaid(stack.treasury(), 100 * ONE);
        vm.expectEmit(address(token));
        emit IERC20.Transfer(address(stack), stack.treasury(), 100 * ONE);
        vm.prank(carol);
        assertEq(stack.payTreasury(), 100 * ONE);
        assertEq(stack.treasuryOwed(), 0);
        assertEq(token.balanceOf(address(stack)), 7);
        vm.expectRevert(ICapitalStack.NothingOwed.selector);
        stack.payTreasury();
    }

    /* BOUNDS */

    function test_SetTranches_KeepsItsBounds() public {
        vm.expectEmit(address(stack));
        emit ICapitalStack.TranchesSet(5_000, 50_000, 2_000);
        stack.setTranches(5_000, 50_000, 2_000);
        (uint16 attachmentBps, uint16 juniorWeightBps, uint16 treasuryBps) = stack.tranches();
        assertEq(attachmentBps, 5_000);
        assertEq(juniorWeightBps, 50_000);
        assertEq(treasuryBps, 2_000);
        bytes4 selector = ICapitalStack.ShareOutOfRange.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("attachmentBps"), 5_001, 0, 5_000));
        stack.setTranches(5_001, 20_000, 0);
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("juniorWeightBps"), 9_999, 10_000, 50_000));
        stack.setTranches(0, 9_999, 0);
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("juniorWeightBps"), 50_001, 10_000, 50_000));
        stack.setTranches(0, 50_001, 0);
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("treasuryBps"), 2_001, 0, 2_000));
        stack.setTranches(0, 20_000, 2_001);
        stack.setTranches(0, 10_000, 0);
    }

    function test_SetBudgets_KeepsItsBounds() public {
        bytes4 selector = ICapitalStack.BudgetOutOfRange.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, 499, 500, 10_000));
        stack.setBudgets(499, 8_000);
        vm.expectRevert(abi.encodeWithSelector(selector, 10_001, 500, 10_000));
        stack.setBudgets(500, 10_001);
        vm.expectEmit(address(stack));
        emit ICapitalStack.BudgetsSet(500, 10_000);
        stack.setBudgets(500, 10_000);
        (uint16 marketDayBps, uint16 windowBps) = stack.budgets();
        assertEq(marketDayBps, 500);
        assertEq(windowBps, 10_000);
    }

    function testFuzz_RevertWhen_CallerIsNotGovernance(address caller) public {
        vm.assume(caller != address(this));
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        stack.setTranches(0, 20_000, 0);
        vm.expectRevert(refusal);
        stack.setBudgets(500, 500);
        vm.stopPrank();
    }

    function test_Deployment_HasTheDefaults() public {
        (stack, ) = _newPool(address(token));
        stack.setTranches(2_000, 20_000, 0);
        assertEq(address(stack.junior().stack()), address(stack));
        assertEq(stack.senior().engine(), engine);
        assertTrue(stack.junior().isJunior());
        assertFalse(stack.senior().isJunior());
        assertEq(stack.junior().symbol(), string.concat("j", stack.senior().symbol()));
        (uint32 cooldown, ) = stack.junior().exitClocks();
        assertEq(cooldown, 21 days, "the junior tranche is locked longer");
        (cooldown, ) = stack.senior().exitClocks();
        assertEq(cooldown, 7 days);
    }
}
