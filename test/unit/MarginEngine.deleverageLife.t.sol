// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine} from "../../contracts/interfaces/IMarginEngine.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice Deleveraging over the life of a market: wipes, insolvent accounts, trades between records, gas.
contract MarginEngineDeleverageLifeTest is RecoveryBase {
    uint256 private constant START = 1 << 77;
    uint56 private constant HELD = 1_000_000;

    /// @dev The inventory is short HELD lots since $2,100, alice long all of them since $2,000.
    function _aliceAgainstThePool(uint256 aliceUsd) private {
        _deposit(alice, aliceUsd);
        _deposit(carol, 11_000);
        _trade(alice, carol, HELD);
        _setPriceLongAgo(ETH, 2_100e8);
        engine.takeover(carol, keeper);
        assertEq(_lots(ETH, ETH), -int256(uint256(HELD)));
    }

    /* WIPES */

    function test_Deleverage_OfTheWholeSideEndsThreeEpochs() public {
        _aliceAgainstThePool(11_000);
        pool.setStake(0, 0); // a pool without assets may hold nothing
        assertEq(engine.inventory(ETH).cap, 0);
        assertEq(engine.deleverage(ETH), HELD);
        assertEq(engine.sides(ETH, true).survival.epoch, 4);
        assertEq(engine.sides(ETH, true).survival.product, START);
        assertEq(engine.sides(ETH, true).survival.value, 0);
        assertEq(engine.inventory(ETH).lots, 0);
        assertEq(_lots(alice, ETH), 0);
        assertEq(engine.accounts(alice).markets, 0);
        assertEq(_cash(alice), int256(21_000 * USD));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.InventoryWithinCap.selector, ETH, 0, 0));
        engine.deleverage(ETH);
        _assertWhole();

        pool.setStake(STAKE * 1e6, 0);
        _setPrice(ETH, 2_101e8);
        _deposit(bob, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(bob, keeper, 5_000); // new positions beside one that nobody has settled
        assertEq(_lots(bob, ETH), 5_000);
        assertEq(engine.sides(ETH, true).pending, HELD);
        engine.settle(bob);
        assertEq(_lots(bob, ETH), 5_000);
        _assertWhole();

        vm.expectEmit(address(engine));
        emit IMarginEngine.PositionSettled(ETH, alice, true, HELD, 2_100e8);
        _trade(alice, keeper, 700); // a fill settles first
        assertEq(_lots(alice, ETH), 700);
        assertEq(engine.sides(ETH, true).pending, 0);
        assertEq(engine.sides(ETH, true).pendingQuote, 0);
        assertEq(_lots(ETH, ETH), 0);
        _assertWhole();
        engine.settle(alice);
        assertEq(_lots(alice, ETH), 700); // opened after the wipe
    }

    /// @dev `name` and some short open HELD lots; the price rises by 5.25 % and the inventory is short what the short was.
    function _round(string memory name, string memory shortName) private returns (uint256 id) {
        uint256 price = engine.markets(ETH).price;
        id = _account(name);
        uint256 short = _account(shortName);
        _deposit(id, 1_000_000);
        _deposit(short, (HELD * price * 58) / 1000 / USD);
        _trade(id, short, HELD);
        _setPriceLongAgo(ETH, uint64((price * 10_525) / 10_000));
        engine.takeover(short, keeper);
    }

    /// @dev Opened before a rescale, between rescale and wipe, and after the wipe.
    function test_Deleverage_PositionsOfEveryEpochCloseRight() public {
        _aliceAgainstThePool(20_000);
        _cap(ETH, 1);
        engine.deleverage(ETH); // one of a million lots is left
        assertEq(engine.sides(ETH, true).survival.epoch, 1);
        assertApproxEqAbs(_lots(alice, ETH), 1, 1);
        uint256 dave = _round("dave", "short of dave");
        engine.deleverage(ETH);
        assertEq(engine.sides(ETH, true).survival.epoch, 2);
        assertApproxEqAbs(_lots(alice, ETH), 0, 1);
        assertApproxEqAbs(_lots(dave, ETH), 1, 1);
        uint256 erin = _round("erin", "short of erin");
        assertEq(_lots(erin, ETH), int256(uint256(HELD)));
        _assertWhole();

        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 2; ++i) {
            if (i == 1) engine.settle(dave);
            pool.setStake(0, 0);
            engine.deleverage(ETH);
            assertEq(engine.sides(ETH, true).survival.epoch, 5);
            assertEq(_lots(alice, ETH), 0);
            assertEq(_lots(dave, ETH), 0);
            assertEq(_lots(erin, ETH), 0);
            _assertWhole();
            pool.setStake(STAKE * 1e6, 0);
            _setPrice(ETH, engine.markets(ETH).price + 1);
            _pair(ETH, "late long", "late short", HELD);
            _settleEverybody();
            assertEq(_lots(known[known.length - 2], ETH), int256(uint256(HELD)));
            assertEq(engine.sides(ETH, true).pending, 0);
            assertEq(_cash(alice), _equity(alice));
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }

    /* INSOLVENT ON THE DELEVERAGED SIDE */

    /// @dev Alice is long and below zero, and nobody took her over: deleveraging closes her all the same.
    function _closedBelowZero(uint56 left) private returns (uint256 d) {
        _aliceAgainstThePool(11_000);
        _setPriceLongAgo(ETH, 1_780e8); // E = - 11,000
        d = uint256(-_equity(alice));
        assertEq(d, 11_000 * USD);
        if (left == 0) pool.setStake(0, 4_000e6);
        else _cap(ETH, left);
        engine.deleverage(ETH);
    }

    function test_Settle_CoversAnAccountThatIsLeftBelowZero() public {
        uint256 d = _closedBelowZero(0);
        int256 before = _cash(keeper);
        token.mint(address(this), 1e6);
        token.approve(address(engine), 1e6);
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(engine));
            emit IMarginEngine.ShortfallCovered(
                ETH,
                alice,
                DrawReason.LIQUIDATION,
                d,
                0,
                4_000 * USD,
                0,
                7_000 * USD,
                0
            );
            if (i == 0) engine.settle(alice);
            if (i == 1) assertEq(engine.takeover(alice, keeper), 0);
            if (i == 2) engine.deposit(alice, 1e6); // whoever sends money pays nobody's shortfall with it
            assertEq(_cash(alice), i == 2 ? int256(USD) : int256(0));
            assertEq(engine.accounts(alice).markets, 0);
            assertEq(engine.totalDeficit(), 7_000 * USD);
            assertEq(_cash(keeper), before); // no reward
            assertEq(engine.inventory(ETH).lots, 0);
            engine.settle(alice); // nothing more
            assertEq(engine.totalDeficit(), 7_000 * USD);
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }

    function test_Takeover_OfWhatDeleveragingLeftBelowZero() public {
        uint256 d = _closedBelowZero(500);
        assertEq(engine.takeover(alice, keeper), -int256(d));
        assertEq(_cash(alice), 0);
        assertEq(engine.accounts(alice).markets, 0);
        assertEq(engine.inventory(ETH).lots, 0); // parts of lots that nobody owes any more do not count
        assertEq(engine.inventory(ETH).equity, _cash(ETH));
        _assertWhole();
    }

    /* TRADES BETWEEN RECORDS */

    /// @dev Bob trades as he likes between records, carol sits still: nobody escapes more than a lot by acting.
    function testFuzz_Deleverage_ActingEscapesNothing(uint256 seed) public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(alice, bob, 500_000);
        _trade(alice, carol, 500_000);
        _setPriceLongAgo(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        uint256 held = HELD;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 n = 1 + (seed % 3 == 0 ? (seed >> 8) % (held / 4) : (seed >> 8) % 3);
            held -= n;
            _cap(ETH, uint56(held));
            assertEq(engine.deleverage(ETH), n);
            uint56 size = uint56(uint256(-_lots(bob, ETH)));
            uint56 lots = uint56(100 + ((seed >> 64) % 5_000));
            if (size < lots + 100) continue;
            _trade(ETH, bob, keeper, lots); // bob closes and opens again, keeper opens and closes
            _trade(ETH, keeper, bob, lots);
            _assertWhole();
        }
        assertApproxEqAbs(_lots(bob, ETH), _lots(carol, ETH), 13); // a unit of K each time, never a lot of one record
        assertEq(engine.inventory(ETH).lots, int256(held));
        assertLe(uint256(-_lots(bob, ETH) - _lots(carol, ETH) - _lots(keeper, ETH)), held + 3);
        assertGe(uint256(-_lots(bob, ETH) - _lots(carol, ETH) - _lots(keeper, ETH)), held);
    }

    /* GAS */

    function test_Deleverage_CostsTheSameForManyAccounts() public {
        uint256[2] memory costs;
        for (uint256 i; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint56 count = i == 0 ? 5 : 100;
            _deposit(alice, 11_000);
            for (uint56 j; j < count; ++j) {
                uint256 id = (uint256(uint160(makeAddr("crowd"))) << 96) + j;
                _deposit(id, 100_000);
                _trade(alice, id, HELD / count);
            }
            _setPriceLongAgo(ETH, 1_900e8);
            engine.takeover(alice, keeper);
            _cap(ETH, HELD / 2);
            uint256 before = gasleft();
            engine.deleverage(ETH);
            costs[i] = before - gasleft();
            vm.revertToState(snapshot);
        }
        assertApproxEqAbs(costs[0], costs[1], 100);
    }

    function test_Settle_CostsTheSameAfterManyRecords() public {
        uint256[2] memory costs;
        _aliceAgainstThePool(20_000);
        for (uint256 i; i < 2; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint56 records = i == 0 ? 1 : 1000;
            for (uint56 j = 1; j <= records; ++j) {
                _cap(ETH, HELD - (j * 499_999) / records);
                engine.deleverage(ETH);
            }
            uint256 before = gasleft();
            engine.settle(alice);
            costs[i] = before - gasleft();
            assertApproxEqAbs(_lots(alice, ETH), int256(500_001), 1);
            assertEq(engine.inventory(ETH).lots, -int256(500_001));
            assertEq(_equity(alice), int256(30_000 * USD)); // at the same price: to the unit
            vm.revertToState(snapshot);
        }
        assertApproxEqAbs(costs[0], costs[1], 200);
        assertLt(costs[1], 60_000);
    }
}
