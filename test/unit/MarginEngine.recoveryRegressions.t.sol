// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, MarketParams, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice Each test is a fault that the engine or the pool once had.
contract MarginEngineRecoveryRegressionsTest is RecoveryBase {
    /// @dev A dollar of ALT that had just fallen took over a loss of ETH that the average had followed: 24,000 of deficit in ALT.
    function test_ADollarElsewhereBearsADollar() public {
        _fund(ETH, 50_000);
        pool.setStake(STAKE * 1e6, 0);
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _pair(ALT, "x", "y", 50_000_000);
        uint256 winner = known[known.length - 1];
        _trade(ETH, alice, bob, 1_000_000);
        _trade(ALT, alice, bob, 100); // $1
        _setPriceLongAgo(ETH, 1_600e8); // - 29,000, long ago
        _setPrice(ALT, 96e8);
        int256 before = _equity(winner);
        uint256 bucket = engine.markets(ETH).bucket;
        engine.takeover(alice, keeper);
        assertEq(engine.totalDeficit(), 0);
        assertLt(engine.markets(ETH).bucket, bucket - 28_900 * USD);
        assertApproxEqAbs(_equity(winner), before, USD);
        _assertWhole();
    }

    /// @dev The favourable edge, rounded away from the mark, was a whole unit at a price of 8: bankrupt and healthy.
    function test_TheEdgeHidesNothingAtSmallPrices() public {
        _list(2, 10);
        _deposit(alice, 61);
        _deposit(bob, 1_000);
        _deposit(keeper, 1_000);
        _trade(2, alice, bob, 40_000_000_000_000); // $400
        _setPrice(2, 8);
        assertLt(_equity(alice), 0);
        assertEq(engine.health(alice, Valuation.FAVOURABLE).equity, _equity(alice));
        engine.takeover(alice, keeper);
        _assertWhole();
    }

    /// @dev Where blocks share a second, a pair opened at the price of a sync that the feed had left since.
    function test_FeedThatMovesInTheSecondOfASyncIsAskedAgain() public {
        _deposit(alice, 60_000);
        _deposit(bob, 60_000);
        vm.warp(vm.getBlockTimestamp() + 30);
        engine.sync(ETH);
        feeds[ETH].setAnswer(1_700e8);
        vm.expectPartialRevert(IMarginEngine.PriceOutsideBand.selector);
        engine.fill(_fill(ETH, alice, bob, 5_000_000, 2_000e8));
        assertEq(engine.markets(ETH).price, 2_000e8); // of the refused fill nothing stays
    }

    /// @dev A liquidator took one lot and was left with a position below the minimum.
    function test_LiquidatorTakesTheMinimumOrMore() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        _deposit(keeper, 1_000);
        vm.startPrank(_owner(keeper));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionTooSmall.selector, keeper, 99, 100));
        engine.liquidate(alice, ETH, keeper, 99, 0);
        engine.liquidate(alice, ETH, keeper, 100, 0);
        vm.stopPrank();
        assertEq(_lots(keeper, ETH), 100);
    }

    /// @dev Closed in a settled market far below zero, an account carried the loss to the one where it still held $20.
    function test_CloseLeavesTheLossInTheSettledMarket() public {
        pool.setStake(STAKE * 1e6, 0);
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _trade(ALT, alice, bob, 20_000_000); // $200,000
        _trade(ETH, alice, bob, 100);
        engine.windDown(ALT);
        _warp(1 days);
        _setPrice(ALT, 70e8);
        _warp(31 minutes);
        engine.fixSettlementPrice(ALT);
        engine.sync(ETH);
        int256 e = _equity(alice);
        assertLt(e, -48_000 * int256(USD));
        _warp(1 hours);
        engine.close(ALT, alice);
        assertEq(engine.deficit(ALT), uint256(-e));
        assertEq(engine.deficit(ETH), 0);
        assertEq(_equity(alice), 0); // the position in ETH is worth what the cash lacks
        engine.takeover(alice, keeper);
        assertEq(engine.totalDeficit(), uint256(-e));
        _assertWhole();
    }

    /// @dev Between takeovers the winner let himself be deleveraged, and what he would have shared became a deficit.
    function test_WinnersAreNotLetOutWhileADrainedPoolNeedsThem() public {
        _deposit(bob, 3_000_000);
        for (uint256 i; i < 3; ++i) {
            uint256 id = _account(vm.toString(i));
            _deposit(id, 11_000);
            _trade(id, bob, 1_000_000);
        }
        uint256 first = known.length - 3;
        pool.setStake(0, 0);
        _setPrice(ETH, 1_600e8);
        int256 before = _equity(bob);
        engine.takeover(known[first], keeper);
        uint64 slow = engine.markets(ETH).slow;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.WinningSideClosed.selector, ETH, 1_600e8, slow));
        engine.deleverage(ETH);
        engine.takeover(known[first + 1], keeper);
        engine.takeover(known[first + 2], keeper);
        assertApproxEqAbs(before - _equity(bob), 3 * 29_000 * int256(USD), 3 * 3_000_000); // up to a unit a lot each time
        assertEq(engine.totalDeficit(), 0);
        _warp(8 hours); // the average has followed
        engine.deleverage(ETH);
        engine.settle(bob);
        assertEq(_lots(bob, ETH), 0);
        _assertWhole();
    }

    /// @dev While a market had any deficit all of its bucket was income, and what no deficit needed went to the stakers.
    function test_BucketRepaysADeficitAndKeepsTheRest() public {
        pool.setStake(STAKE * 1e6, 0);
        _pair(ETH, "x", "y", 40_000_000);
        (uint256 x, uint256 y) = (known[known.length - 2], known[known.length - 1]);
        _open(11_000, 1_000_000);
        _setPriceLongAgo(ETH, 1_840e8);
        engine.takeover(alice, keeper);
        uint256 deficit = engine.deficit(ETH);
        assertEq(deficit, 5_000 * USD);
        MarketParams memory p = _params();
        p.takerFeePpm = 10_000;
        engine.setMarket(ETH, p, engine.marketRules(ETH));
        _trade(ETH, y, x, 40_000_000); // both close
        uint256 bucket = engine.markets(ETH).bucket;
        assertGt(bucket, 70_000 * USD);
        assertEq(engine.collectIncome(ETH), 0);
        assertEq(engine.totalDeficit(), 0);
        assertEq(engine.markets(ETH).bucket, bucket - deficit);
        _assertWhole();
    }
}
