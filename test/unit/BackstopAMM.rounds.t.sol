// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Curve, Taken} from "../../contracts/interfaces/IBackstopAMM.sol";
import {
    AmmOrder,
    IMarginEngine,
    Inventory,
    InventoryCap,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {IOracle, PriceState, Quote} from "../../contracts/interfaces/IOracle.sol";
import {IRiskEngine} from "../../contracts/interfaces/IRiskEngine.sol";
import {AmmBase} from "../helpers/AmmBase.t.sol";

/// @notice Whole rounds of one actor through curve, bands and auction, and liquidations while the price is wide.
/// @dev What the auction may ever give for the pool's position is a potential: d(x) = 0.5 % + 4 % x / C of the price for the lot with x
/// behind it, 4 % at most. A trade of the auction is at the discount of where it begins, so up to a pace more. Selling to the bands costs
/// more at each x than the auction gives there: what the actor has, what arbitrage of the curve is worth and the potential never grow.
contract BackstopAMMRoundsTest is AmmBase {
    using FixedPointMathLib for uint256;

    uint256 private constant CAP = 800_000; // {lot} of the pool's position
    uint256 private constant PACE = 24_000; // {lot} an auction sells in an hour at most, with the depth there is here
    int256 private constant ROUNDING = 8; // {u} of a trade: curve and fee, and the square roots of the test

    uint256 private given; // times that the auction sold below the index
    uint256 private mallory;

    function setUp() public override {
        super.setUp();
        vm.prank(governor);
        engine.setInventoryCap(ETH, InventoryCap(uint56(CAP), 5_000));
        mallory = _account("mallory");
        _deposit(mallory, 5_000_000);
    }

    /* ROUNDS */

    /// @dev Any order of trades, at any levels, in any calm, around any moves of the index, while others join, leave and are taken over.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_Rounds_NoOrderOfTradesBringsMoreThanCurveAndAuctionOffer(uint256 seed) public {
        _round(seed);
    }

    /// @dev The auction does give something in such rounds, or they would prove nothing of it.
    function test_Rounds_MeetTheAuction() public {
        uint256 met;
        for (uint256 seed = 1; seed < 7; ++seed) {
            uint256 snapshot = vm.snapshotState();
            _round(seed);
            met += given;
            vm.clearMockedCalls();
            vm.revertToState(snapshot);
        }
        assertGt(met, 2);
    }

    function _round(uint256 seed) private {
        if (seed % 3 != 0) _poolTakes(uint56(bound(seed >> 16, 1_000, 120_000)));
        bool moves = seed & (1 << 255) != 0;
        int256 offered = _potential();
        for (uint256 i; i < 14; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            int256 before = _potential();
            _pass(seed, moves);
            offered += _potential() - before; // not by trades
            _tryTrade(_lotsOf(seed));
        }
        assertLe(_potential(), offered + 14 * ROUNDING, "trades brought more than was offered");
        _assertConserved();
    }

    /// @dev Sold to the bands while the market is hot, bought back of the auction at its deepest: costs whatever the bands are wider by.
    function test_Rounds_FromTheBandsToTheAuctionCosts() public {
        for (uint8 level = 2; level < 4; ++level) {
            uint256 snapshot = vm.snapshotState();
            (int256 before, int256 off) = (_equity(mallory), _off());
            _level(level);
            _swap(mallory, -400_000); // the curve goes to where the bands are
            uint256 sold;
            for (uint256 i; i < 60; ++i) {
                vm.warp(vm.getBlockTimestamp() + 1);
                (, uint256[] memory lots) = amm.bands(ETH, false, false);
                uint256 part = lots[1] + lots[2] + lots[3];
                if (part < 100 || sold + part > 300_000) break;
                _swap(mallory, -int64(uint64(part)));
                sold += part;
            }
            assertGt(engine.inventory(ETH).lots, 100_000);
            _level(0);
            _calm(7 hours);
            while (engine.inventory(ETH).lots > 100) {
                (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, true, false);
                assertLt(prices[0], engine.markets(ETH).price);
                _swap(mallory, int64(uint64(lots[0])));
                _warp(1 hours);
                engine.sync(ETH);
            }
            int256 left = -_lots(mallory, ETH);
            if (left != 0) _swap(mallory, int64(left));
            assertEq(_lots(mallory, ETH), 0);
            assertLe(_equity(mallory) + _off(), before + off, "a round through bands and auction paid");
            assertGe(engine.inventory(ETH).equity, 0, "the pool paid for it");
            vm.revertToState(snapshot);
        }
    }

    /* WIDE */

    /// @dev A liquidation goes through curve and bands while the price is wide: measured at the favourable edge, dealt at the mark.
    function testFuzz_Wide_LiquidationsDealAtTheMarkAndCostThePoolNothing(uint256 seed) public {
        uint256 id = _unhealthy(uint56(bound(seed >> 8, 1_000, 400_000)), bound(seed >> 64, 100, 700));
        engine.flag(id);
        uint256 age = bound(seed >> 128, 0, 90);
        _warp(age);
        uint256 edge = bound(seed >> 160, 1, 60);
        _widen(edge);
        engine.sync(ETH);
        uint256 price = engine.markets(ETH).price;
        if (engine.health(id, Valuation.FAVOURABLE).equity >= int256(_mm(id))) {
            vm.expectPartialRevert(IMarginEngine.Healthy.selector); // the wide edge is in its favour
            engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0);
            return;
        }
        (uint256[] memory prices, uint256[] memory lots) = amm.bands(ETH, false, true);
        assertEq(prices[1], (price * 9_900) / 10_000, "bands stand around the mark, not around an edge");
        int256[4] memory g = [_equity(id), _equity(curve), engine.inventory(ETH).equity, engine.inventory(ETH).lots];
        try engine.liquidateToAmm(id, ETH, keeper, type(uint56).max, 0) returns (uint56, uint256 penalty) {
            Inventory memory i = engine.inventory(ETH);
            assertEq(_equity(id), g[0] - int256(penalty), "the account pays the penalty, at the mark");
            assertGe(_equity(curve), g[1], "providers take at the mark at worst");
            assertEq(
                i.equity,
                g[2] + _below(price, prices, lots, uint256(i.lots - g[3])),
                "the pool deals at its steps"
            );
            assertGe(i.equity * 100, i.lots * int256(price), "a discount of 1 % at least is the pool's");
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IMarginEngine.DepthTooSmall.selector);
        }
        _assertConserved();
    }

    /// @dev Only liquidations: nobody trades with the bands or the auction at a price that is not sharp, at any level.
    function test_Wide_BandsAreForLiquidationsOnly() public {
        _poolTakes(80_000);
        _level(0);
        _calm(7 hours);
        (uint256[] memory prices, ) = amm.bands(ETH, true, false);
        assertEq(prices.length, 5);
        _widen(30);
        engine.sync(ETH);
        (prices, ) = amm.bands(ETH, true, false);
        assertEq(prices.length, 0, "an auction at a wide price");
        _level(3);
        for (uint256 i; i < 2; ++i) {
            (prices, ) = amm.bands(ETH, i == 0, false);
            assertEq(prices.length, 0, "bands for anybody at a wide price");
            (prices, ) = amm.bands(ETH, i == 0, true);
            assertEq(prices.length, 5);
        }
        // what reduces the pool's position is for a liquidation at band 1, not by auction
        (prices, ) = amm.bands(ETH, true, true);
        assertEq(prices[0], (engine.markets(ETH).price * 10_100 + 9_999) / 10_000);
        (Taken memory t, uint256 quoted) = amm.quote(ETH, -50_000);
        assertEq(t.bandLots, 0);
        assertEq(_swap(mallory, -50_000), quoted);
    }

    /* WHAT THE ACTOR HAS */

    function _tryTrade(int64 lots) private {
        if (lots == 0) return;
        int256 before = _potential();
        (int256 held, int256 size) = (engine.inventory(ETH).equity, engine.inventory(ETH).lots);
        int256 quoted = -1;
        try amm.quote(ETH, lots) returns (Taken memory, uint256 total) {
            quoted = int256(total);
        } catch {}
        AmmOrder memory order = _order(mallory, lots);
        vm.prank(_owner(mallory));
        try engine.trade(order) returns (uint256 total) {
            assertEq(int256(total), quoted, "quote and execution");
        } catch {
            return;
        }
        assertLe(_potential(), before + ROUNDING, "a trade brought more than was offered");
        int256 loss = held - engine.inventory(ETH).equity;
        if (loss <= 0) return;
        ++given;
        int256 bought = size < 0 ? engine.inventory(ETH).lots - size : size - engine.inventory(ETH).lots;
        assertLe(loss * 25, bought * int256(uint256(engine.markets(ETH).price)), "4 % of what it sold at most");
    }

    /// @dev {u} equity, what arbitrage of the curve is worth, what the auction may give for the pool's position
    function _potential() private view returns (int256) {
        return _equity(mallory) + _off() + _auctionable();
    }

    /// @dev {u} (sqrt(Y) - sqrt(X P))^2
    function _off() private view returns (int256) {
        Curve memory c = amm.curves(ETH);
        uint256 even = c.base * uint256(engine.markets(ETH).price);
        return int256(c.quote + even - 2 * (c.quote * even).sqrt());
    }

    /// @dev {u} P times the integral of min(4 %, 0.5 % + 4 % (x + PACE) / C) up to the pool's position, up
    function _auctionable() private view returns (int256) {
        int256 lots = engine.inventory(ETH).lots;
        uint256 size = uint256(lots < 0 ? -lots : lots);
        uint256 bend = (CAP * 35) / 40 - PACE; // from here on it is 4 %
        uint256 rising = size < bend ? size : bend;
        uint256 area = rising * (5 * CAP + 40 * PACE) + 20 * rising * rising + (size - rising) * 40 * CAP; // {lot * C / 1000}
        return int256((area * engine.markets(ETH).price) / (1_000 * CAP) + 1);
    }

    /// @dev {u} that the pool gains at the mark by the first `lots` of its steps
    function _below(
        uint256 price,
        uint256[] memory prices,
        uint256[] memory steps,
        uint256 lots
    ) private pure returns (int256 gain) {
        for (uint256 i; i < steps.length && lots != 0; ++i) {
            uint256 part = lots < steps[i] ? lots : steps[i];
            gain += int256(part) * (int256(price) - int256(prices[i]));
            lots -= part;
        }
        assertEq(lots, 0);
    }

    /* WHAT HAPPENS MEANWHILE */

    function _pass(uint256 seed, bool moves) private {
        uint256 kind = seed % 8;
        if (kind < 2) _level(uint8((seed >> 8) % 4));
        else if (kind < 5) {
            _level(uint8((seed >> 8) % 2));
            _calm(bound(seed >> 16, 10 minutes, 8 hours));
        } else if (kind == 5 && moves) {
            uint256 price = engine.markets(ETH).price;
            _setPrice(ETH, uint64(bound(seed >> 16, (price * 985) / 1000, (price * 1015) / 1000)));
            engine.sync(ETH);
        } else if (kind == 6) {
            _othersComeOrGo(seed >> 16);
        } else {
            vm.warp(vm.getBlockTimestamp() + 1);
        }
    }

    function _othersComeOrGo(uint256 seed) private {
        uint256 shares = _share(provider);
        if (seed % 2 == 0) {
            _deposit(provider, 20_000);
            vm.prank(_owner(provider));
            try amm.addLiquidity(ETH, provider, uint128(20_000 * USD), 0) {} catch {}
        } else {
            vm.prank(_owner(provider));
            try amm.removeLiquidity(ETH, provider, shares / 20, seed % 4 == 1, 0) {} catch {}
        }
    }

    /// @dev Often what the pool sells, else anything.
    function _lotsOf(uint256 seed) private view returns (int64) {
        int256 held = engine.inventory(ETH).lots;
        uint256 r = seed >> 128;
        if (held != 0 && r % 2 == 0) {
            (, uint256[] memory lots) = amm.bands(ETH, held > 0, false);
            if (lots.length != 0 && lots[0] >= 100) {
                int64 part = int64(uint64(bound(r >> 8, 100, lots[0])));
                return held > 0 ? part : -part;
            }
        }
        return int64(bound(int64(uint64(r >> 16)), -300_000, 300_000));
    }

    /// @dev The engine is told a level by its risk engine.
    function _level(uint8 level) private {
        vm.mockCall(engine.risk(), abi.encodeWithSelector(IRiskEngine.update.selector), abi.encode(level));
        _warp(60);
        engine.sync(ETH);
    }

    function _calm(uint256 time) private {
        for (uint256 i; i <= time / 30 minutes; ++i) {
            _warp(30 minutes);
            engine.sync(ETH);
        }
    }

    /// @dev The same prices, now with edges of `edgeBps` that a second source has widened.
    function _widen(uint256 edgeBps) private {
        Quote memory q = oracle.quote(ETH);
        (q.state, q.edgeBps) = (PriceState.WIDE, uint16(edgeBps));
        (q.low, q.high) = (
            uint64((uint256(q.price) * (10_000 - edgeBps)) / 10_000),
            uint64((uint256(q.price) * (10_000 + edgeBps) + 9_999) / 10_000)
        );
        vm.mockCall(address(oracle), abi.encodeCall(IOracle.sync, (ETH)), abi.encode(q));
    }

    function _poolTakes(uint56 lots) private {
        uint256 id = _unhealthy(lots, 80);
        engine.takeover(id, keeper);
    }
}
