// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {
    Health,
    IMarginEngine,
    MarketParams,
    MarketRules,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

contract MarginEngineLiquidateTest is EngineBase {
    /// @dev {u} what alice misses to maintenance margin at the favourable edge, given to her but for `less`.
    function _fillUpTo(uint256 less) private {
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        vm.prank(_owner(keeper));
        engine.transfer(keeper, alice, uint128(uint256(int256(h.maintenance) - h.equity) - less));
    }

    function _short(uint256 aliceUsd, uint56 lots) private {
        _deposit(alice, aliceUsd);
        _deposit(bob, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(bob, alice, lots);
    }

    /* WHEN */

    function test_Liquidate_ThresholdIsExact() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        _fillUpTo(0);
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        assertEq(h.equity, int256(h.maintenance));
        bytes memory healthy = abi.encodeWithSelector(IMarginEngine.Healthy.selector, alice, h.equity, h.maintenance);
        vm.expectRevert(healthy);
        engine.flag(alice);
        vm.prank(_owner(keeper));
        vm.expectRevert(healthy);
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotTakeoverable.selector, alice, h.equity, h.maintenance));
        engine.takeover(alice, keeper);
    }

    function test_Liquidate_OneUnitBelowMaintenanceIsEnough() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        _fillUpTo(1);
        (uint56 lots, uint256 penalty) = _liquidate(alice, ETH);
        assertGt(lots, 0);
        assertGt(penalty, 0);
        _assertConserved();
    }

    function test_Liquidate_ShortThresholdIsExact() public {
        _short(11_000, 1_000_000);
        _setPrice(ETH, 2_055e8);
        _fillUpTo(0);
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.Healthy.selector, alice, h.equity, h.maintenance));
        engine.flag(alice);
    }

    function test_RevertWhen_LiquidationIsMalformed() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.startPrank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotAuthorized.selector, _owner(keeper), bob));
        engine.liquidate(alice, ETH, bob, 1000, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, 0));
        engine.liquidate(0, ETH, keeper, 1000, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, keeper));
        engine.liquidate(keeper, ETH, keeper, 1000, 0);
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.liquidate(alice, ETH, keeper, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoPosition.selector, alice, ALT));
        engine.liquidate(alice, ALT, keeper, 1000, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoPosition.selector, alice, 255));
        engine.liquidate(alice, 255, keeper, 1000, 0);
    }

    function test_RevertGiven_PriceIsNotOk() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.warp(vm.getBlockTimestamp() + 3601);
        vm.prank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
    }

    function test_RevertGiven_AccountIsBelowZero() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_880e8);
        vm.prank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.Insolvent.selector, alice, -int256(1000 * USD)));
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
    }

    /* HOW MUCH: against eq. (14) to (16), written out again */

    struct Model {
        uint256 lots;
        uint256 penalty;
        uint256 discount;
    }

    function _divUp(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }

    function _model(
        uint256 e,
        uint256 mm,
        uint256 size,
        uint256 price,
        uint256 age
    ) private pure returns (Model memory x) {
        uint256 n = size * price;
        uint256 rate = 0.03e18 + _divUp(n * 6e5, 1e9);
        uint256 half = rate / 2;
        uint256 d = 0.005e18 + (half * (age < 90 ? age : 90)) / 90 + (half * (mm > e ? mm - e : 0)) / mm;
        if (d > half) d = half;
        if (d > (e * 1e18) / n) d = (e * 1e18) / n;
        uint256 k = _divUp((_divUp(12 * mm, 10) - e) * 1e18, price * ((12 * rate) / 10 - d));
        if (k > size || size - k < 100) k = size;
        uint256 p = _divUp(k * price * d, 1e18);
        x = Model(k, p < e ? p : e, d);
    }

    function testFuzz_Liquidate_ClosesAndChargesAsWritten(uint256 price, uint256 age, bool long) public {
        age = bound(age, 0, 300);
        if (long) {
            _open(11_000, 1_000_000);
            price = bound(price, 1_890.5e8, 1_943e8);
        } else {
            _short(11_000, 1_000_000);
            price = bound(price, 2_054.5e8, 2_109.5e8);
        }
        _setPrice(ETH, uint64(price));
        engine.flag(alice);
        _warp(age);
        int256 e = _equity(alice);
        Model memory x = _model(uint256(e), _mm(alice), 1_000_000, price, age);
        int256 before = _equity(keeper);

        if (age < 60) {
            vm.expectEmit(address(engine));
            int128 share = int128(int256(x.penalty / 2));
            if (long)
                emit IMarginEngine.Filled(
                    ETH,
                    keeper,
                    alice,
                    uint56(x.lots),
                    uint64(price),
                    -share,
                    int128(int256(x.penalty))
                );
            else
                emit IMarginEngine.Filled(
                    ETH,
                    alice,
                    keeper,
                    uint56(x.lots),
                    uint64(price),
                    int128(int256(x.penalty)),
                    -share
                );
        }
        vm.expectEmit(address(engine));
        emit IMarginEngine.Liquidated(alice, ETH, keeper, uint56(x.lots), x.penalty);
        (uint56 lots, uint256 penalty) = _liquidate(alice, ETH);
        assertEq(lots, x.lots);
        assertEq(penalty, x.penalty);
        assertEq(_equity(alice), e - int256(x.penalty));
        assertGe(_equity(alice), 0); // a penalty creates no insolvency
        assertEq(_equity(keeper), before + int256(x.penalty / 2));
        assertEq(engine.markets(ETH).bucket, x.penalty - x.penalty / 2);
        assertEq(_lots(keeper, ETH), long ? int256(x.lots) : -int256(x.lots));
        if (lots < 1_000_000) assertGe(10 * _equity(alice) + 10, 12 * int256(_mm(alice)));
        _assertConserved();
    }

    function test_Liquidate_PenaltyIsCutToTheEquityShare() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_891e8); // E = 100 of 189,100
        (uint56 lots, uint256 penalty) = _liquidate(alice, ETH);
        assertLe(penalty, 100 * USD);
        assertEq(lots, 1_000_000); // closing at its equity share cannot raise health: 1.2 mm - d misses 1.2 MM - E
        assertGe(_equity(alice), 0);
        assertLt(_equity(alice), 1e6); // u: the rounding of the share
    }

    function test_Liquidate_AtZeroEquityCostsNothing() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_890e8);
        assertEq(_equity(alice), 0);
        (uint56 lots, uint256 penalty) = _liquidate(alice, ETH);
        assertEq(lots, 1_000_000);
        assertEq(penalty, 0);
        assertEq(_equity(alice), 0);
    }

    /* LIMITS OF THE LIQUIDATOR */

    function test_Liquidate_TakesAtMostMaxLots() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.startPrank(_owner(keeper));
        (uint56 lots, ) = engine.liquidate(alice, ETH, keeper, 1000, 0);
        assertEq(lots, 1000);
        assertEq(_lots(alice, ETH), 999_000);
    }

    function test_RevertWhen_MaxLotsWouldLeaveDust() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_891e8); // everything must go
        vm.startPrank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.LotsAboveLimit.selector, 1_000_000, 999_901));
        engine.liquidate(alice, ETH, keeper, 999_901, 0);
        (uint56 lots, ) = engine.liquidate(alice, ETH, keeper, 999_900, 0);
        assertEq(lots, 999_900);
    }

    function test_RevertWhen_DiscountIsBelowTheLimit() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        uint256 d = _model(uint256(_equity(alice)), _mm(alice), 1_000_000, 1_940e8, 0).discount;
        vm.startPrank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.DiscountBelowLimit.selector, d, d + 1));
        engine.liquidate(alice, ETH, keeper, 1000, d + 1);
        engine.liquidate(alice, ETH, keeper, 1000, d);
    }

    function test_RevertWhen_LiquidatorLacksMargin() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        _deposit(carol, 10);
        vm.prank(_owner(carol));
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.liquidate(alice, ETH, carol, 10_000, 0);
        vm.prank(_owner(carol));
        engine.liquidate(alice, ETH, carol, 100, 0);
    }

    function test_Liquidate_OperatorTakesIntoAnAccountItOperates() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.prank(_owner(keeper));
        engine.setOperator(guardian, true);
        vm.prank(guardian);
        engine.liquidate(alice, ETH, keeper, 1000, 0);
        assertEq(_lots(keeper, ETH), 1000);
    }

    /* CLOCK */

    function test_Flag_StartsStopsAndRestartsTheClock() public {
        _open(11_000, 1_000_000);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ClockNotRunning.selector, alice));
        engine.unflag(alice);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, 0));
        engine.flag(0);
        _setPrice(ETH, 1_940e8);
        uint64 start = uint64(vm.getBlockTimestamp());
        vm.expectEmit(address(engine));
        emit IMarginEngine.ClockSet(alice, start);
        engine.flag(alice);

        _warp(600); // still counts
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ClockRunning.selector, alice, start));
        engine.flag(alice);
        Health memory h = engine.health(alice, Valuation.FAVOURABLE);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.Unhealthy.selector, alice, h.equity, h.maintenance));
        engine.unflag(alice);
        _warp(1);
        vm.expectEmit(address(engine));
        emit IMarginEngine.ClockSet(alice, start + 601);
        engine.flag(alice);
        assertEq(_since(alice), start + 601);

        _setPrice(ETH, 2_000e8);
        vm.expectEmit(address(engine));
        emit IMarginEngine.ClockSet(alice, 0);
        engine.unflag(alice);
        assertEq(_since(alice), 0);
    }

    function test_Liquidate_StopsTheClockWhenHealthyAndStartsItWhenNot() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.startPrank(_owner(keeper));
        engine.liquidate(alice, ETH, keeper, 1000, 0); // too little to heal
        assertEq(_since(alice), vm.getBlockTimestamp());
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        assertEq(_since(alice), 0);
    }

    /* CROSS MARGIN */

    function test_RevertWhen_ClosingAMarketWouldLowerHealth() public {
        MarketParams memory p = _params();
        (p.initialBps, p.maintenanceBps) = (5000, 3000);
        MarketRules memory r = _rules();
        r.shockBps = 6000;
        feeds.push(new MockAggregator(8, 100e8));
        oracle.configure(2, _feed(feeds[2]));
        engine.setMarket(2, p, r);
        _deposit(alice, 16_000);
        _deposit(bob, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(ETH, alice, bob, 500_000); // $100,000 at 3 %
        _trade(2, alice, bob, 2_000_000); // $20,000 at 30 %
        _setPrice(ETH, 1_764e8); // E = 4,200, MM = 8,650: ETH at half its margin costs more health than it frees
        engine.flag(alice);
        _warp(90);
        vm.prank(_owner(keeper));
        vm.expectPartialRevert(IMarginEngine.HealthFalls.selector);
        engine.liquidate(alice, ETH, keeper, type(uint56).max, 0);
        int256 e = _equity(alice);
        uint256 mm = _mm(alice);
        _liquidate(alice, 2);
        assertGe(_equity(alice) * int256(mm), e * int256(_mm(alice)));
        _assertConserved();
    }
}
