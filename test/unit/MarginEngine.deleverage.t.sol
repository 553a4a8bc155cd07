// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {
    Health,
    IMarginEngine,
    Inventory,
    InventoryCap,
    MarketRules,
    Position,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {Survival} from "../../contracts/libraries/SurvivalLib.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

contract MarginEngineDeleverageTest is RecoveryBase {
    uint256 private constant START = 1 << 77;
    uint56 private constant HELD = 1_000_000;

    uint256 private dave;

    function setUp() public override {
        super.setUp();
        dave = _account("dave");
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _deposit(dave, 1_000_000);
    }

    /// @dev The inventory holds alice's HELD lots at $1,900, against 50 % bob, 30 % carol, 20 % dave.
    function _warehouse() private {
        _deposit(alice, 11_000);
        _trade(alice, bob, 500_000);
        _trade(alice, carol, 300_000);
        _trade(alice, dave, 200_000);
        _setPriceLongAgo(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        assertEq(engine.inventory(ETH).lots, int256(uint256(HELD)));
    }

    function _deleverageTo(uint56 lots) private returns (uint256) {
        _cap(ETH, lots);
        return engine.deleverage(ETH);
    }

    function _pending(bool isLong) private view returns (uint256) {
        return engine.sides(ETH, isLong).pending;
    }

    /* CAP */

    function test_SetInventoryCap_IsBoundedAndGovernances() public {
        InventoryCap memory cap = InventoryCap(1, 500);
        vm.expectEmit(address(engine));
        emit IMarginEngine.InventoryCapSet(ETH, cap);
        vm.prank(governor);
        engine.setInventoryCap(ETH, cap);
        engine.setInventoryCap(ETH, InventoryCap(type(uint56).max, 5000));

        bytes4 selector = IMarginEngine.ParameterOutOfRange.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("lots"), 0, 1, type(uint56).max));
        engine.setInventoryCap(ETH, InventoryCap(0, 500));
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("bps"), 499, 500, 5000));
        engine.setInventoryCap(ETH, InventoryCap(1, 499));
        vm.expectRevert(abi.encodeWithSelector(selector, bytes32("bps"), 5001, 500, 5000));
        engine.setInventoryCap(ETH, InventoryCap(1, 5001));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.setInventoryCap(2, cap);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        vm.prank(guardian);
        engine.setInventoryCap(ETH, cap);
    }

    function test_Inventory_CapIsTheSmallerOfLotsAndShareOfThePool() public {
        _warehouse();
        uint256 value = STAKE * USD;
        assertEq(engine.inventory(ETH).cap, ((value * 3500) / 10_000) / 1_900e8); // unless governance sets another
        engine.setInventoryCap(ETH, InventoryCap(type(uint56).max, 500));
        assertEq(engine.inventory(ETH).cap, ((value * 500) / 10_000) / 1_900e8);
        engine.setInventoryCap(ETH, InventoryCap(7, 500));
        assertEq(engine.inventory(ETH).cap, 7);

        pool.setStake(123_456_789, 0); // {token}
        engine.setInventoryCap(ETH, InventoryCap(type(uint56).max, 777));
        uint256 cap = ((uint256(123_456_789e6) * 777) / 10_000) / 1_900e8;
        assertEq(engine.inventory(ETH).cap, cap);
        assertEq(engine.deleverage(ETH), HELD - cap);
        assertEq(engine.inventory(ETH).lots, int256(cap));
        _assertWhole();
    }

    /* WHEN */

    function test_RevertGiven_InventoryIsWithinItsCap() public {
        bytes4 selector = IMarginEngine.InventoryWithinCap.selector;
        vm.expectPartialRevert(selector);
        engine.deleverage(ETH);
        _warehouse();
        _cap(ETH, HELD);
        vm.expectRevert(abi.encodeWithSelector(selector, ETH, HELD, HELD));
        engine.deleverage(ETH);
        assertEq(_deleverageTo(HELD - 1), 1);
        vm.expectRevert(abi.encodeWithSelector(selector, ETH, HELD - 1, HELD - 1));
        engine.deleverage(ETH);
    }

    function test_RevertGiven_PriceIsNotValid() public {
        _warehouse();
        _cap(ETH, 1);
        vm.warp(vm.getBlockTimestamp() + 3601);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.deleverage(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.deleverage(2);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, ETH));
        engine.settle(ETH);
    }

    /* PRO RATA */

    function test_Deleverage_ClosesEveryPositionByTheSameFractionAtTheMark() public {
        _warehouse();
        _cap(ETH, 400_000);
        _setPrice(ETH, 1_850e8); // the mark of this moment counts, not that of the takeover
        uint256 k = (START * 2 + 4) / 5; // what is left, rounded up
        vm.expectEmit(address(engine));
        emit IMarginEngine.Deleveraged(
            ETH,
            false,
            600_000,
            1_850e8,
            Survival(uint80(k), int144(int256((START - k) * 1_850e8)), 1)
        );
        vm.prank(makeAddr("anybody"));
        assertEq(engine.deleverage(ETH), 600_000);
        assertEq(_pending(false), 600_000);
        assertEq(engine.sides(ETH, false).pendingQuote, int256(600_000) * 1_850e8);
        assertEq(engine.markets(ETH).openInterest, HELD); // nobody is touched

        int256[3] memory before = [_equity(bob), _equity(carol), _equity(dave)];
        _setPrice(ETH, 1_800e8);
        // K is rounded up, so a whole lot of what is owed stays open with each
        vm.expectEmit(address(engine));
        emit IMarginEngine.PositionSettled(ETH, bob, false, 299_999, 1_850e8);
        engine.settle(bob);
        engine.settle(carol);
        engine.settle(dave);
        assertEq(_lots(bob, ETH), -200_001);
        assertEq(_lots(carol, ETH), -120_001);
        assertEq(_lots(dave, ETH), -80_001);
        assertEq(_equity(bob), before[0] + int256(200_001 * 50e8)); // closed at 1,850, the rest has won
        assertEq(_equity(carol), before[1] + int256(120_001 * 50e8));
        assertEq(_equity(dave), before[2] + int256(80_001 * 50e8));
        assertEq(_pending(false), 3);
        assertEq(engine.markets(ETH).openInterest, 400_003);
        assertEq(engine.inventory(ETH).lots, 400_000);
        _assertWhole();

        assertEq(_deleverageTo(399_000), 1000); // and is not lost
        _settleEverybody();
        assertLe(_pending(false), 3);
        assertGe(_lots(bob, ETH), -199_501);
        assertLe(_lots(bob, ETH), -199_500);
    }

    function test_Deleverage_SplittingAPositionDodgesAtMostALotEach() public {
        _deposit(alice, 11_000);
        _trade(alice, bob, 500_000);
        uint256[20] memory parts;
        for (uint256 i; i < 20; ++i) {
            parts[i] = (uint256(uint160(makeAddr("splitter"))) << 96) + i;
            known.push(parts[i]);
            _deposit(parts[i], 50_000);
            _trade(alice, parts[i], 25_000);
        }
        _setPriceLongAgo(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        _deleverageTo(333_333);
        int256 left;
        for (uint256 i; i < 20; ++i) {
            left -= _lots(parts[i], ETH);
        }
        assertGe(left, -_lots(bob, ETH) - 1);
        assertLe(left, -_lots(bob, ETH) + 20);
        _assertWhole();
    }

    /* VIEWS */

    /// @dev What the views say before is what settle makes, to the unit; the inventory in effect does not move.
    function _assertSettleIsAsShown(uint256 id) private {
        bytes memory a = abi.encode(engine.accounts(id));
        Position memory p = engine.positions(id, ETH);
        Health memory mark = engine.health(id, Valuation.MARK);
        Health memory low = engine.health(id, Valuation.UNFAVOURABLE);
        Inventory memory own = engine.inventory(ETH);
        vm.prank(makeAddr("anybody"));
        engine.settle(id);
        assertEq(abi.encode(engine.accounts(id)), a);
        assertEq(abi.encode(engine.positions(id, ETH)), abi.encode(p));
        assertEq(abi.encode(engine.health(id, Valuation.MARK)), abi.encode(mark));
        assertEq(abi.encode(engine.health(id, Valuation.UNFAVOURABLE)), abi.encode(low));
        assertEq(abi.encode(engine.inventory(ETH)), abi.encode(own));
    }

    function testFuzz_Views_ShowWhatSettleDoes(uint256[4] memory cuts, uint256[4] memory prices) public {
        MarketRules memory r = _rules();
        (r.premiumRate, r.skewFactor) = (1e6, 3e6);
        engine.setMarket(ETH, _params(), r);
        _warehouse();
        uint256 cap = HELD;
        for (uint256 i; i < 4; ++i) {
            cap -= bound(cuts[i], 1, cap / 2);
            _deleverageTo(uint56(cap));
            _setPrice(ETH, uint64(bound(prices[i], 1_850e8, 1_950e8)));
            _warp(bound(cuts[i], 1, 3 hours));
            engine.sync(ETH);
            if (cuts[i] % 2 == 0) engine.settle(carol);
        }
        int256 lots = engine.inventory(ETH).lots;
        assertEq(lots, int256(cap));
        _assertSettleIsAsShown(bob);
        _assertSettleIsAsShown(carol);
        _assertSettleIsAsShown(dave);
        assertLe(_pending(false), 3);
        _assertWhole();
    }

    function test_Settle_WithNothingOwedDoesNothing() public {
        _warehouse();
        bytes memory before = abi.encode(engine.accounts(bob), engine.positions(bob, ETH));
        engine.settle(bob);
        engine.settle(keeper);
        assertEq(abi.encode(engine.accounts(bob), engine.positions(bob, ETH)), before);
    }

    /* WHAT FALLS ON PENDING LOTS */

    function test_Pending_PremiumIsTheInventorys() public {
        MarketRules memory r = _rules();
        r.premiumRate = 1e6;
        _warehouse();
        engine.setMarket(ETH, _params(), r);
        _deleverageTo(400_000);
        int256 left = -_lots(bob, ETH);
        int256 before = _equity(bob);
        int256 own = engine.inventory(ETH).equity;
        int256 index = engine.markets(ETH).indexLong;
        uint256 snapshot = vm.snapshotState();
        for (uint256 settled; settled < 2; ++settled) {
            if (settled == 1) _settleEverybody();
            _warp(1 hours);
            engine.sync(ETH);
            int256 q = engine.markets(ETH).indexLong - index;
            assertGt(q, 0);
            assertEq(before - _equity(bob), left * q); // on what he still holds
            // settled or not; three lots that are owed stay with the others
            int256 paid = settled == 1 ? int256(400_000) : int256(1_600_000);
            assertEq(own - engine.inventory(ETH).equity, q * (paid + (settled == 1 ? int256(6) : int256(0))));
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }

    function test_Pending_FundingCancels() public {
        MarketRules memory r = _rules();
        r.interestRate = 4e6;
        _warehouse();
        engine.setMarket(ETH, _params(), r);
        _deleverageTo(400_000);
        int256 left = -_lots(bob, ETH);
        int256 before = _equity(bob);
        int256 own = engine.inventory(ETH).equity;
        int256 index = engine.markets(ETH).indexLong;
        _warp(1 hours);
        engine.sync(ETH);
        int256 f = engine.markets(ETH).indexLong - index;
        assertGt(f, 0);
        assertEq(_equity(bob) - before, left * f);
        assertEq(own - engine.inventory(ETH).equity, 400_000 * f);
        _assertWhole();
    }

    function test_Pending_LossShareIsTheInventorysAndCounts() public {
        _warehouse();
        uint256 erin = _account("erin");
        _deposit(erin, 6_000);
        _trade(erin, dave, 500_000); // $95,000
        _deleverageTo(400_000);
        pool.setStake(STAKE * 1e6, 0);
        _setPrice(ETH, 1_700e8);
        int256 left = -_lots(bob, ETH);
        int256 before = _equity(bob);
        int256 own = engine.inventory(ETH).equity;
        uint256 d = uint256(-_equity(erin));
        uint256 lots = engine.markets(ETH).openInterest;
        assertEq(lots, 1_500_000);
        uint256 c = (d + lots - 1) / lots;
        vm.expectEmit(address(engine));
        emit IMarginEngine.LossShared(ETH, false, c, c * lots);
        engine.takeover(erin, keeper);
        assertEq(before - _equity(bob), left * int256(c));
        assertEq(own - engine.inventory(ETH).equity, int256(600_000 * c));
        assertEq(pool.counted(ETH), (600_000 * c + 1e6 - 1) / 1e6);
        assertEq(engine.totalDeficit(), 0);
        _assertWhole();
        uint256 snapshot = vm.snapshotState();
        own = engine.inventory(ETH).equity;
        _settleEverybody();
        assertEq(engine.inventory(ETH).equity, own);
        vm.revertToState(snapshot);
    }

    function test_Deleverage_BothSidesMayBePending() public {
        _warehouse();
        _deleverageTo(300_000);
        uint256 erin = _account("erin");
        uint256 frank = _account("frank");
        _deposit(erin, 1_000_000);
        _deposit(frank, 40_500);
        _trade(erin, frank, 2_000_000); // $380,000 at 5.38 %: 20,444
        vm.prank(_owner(frank));
        engine.withdraw(frank, 19_500e6, 0, friend);
        _setPriceLongAgo(ETH, 1_995e8); // frank: 21,000 - 19,000
        engine.takeover(frank, keeper);
        assertEq(engine.inventory(ETH).lots, -1_700_000);
        assertEq(_deleverageTo(100_000), 1_600_000);
        assertEq(_pending(true), 1_600_000);
        assertEq(_pending(false), 700_000);
        assertEq(engine.inventory(ETH).lots, -100_000);
        _assertWhole();
        uint256 snapshot = vm.snapshotState();
        for (uint256 order; order < 2; ++order) {
            _assertSettleIsAsShown(order == 0 ? erin : bob);
            _assertSettleIsAsShown(order == 0 ? carol : dave);
            _assertSettleIsAsShown(order == 0 ? bob : erin);
            _assertSettleIsAsShown(order == 0 ? dave : carol);
            assertLe(_pending(true), 1);
            assertLe(_pending(false), 3);
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }
}
