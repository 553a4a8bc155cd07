// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Curve, IBackstopAMM, Sample, Take, Taken} from "../../contracts/interfaces/IBackstopAMM.sol";
import {AmmOrder, IMarginEngine, InventoryCap, MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {IRiskEngine} from "../../contracts/interfaces/IRiskEngine.sol";
import {AmmBase} from "../helpers/AmmBase.t.sol";

/// @notice What happens to the curve's account and to its providers in bad days, and what holds whatever is asked.
contract BackstopAMMLifeTest is AmmBase {
    using FixedPointMathLib for uint256;

    uint256 private dave;

    function setUp() public override {
        super.setUp();
        dave = _account("dave");
        _warp(15 days); // feeds have stood long enough for a market to be wound down
        engine.sync(ETH);
        engine.sync(ALT);
    }

    /* THE CURVE'S OWN ACCOUNT */

    /// @dev Liquidated like anybody, it goes on with what is left, and its providers leave with it.
    function test_Life_AnUnhealthyCurveIsLiquidatedAndGoesOn() public {
        _lever();
        _setPriceLongAgo(ETH, 2_764e8);
        _deposit(keeper, 1_000_000);
        (uint56 lots, ) = _liquidate(curve, ETH);
        assertGt(lots, 0);
        assertGt(_equity(curve), int256(_mm(curve)));
        _assertConserved();

        _leave(provider, true);
        assertLt(_equity(curve), int256(2 * USD));
        _assertConserved();
    }

    /// @dev What it lost is lost, its shares too; the next provider begins a curve of his own at the index.
    function test_Life_ACurveThatWasTakenOverStartsAnotherEpoch() public {
        _lever();
        uint256 old = amm.shareId(ETH);
        _setPriceLongAgo(ETH, 2_950e8);
        assertLt(_equity(curve), 0);
        _deposit(carol, 100_000);
        vm.startPrank(_owner(carol));
        vm.expectPartialRevert(IBackstopAMM.CurveWorthless.selector); // until somebody closes its position
        amm.addLiquidity(ETH, carol, uint128(100_000 * USD), 0);
        vm.stopPrank();

        engine.takeover(curve, keeper);
        assertEq(_equity(curve), 0);
        assertEq(_lots(curve, ETH), 0);
        vm.prank(_owner(carol));
        uint256 shares = amm.addLiquidity(ETH, carol, uint128(100_000 * USD), 0);
        assertEq(shares, 100_000 * USD - amm.LOCKED());
        assertNotEq(amm.shareId(ETH), old);
        Curve memory c = amm.curves(ETH);
        assertEq(c.quote, 400_000 * USD);
        assertEq(c.base, c.quote / 2_950e8);

        uint256 worthless = amm.balanceOf(_owner(provider), old);
        assertGt(worthless, 0);
        vm.prank(_owner(provider));
        vm.expectRevert();
        amm.removeLiquidity(ETH, provider, worthless, false, 0);
        _swap(alice, -1_000);
        _leave(carol, true);
        _assertConserved();
    }

    /// @dev It takes nothing more, and anybody may let the pool take it over.
    function test_Life_ACurveBelowZeroWaitsForItsTakeover() public {
        _lever();
        _setPriceLongAgo(ETH, 2_950e8);
        AmmOrder memory order = _order(alice, 1_000);
        vm.startPrank(_owner(alice));
        vm.expectPartialRevert(IMarginEngine.DepthTooSmall.selector);
        engine.trade(order);
        vm.stopPrank();
        engine.takeover(curve, keeper);
        _assertConserved();
    }

    /// @dev Deleveraging closes a part of it as of any winner; leaving in kind gives a part of what is left.
    function test_Life_ADeleveragedCurvePaysItsProvidersOut() public {
        _swap(alice, 600_000); // the curve is short
        vm.prank(governor);
        engine.setInventoryCap(ETH, InventoryCap(100, 5_000));
        uint256 id = _account("loser");
        _deposit(bob, 1_000_000);
        _deposit(id, 22_000);
        _trade(id, bob, 2_000_000);
        _setPriceLongAgo(ETH, 1_899e8);
        engine.takeover(id, keeper);
        int256 before = _equity(curve);
        int256 lots = _lots(curve, ETH);
        engine.deleverage(ETH);
        assertLt(-_lots(curve, ETH), -lots); // shorts have won
        assertApproxEqAbs(_equity(curve), before, 1e12);
        (, uint256 quoted) = amm.quote(ETH, -1_000);
        assertEq(_swap(alice, -1_000), quoted);
        _deposit(provider, 100_000);
        _leave(provider, true);
        assertLt(_equity(curve), int256(2 * USD));
        engine.settle(bob);
        engine.settle(alice);
        engine.settle(provider);
        engine.settle(curve);
        _assertConserved();
    }

    /* THE END OF A MARKET */

    function test_Life_ProvidersOfASettledMarketArePaidInCash() public {
        _swap(alice, 300_000);
        engine.windDown(ETH);
        _swap(alice, -100_000); // both close
        _warp(1 days);
        engine.sync(ETH);
        _warp(31 minutes);
        engine.fixSettlementPrice(ETH);
        AmmOrder memory order = _order(alice, -100);
        vm.prank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ETH, MarketStatus.SETTLED));
        engine.trade(order);
        _warp(1 hours);
        engine.close(ETH, curve);
        engine.close(ETH, alice);
        int256 worth = _equity(curve);
        _leave(provider, false);
        assertApproxEqAbs(_equity(provider), worth, 2 * USD);
        _deposit(carol, 1_000);
        vm.prank(_owner(carol));
        vm.expectPartialRevert(IMarginEngine.MarketNotActive.selector);
        amm.addLiquidity(ETH, carol, uint128(1_000 * USD), 0);
        _assertConserved();
    }

    /// @dev A flat curve needs no price; one with a position waits for it or for the settlement.
    function test_Life_ProvidersLeaveAFlatCurveWithoutAPrice() public {
        uint256 snapshot = vm.snapshotState();
        vm.warp(vm.getBlockTimestamp() + 2 hours);
        _leave(provider, false);
        assertApproxEqAbs(_equity(provider), int256(PROVIDED * USD), 2 * USD);
        vm.revertToState(snapshot);

        _swap(alice, 300_000);
        vm.warp(vm.getBlockTimestamp() + 2 hours);
        uint256 shares = _share(provider) / 2;
        vm.startPrank(_owner(provider));
        vm.expectPartialRevert(IMarginEngine.PriceNotValid.selector);
        amm.removeLiquidity(ETH, provider, shares, false, 0);
        vm.expectPartialRevert(IMarginEngine.PriceNotValid.selector);
        amm.removeLiquidity(ETH, provider, shares, true, 0);
        vm.stopPrank();
        vm.warp(vm.getBlockTimestamp() + 8 days);
        engine.windDownDead(ETH);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        engine.fixSettlementPrice(ETH);
        vm.warp(vm.getBlockTimestamp() + 1 days);
        engine.fixSettlementPrice(ETH);
        vm.warp(vm.getBlockTimestamp() + 1 hours);
        engine.close(ETH, curve);
        _leave(provider, false);
        assertLt(_equity(curve), int256(2 * USD));
    }

    /* WHATEVER IS ASKED */

    /// @dev It is part of every sync: no price, level or position makes it revert, whatever the curve has become.
    function testFuzz_Sample_NeverReverts(uint64[8] memory prices, uint8 level, int64 held, uint128 cash) public {
        cash = uint128(bound(cash, 1e15, 1e18));
        vm.prank(_owner(alice));
        try amm.addLiquidity(ETH, alice, cash, 0) {} catch {}
        for (uint256 i; i < 8; ++i) {
            uint64 price =
                i == 0
                    ? 1
                    : i == 1
                        ? (1 << 62) - 1
                        : uint64(bound(prices[i], 1, (1 << 62) - 1));
            vm.warp(vm.getBlockTimestamp() + (prices[i] % 100_000));
            int64 lots = int64(bound(held ^ int64(prices[i]), -(1 << 56), 1 << 56));
            vm.startPrank(address(engine));
            amm.sample(uint8(i % 3), price, uint8(bound(level, 0, 4)), lots, uint56(prices[i] >> 8));
            Sample memory s = amm.sample(ETH, price, uint8(prices[i] % 5), lots / 2, uint56(prices[i] >> 16));
            assertLe(s.premium, 5e6);
            assertGe(s.premium, -5e6);
            assertLe(s.depletion, 10_000);
            amm.take(ETH, _wish(price, prices[i], lots));
            amm.sample(ETH, price, 0, 0, type(uint56).max);
            vm.stopPrank();
        }
    }

    /// @dev Whatever the engine may ask, nobody gets more than he wants, beyond his stop, more than the curve's room, or the pool's lots
    /// at better than a percent from the index where its position grows.
    function testFuzz_Take_KeepsToWhatItWasAsked(uint64 price, uint256 seed, int64 held) public {
        Take memory wish = _wish(uint64(bound(price, 1, (1 << 62) - 1)), seed, int64(bound(held, -(1 << 55), 1 << 55)));
        vm.prank(address(engine));
        Taken memory t = amm.take(ETH, wish);
        assertLe(uint256(t.curveLots) + t.bandLots, wish.lots);
        if (t.bandLots != 0) {
            assertTrue(wish.isPriceOk);
            assertTrue(wish.isLiquidation || (wish.level >= 2 && !wish.isWide));
            uint256 atMark = uint256(t.bandLots) * wish.price;
            wish.isBuy ? assertGe(t.bandQuote * 100, atMark * 101) : assertLe(t.bandQuote * 100, atMark * 99);
            uint256 worst = uint256(t.bandLots) * wish.stop;
            wish.isBuy ? assertLe(t.bandQuote, worst) : assertGe(t.bandQuote, worst);
        }
        if (t.curveLots != 0) {
            uint256 atMark = uint256(t.curveLots) * wish.price;
            wish.isBuy
                ? assertGe(uint256(t.curveQuote) * 10_000, atMark * (10_000 - wish.slackBps))
                : assertLe(uint256(t.curveQuote) * 10_000, atMark * (10_000 + wish.slackBps));
            int256 after_ = wish.position + (wish.isBuy ? -int256(uint256(t.curveLots)) : int256(uint256(t.curveLots)));
            uint256 size = uint256(after_ < 0 ? -after_ : after_);
            uint256 before = uint256(wish.position < 0 ? -int256(wish.position) : int256(wish.position));
            assertTrue(size <= before || size <= wish.most);
        }
    }

    function _wish(uint64 price, uint256 seed, int64 held) private pure returns (Take memory wish) {
        wish.isBuy = seed & 1 != 0;
        wish.isLiquidation = seed & 2 != 0;
        wish.isPriceOk = seed & 4 != 0;
        wish.isWide = seed & 8 != 0;
        wish.level = uint8((seed >> 4) % 5);
        wish.price = price;
        wish.slackBps = wish.isLiquidation ? 0 : 500;
        wish.lots = uint56(seed >> 8);
        uint256 off = (price * ((seed >> 64) % 150)) / 1000;
        wish.stop =
            wish.isLiquidation
                ? uint64(wish.isBuy ? price + off : price - off)
                : wish.isBuy
                    ? type(uint64).max
                    : 0;
        wish.position = int64(held >> 8);
        wish.pool = held;
        wish.most = uint56(seed >> 128);
    }

    /// @dev At a price that stays, what a trader has and what arbitrage of the curve is worth never grow together: no order of trades, at
    /// any levels and after any moves of the index, brings more than bringing the curve to the index would have.
    function testFuzz_Trade_BringsAtMostWhatTheCurveIsOff(uint256 seed) public {
        vm.prank(governor);
        engine.setInventoryCap(ETH, InventoryCap(800_000, 5_000));
        _deposit(alice, 3_000_000);
        uint256 price = ETH_PRICE;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (seed % 3 == 0) {
                vm.mockCall(
                    engine.risk(),
                    abi.encodeWithSelector(IRiskEngine.update.selector),
                    abi.encode((seed >> 8) % 4)
                );
                _warp(60);
            }
            if (seed % 2 == 0) {
                price = bound(seed >> 16, (price * 985) / 1000, (price * 1015) / 1000);
                _setPrice(ETH, uint64(price));
            }
            engine.sync(ETH);
            _tryTrade(int64(bound(int64(uint64(seed >> 128)), -300_000, 300_000)));
        }
        _assertConserved();
    }

    function _tryTrade(int64 lots) private {
        int256 gain = _equity(alice) + _off();
        int256 held = engine.inventory(ETH).equity;
        int256 quoted = -1;
        try amm.quote(ETH, lots) returns (Taken memory, uint256 total) {
            quoted = int256(total);
        } catch {}
        AmmOrder memory order = _order(alice, lots);
        vm.prank(_owner(alice));
        try engine.trade(order) returns (uint256 total) {
            assertEq(int256(total), quoted);
        } catch {
            return;
        }
        assertLe(_equity(alice) + _off(), gain + 4);
        assertGe(engine.inventory(ETH).equity, held);
    }

    /// @dev {u} what arbitrage of the curve is worth at the index: (sqrt(Y) - sqrt(X P))^2
    function _off() private view returns (int256) {
        Curve memory c = amm.curves(ETH);
        uint256 even = c.base * uint256(engine.markets(ETH).price);
        return int256(c.quote + even - 2 * (c.quote * even).sqrt());
    }

    /// @dev Joining and leaving at one price, in whatever order of cash and kind, brings nothing.
    function testFuzz_Providers_JoiningAndLeavingBringsNothing(uint256 seed) public {
        int64 lots = int64(bound(int64(uint64(seed)), -90_000, 90_000));
        if (lots > -2_000 && lots < 2_000) return;
        _swap(alice, lots);
        _deposit(dave, 50_000_000);
        int256 before = _equity(dave);
        int256 others = _equity(curve);
        for (uint256 i; i < 3; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint128 cash = uint128(bound(seed >> 8, 10_000 * USD, 10_000_000 * USD));
            vm.prank(_owner(dave));
            try amm.addLiquidity(ETH, dave, cash, 0) {} catch {}
            uint256 part = (_share(dave) * (seed % 4)) / 3;
            if (part == 0) continue;
            vm.prank(_owner(dave));
            try amm.removeLiquidity(ETH, dave, part, seed & 1 != 0, 0) {} catch {}
        }
        uint256 left = _share(dave);
        if (left != 0) {
            vm.prank(_owner(dave));
            try amm.removeLiquidity(ETH, dave, left, true, 0) {} catch {
                return;
            }
        }
        assertLe(_equity(dave), before);
        assertGe(_equity(curve), others);
        _assertConserved();
    }

    /// @dev Who joins before a step of the index that he knows and leaves in kind takes his part of what it brings beyond the edge: with
    /// nine times the others' cash and a step of half a percent 0.225 % of the curve's position, which was theirs.
    function test_Providers_JoiningBeforeAKnownStepTakesWhatIsBeyondTheEdge() public {
        _swap(alice, -900_000);
        uint64 price = uint64(amm.curves(ETH).quote / amm.curves(ETH).base);
        _setPriceLongAgo(ETH, price);
        _deposit(dave, 10_000_000);
        int256 before = _equity(dave);
        uint256 shares;
        vm.startPrank(_owner(dave));
        shares = amm.addLiquidity(ETH, dave, uint128(9_000_000 * USD), 0);
        vm.stopPrank();
        _setPrice(ETH, (price * 1005) / 1000);
        vm.prank(_owner(dave));
        amm.removeLiquidity(ETH, dave, shares, true, 0);
        int256 gain = _equity(dave) - before;
        int256 notional = 900_000 * int256(uint256(price));
        assertLe(gain * 10_000, notional * 23);
        assertGt(gain * 10_000, notional * 20);
        _assertConserved();
    }

    /* HELPERS */

    function _leave(uint256 id, bool inKind) private {
        uint256 shares = _share(id);
        if (inKind) _deposit(id, 100_000);
        vm.prank(_owner(id));
        amm.removeLiquidity(ETH, id, shares, inKind, 0);
        assertEq(_share(id), 0);
    }
}
