// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IBackstopAMM, Taken} from "../../contracts/interfaces/IBackstopAMM.sol";
import {AmmOrder, IMarginEngine, Inventory, InventoryCap} from "../../contracts/interfaces/IMarginEngine.sol";
import {IRiskEngine} from "../../contracts/interfaces/IRiskEngine.sol";
import {AmmBase} from "../helpers/AmmBase.t.sol";

/// @notice The pool's bands: liquidations through them, anybody's trades, the auction of what they took.
contract BackstopAMMBandsTest is AmmBase {
    uint256 private constant CAP = 800_000; // {lot} of the pool's position
    uint256 private constant ARMED = 200_000; // {lot} a quarter of it

    function setUp() public override {
        super.setUp();
        vm.prank(governor);
        engine.setInventoryCap(ETH, InventoryCap(uint56(CAP), 5_000));
    }

    /* THE LADDER */

    function test_Bands_StandAroundTheIndexForLiquidations() public view {
        (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, false, true);
        assertEq(prices[1], (uint256(ETH_PRICE) * 99) / 100);
        assertEq(prices[2], (uint256(ETH_PRICE) * 98) / 100);
        assertEq(prices[3], (uint256(ETH_PRICE) * 965) / 1000);
        assertEq(prices[4], (uint256(ETH_PRICE) * 94) / 100);
        assertEq(lots[0], 0);
        assertEq(lots[1], (ARMED * 30) / 100);
        assertEq(lots[2], (ARMED * 30) / 100);
        assertEq(lots[3], (ARMED * 25) / 100);
        assertEq(lots[4], (ARMED * 15) / 100);
        (prices, lots) = amm.bands(ETH, true, true);
        assertEq(prices[1], (uint256(ETH_PRICE) * 101) / 100);
        assertEq(prices[4], (uint256(ETH_PRICE) * 106) / 100);
    }

    function test_Bands_AreShutForAnybodyWhileTheMarketIsCalm() public view {
        (uint256[] memory prices, ) = amm.bands(ETH, false, false);
        assertEq(prices.length, 0);
    }

    function test_Bands_LevelsArmMoreAtLargerDiscounts() public {
        _level(3);
        (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, false, false);
        assertEq(prices[1], (uint256(ETH_PRICE) * (10_000 - 160)) / 10_000);
        assertEq(prices[4], (uint256(ETH_PRICE) * (10_000 - 960)) / 10_000);
        (prices, lots) = amm.bands(ETH, false, true);
        assertEq(prices[1], (uint256(ETH_PRICE) * 99) / 100, "a liquidation pays no more than its own discount");
        assertEq(lots[1], (CAP * 75 * 30) / 10_000);
        _level(4);
        (prices, lots) = amm.bands(ETH, false, false);
        assertEq(prices[4], (uint256(ETH_PRICE) * 88) / 100);
        (prices, lots) = amm.bands(ETH, false, true);
        assertEq(lots[4], (CAP * 15) / 100);
    }

    /// @dev At a price that no discount divides: down for who sells, up for who buys.
    function test_Bands_RoundForThePool() public {
        uint256 price = 200_000_000_001;
        _setPrice(ETH, uint64(price));
        _level(2);
        (uint256[] memory sold, ) = amm.bands(ETH, false, false);
        (uint256[] memory bought, ) = amm.bands(ETH, true, false);
        uint256[4] memory off = [uint256(125), 250, 437, 750]; // {bps}, the third half a bps more
        for (uint256 j = 1; j < 5; ++j) {
            uint256 part = off[j - 1] * 1e4 + (j == 3 ? 5e3 : 0); // {bps^2}
            assertEq(sold[j], (price * (1e8 - part)) / 1e8);
            assertEq(bought[j], (price * (1e8 + part)) / 1e8 + 1);
        }
    }

    /// @dev What the pool already holds of a side is used of its ladder; of the other side it adds to it.
    function test_Bands_BeginWhereThePoolsPositionStands() public {
        _poolTakes(70_000);
        _level(2);
        _level(0);
        (, uint256[] memory lots) = amm.bands(ETH, false, true);
        assertEq(lots[0], 0);
        assertEq(lots[1], 0);
        assertEq(lots[2], 50_000);
        assertEq(lots[3], 50_000);
        assertEq(lots[4], 30_000);
        (, lots) = amm.bands(ETH, true, true);
        assertEq(lots[0], 70_000);
        assertEq(lots[1], 60_000);
    }

    /* LIQUIDATION */

    /// @dev Alone the curve does it: no lot below the discount, the rest of the penalty is shared.
    function test_Liquidate_ThroughTheCurveWithoutCapital() public {
        uint256 id = _unhealthy(10_000, 700);
        int256 before = _equity(id);
        (int256 curveBefore, int256 lotsBefore) = (_equity(curve), _lots(curve, ETH));
        uint256 bucket = engine.markets(ETH).bucket;
        uint256 nobody = _account("nobody");
        (uint56 lots, uint256 penalty) = engine.liquidateToAmm(id, ETH, nobody, type(uint56).max, 0);

        assertGt(lots, 0);
        assertEq(_equity(id), before - int256(penalty));
        assertEq(_lots(curve, ETH) - lotsBefore, int256(uint256(lots)));
        assertEq(engine.inventory(ETH).lots, 0);
        // what the account paid is the curve's, the caller's and the bucket's
        uint256 reward = uint256(_cash(nobody));
        uint256 toBucket = engine.markets(ETH).bucket - bucket;
        assertEq(uint256(_equity(curve) - curveBefore) + reward + toBucket, penalty);
        assertApproxEqAbs(reward, toBucket, 1);
        assertGt(reward, 0);
        _assertConserved();
    }

    function test_Liquidate_NeverTakesMoreOfProvidersThanTheIndex() public {
        uint256 id = _unhealthy(10_000, 700);
        _swap(alice, 100_000); // the curve stands 1 % above
        int256 before = _equity(curve);
        (uint56 lots, ) = engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0);
        uint256 notional = lots * engine.markets(ETH).price;
        assertApproxEqAbs(_equity(curve), before + int256((notional * 500) / 1e6), 1); // at the mark, and its fee
        _assertConserved();
    }

    function test_Liquidate_GoesOnInTheBands() public {
        uint256 id = _unhealthy(600_000, 600); // far more than the curve takes within the discount
        int256 lotsBefore = _lots(curve, ETH);
        engine.flag(id);
        _warp(80);
        engine.sync(ETH);
        int256 before = _equity(id);
        (uint56 lots, uint256 penalty) = engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0);
        Inventory memory i = engine.inventory(ETH);
        assertGt(_lots(curve, ETH), lotsBefore);
        assertGt(i.lots, 0);
        assertEq(_lots(curve, ETH) - lotsBefore + i.lots, int256(uint256(lots)));
        assertEq(_equity(id), before - int256(penalty));
        // bought at least 1 % below the index
        assertGe(i.equity * 100, i.lots * int256(uint256(engine.markets(ETH).price)));
        (uint256 gain, , ) = pool.reported(ETH);
        assertGe(gain * engine.tokenUnit(), uint256(i.equity)); // and reported at once
        _assertConserved();
    }

    function test_Liquidate_NothingWithoutDepthAtTheDiscount() public {
        uint256 id = _unhealthy(10_000, 700);
        _swap(bob, -300_000); // the curve stands 3 % below
        vm.expectPartialRevert(IMarginEngine.DepthTooSmall.selector);
        engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0);
        _deposit(keeper, 1_000_000);
        _liquidate(id, ETH); // who has capital still can
    }

    function test_Liquidate_RefusesBadInput() public {
        uint256 id = _unhealthy(10_000, 700);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, 3));
        engine.liquidateToAmm(id, ETH, 3, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, id));
        engine.liquidateToAmm(id, ETH, id, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, curve));
        engine.liquidateToAmm(curve, ETH, keeper, 1, 0);
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.liquidateToAmm(id, ETH, keeper, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoPosition.selector, id, ALT));
        engine.liquidateToAmm(id, ALT, keeper, 1, 0);
        vm.expectPartialRevert(IMarginEngine.Healthy.selector);
        engine.liquidateToAmm(bob, ETH, keeper, 1, 0);
        vm.expectPartialRevert(IMarginEngine.DiscountBelowLimit.selector);
        engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0.1e18);
    }

    /* ANYBODY */

    function test_Trade_FromLevelTwoThroughTheBandsAFewEachBlock() public {
        _level(2);
        uint256 perBlock = (CAP / 2) / 20; // a twentieth of what is armed
        (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, false, false);
        assertEq(lots[1], perBlock);
        assertEq(lots[2], 0);
        (Taken memory t, uint256 quoted) = amm.quote(ETH, -150_000);
        assertEq(t.bandLots, perBlock);
        assertEq(t.bandQuote, perBlock * prices[1]);
        assertEq(_swap(alice, -150_000), quoted);
        assertEq(engine.inventory(ETH).lots, int256(perBlock));
        (, lots) = amm.bands(ETH, false, false);
        assertEq(lots[1] + lots[2], 0);
        vm.warp(block.timestamp + 1);
        (, lots) = amm.bands(ETH, false, false);
        assertEq(lots[1], perBlock);
        _assertConserved();
    }

    /// @dev Selling into the bands and buying back costs, whatever the level does in between.
    function testFuzz_Trade_NoRoundTripThroughTheBandsPays(uint256 seed) public {
        uint8[3] memory levels = [uint8(2), 3, 2];
        int256 before = _equity(alice);
        int256 market = engine.inventory(ETH).equity;
        for (uint256 i; i < 3; ++i) {
            _level(levels[i]);
            int64 lots = int64(uint64(bound(uint256(keccak256(abi.encode(seed, i))), 100, 200_000)));
            if ((seed >> i) & 1 != 0) lots = -lots;
            _trySwap(lots);
            vm.warp(block.timestamp + 1);
        }
        _level(2);
        for (uint256 i; i < 40 && _lots(alice, ETH) != 0; ++i) {
            int256 left = -_lots(alice, ETH);
            int64 part = int64(
                left > 150_000
                    ? int256(150_000)
                    : left < -150_000
                        ? -int256(150_000)
                        : left
            );
            if (!_trySwap(part)) break;
            vm.warp(block.timestamp + 1);
        }
        vm.assume(_lots(alice, ETH) == 0);
        assertLe(_equity(alice), before);
        assertGe(engine.inventory(ETH).equity, market);
        _assertConserved();
    }

    /* THE AUCTION */

    function test_Auction_SellsWhatThePoolHoldsWhenItIsCalm() public {
        _poolTakes(80_000);
        _level(2);
        _level(0);
        (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, true, false);
        assertEq(prices.length, 0); // not calm for long enough
        _calm(30 minutes);
        (prices, lots) = amm.bands(ETH, true, false);
        uint256 price = engine.markets(ETH).price;
        assertEq(prices[0], (price * 101 + 99) / 100);
        assertEq(lots[0], CAP / 48 + 1); // depth of a day counts little
        _calm(6 hours);
        (prices, ) = amm.bands(ETH, true, false);
        assertEq(prices[0], (price * (10_000 - 90) + 9_999) / 10_000); // 0.5 % and 4 % of a tenth
        _level(2);
        _level(0);
        (prices, ) = amm.bands(ETH, true, false);
        assertEq(prices.length, 0);
    }

    function test_Auction_KeepsItsPace() public {
        _poolTakes(80_000);
        _calm(6 hours + 30 minutes);
        uint256 perHour = CAP / 48 + 1;
        (, uint256[] memory lots) = amm.bands(ETH, true, false);
        assertEq(lots[0], perHour);
        (Taken memory t, uint256 quoted) = amm.quote(ETH, int64(uint64(perHour / 2)));
        assertEq(t.bandLots, perHour / 2); // the pool is cheaper than the curve
        assertEq(_swap(alice, int64(uint64(perHour / 2))), quoted);
        (, lots) = amm.bands(ETH, true, false);
        assertEq(lots[0], perHour - perHour / 2);
        _warp(1 hours);
        engine.sync(ETH);
        (, lots) = amm.bands(ETH, true, false);
        assertEq(lots[0], perHour);
        _assertConserved();
    }

    /// @dev Depth of a moment sells nothing faster, that of weeks does.
    function test_Auction_PaceFollowsTheDepthOfWeeks() public {
        _poolTakes(80_000);
        for (uint256 i; i < 28; ++i) {
            _warp(1 days);
            engine.sync(ETH);
        }
        (, uint256[] memory lots) = amm.bands(ETH, true, false);
        uint256 ofDepth = amm.curves(ETH).quote / engine.markets(ETH).price / 1000;
        assertApproxEqRel(lots[0], (ofDepth * 15) / 16, 0.01e18); // four half-lives
        _provide(carol, 50_000_000);
        (, uint256[] memory same) = amm.bands(ETH, true, false);
        assertEq(same[0], lots[0]);
    }

    /// @dev As much again as was there halves the age of the auction; until a sync has seen it nothing is for sale.
    function test_Auction_GrowsYoungerWithThePoolsPosition() public {
        _poolTakes(80_000);
        uint256 other = _unhealthy(80_000, 80);
        _level(2);
        _level(0);
        _calm(2 hours);
        (uint256[] memory prices, ) = amm.bands(ETH, true, false);
        uint256 before = prices[0];
        uint256 snapshot = vm.snapshotState();
        engine.takeover(other, keeper);
        (prices, ) = amm.bands(ETH, true, false);
        assertEq(prices.length, 0); // in the same second
        engine.sync(ETH);
        (prices, ) = amm.bands(ETH, true, false);
        assertGt(prices[0], before);
        vm.revertToState(snapshot);

        // what the auction has sold comes back by a takeover: grown all the same
        _swap(alice, 10_000);
        engine.takeover(other, keeper);
        (prices, ) = amm.bands(ETH, true, false);
        assertEq(prices.length, 0);
    }

    /* DISARMED */

    function test_Disarm_AfterALossOfASixthOfTheSleeve() public {
        _poolTakes(80_000);
        uint256 id = _unhealthy(200_000, 600);
        // at the mark the pool has lost more than 15 % of what 800,000 lots are worth: told by the stack as a day's draws
        uint256 cost = (CAP * engine.markets(ETH).price * 16) / 100 / engine.tokenUnit();
        vm.mockCall(address(pool), abi.encodeWithSignature("drawn(uint8)", ETH), abi.encode(cost, cost));
        (, uint256[] memory lots) = amm.bands(ETH, false, true);
        assertEq(lots[1] + lots[2] + lots[3] + lots[4], 0);
        vm.expectEmit(address(amm));
        emit IBackstopAMM.Disarmed(ETH, block.timestamp + 1 days);
        engine.liquidateToAmm(id, ETH, keeper, 1_000_000, 0);
        assertEq(amm.disarmedUntil(ETH), block.timestamp + 1 days);
        vm.mockCall(address(pool), abi.encodeWithSignature("drawn(uint8)", ETH), abi.encode(0, 0));
        _warp(1 days - 1);
        engine.sync(ETH);
        (, lots) = amm.bands(ETH, false, true);
        assertEq(lots[1] + lots[2] + lots[3] + lots[4], 0);
        _warp(1);
        engine.sync(ETH);
        (, lots) = amm.bands(ETH, false, true);
        assertEq(lots[2], 40_000);
    }

    /* HELPERS */

    /// @dev The engine is told a level by its risk engine.
    function _level(uint8 level) private {
        vm.mockCall(engine.risk(), abi.encodeWithSelector(IRiskEngine.update.selector), abi.encode(level));
        _warp(60);
        engine.sync(ETH);
    }

    /// @dev The AMM sees a level at the sync after the one that set it.
    function _calm(uint256 time) private {
        engine.sync(ETH);
        for (uint256 i; i < time / 10 minutes; ++i) {
            _warp(10 minutes);
            engine.sync(ETH);
        }
    }

    /// @dev The pool takes over `lots` of somebody who is far below maintenance, solvent.
    function _poolTakes(uint56 lots) private {
        uint256 id = _unhealthy(lots, 80);
        engine.takeover(id, keeper);
        assertEq(engine.inventory(ETH).lots, int256(uint256(lots)));
    }

    function _trySwap(int64 lots) private returns (bool) {
        AmmOrder memory order = _order(alice, lots);
        vm.prank(_owner(alice));
        try engine.trade(order) {
            return true;
        } catch {
            return false;
        }
    }
}
