// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {
    Fill,
    Health,
    IMarginEngine,
    MarketParams,
    MarketStatus,
    Valuation
} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

contract MarginEngineFillTest is EngineBase {
    function _rich() private {
        _deposit(alice, 1_000_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
    }

    /* WHO AND WHAT */

    function test_Fill_MovesLotsAtThePrice() public {
        _rich();
        vm.expectEmit(address(engine));
        emit IMarginEngine.Filled(ETH, alice, bob, 1000, 2_010e8, 0, 0);
        engine.fill(_fill(ETH, alice, bob, 1000, 2_010e8));
        assertEq(_lots(alice, ETH), 1000);
        assertEq(_lots(bob, ETH), -1000);
        assertEq(engine.positions(alice, ETH).quote, -1000 * 2_010e8);
        assertEq(engine.positions(bob, ETH).quote, 1000 * 2_010e8);
        assertEq(engine.markets(ETH).openInterest, 1000);
        assertEq(engine.accounts(alice).markets, 1);
        assertEq(_equity(alice), int256(1_000_000 * USD) - 1000 * 10e8);
        _assertConserved();
    }

    function test_RevertWhen_CallerIsNotTheExchange() public {
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NotExchange.selector, governor));
        vm.prank(governor);
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
    }

    function test_RevertWhen_FillIsMalformed() public {
        _rich();
        vm.expectRevert(IMarginEngine.ZeroAmount.selector);
        engine.fill(_fill(ETH, alice, bob, 0, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SameAccount.selector, alice));
        engine.fill(_fill(ETH, alice, alice, 1000, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, FEES));
        engine.fill(_fill(ETH, FEES, alice, 1000, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.SystemAccount.selector, 0));
        engine.fill(_fill(ETH, alice, 0, 1000, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.fill(_fill(2, alice, bob, 1000, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 255));
        engine.fill(_fill(255, alice, bob, 1000, ETH_PRICE));
    }

    function test_RevertWhen_LotsOrPriceAreMaximal() public {
        _rich();
        vm.expectPartialRevert(IMarginEngine.PriceOutsideBand.selector);
        engine.fill(_fill(ETH, alice, bob, type(uint56).max, type(uint64).max));
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.fill(_fill(ETH, alice, bob, type(uint56).max, ETH_PRICE));
        assertEq(engine.markets(ETH).openInterest, 0);
    }

    /* BAND AND SIZE */

    function test_Fill_BandEndsAtFivePercent() public {
        _rich();
        engine.fill(_fill(ETH, alice, bob, 1000, 2_100e8));
        engine.fill(_fill(ETH, alice, bob, 1000, 1_900e8));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, 2_100e8 + 1, 1_900e8, 2_100e8));
        engine.fill(_fill(ETH, alice, bob, 1000, 2_100e8 + 1));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, 1_900e8 - 1, 1_900e8, 2_100e8));
        engine.fill(_fill(ETH, alice, bob, 1000, 1_900e8 - 1));
    }

    function test_Fill_BandIsAFifthWhileThePriceIsNotOk() public {
        _rich();
        _trade(alice, bob, 10_000);
        vm.warp(vm.getBlockTimestamp() + 3601);
        Fill memory order = _fill(ETH, bob, alice, 1000, 1_980e8);
        engine.fill(order);
        order.price = 1_980e8 - 1;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, 1_980e8 - 1, 1_980e8, 2_020e8));
        engine.fill(order);
    }

    function test_RevertWhen_PositionWouldBeSmallerThanTheMinimum() public {
        _rich();
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionTooSmall.selector, alice, 99, 100));
        _tradeSmall(99);
        _trade(alice, bob, 150);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PositionTooSmall.selector, bob, 99, 100));
        engine.fill(_fill(ETH, bob, alice, 51, ETH_PRICE)); // what is left behind counts too
        engine.fill(_fill(ETH, bob, alice, 150, ETH_PRICE));
        assertEq(engine.accounts(alice).markets, 0);
    }

    function _tradeSmall(uint56 lots) private {
        engine.fill(_fill(ETH, alice, bob, lots, ETH_PRICE));
    }

    /* REDUCE-ONLY, FLIPS */

    function test_RevertWhen_ReduceOnlyOrderIncreasesOrFlips() public {
        _rich();
        Fill memory order = _fill(ETH, alice, bob, 1000, ETH_PRICE);
        order.buyerReduceOnly = true;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ReduceOnly.selector, alice, 0));
        engine.fill(order);
        order.buyerReduceOnly = false;
        engine.fill(order);

        Fill memory close = _fill(ETH, carol, alice, 1001, ETH_PRICE);
        close.sellerReduceOnly = true;
        close.lots = 2000;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.ReduceOnly.selector, alice, 1000));
        engine.fill(close);
        close.lots = 1000;
        engine.fill(close);
        assertEq(_lots(alice, ETH), 0);
        assertEq(_lots(carol, ETH), 1000);
    }

    function test_Fill_FlipCountsOpenInterestOnceASide() public {
        _rich();
        _trade(alice, bob, 1000);
        engine.fill(_fill(ETH, bob, alice, 3000, 2_020e8)); // both turn round
        assertEq(_lots(alice, ETH), -2000);
        assertEq(_lots(bob, ETH), 2000);
        assertEq(engine.markets(ETH).openInterest, 2000);
        assertEq(_cash(alice), int256(1_000_000 * USD) + 1000 * 20e8); // the closed part is realised
        assertEq(engine.positions(alice, ETH).quote, 2000 * 2_020e8);
        _assertConserved();
    }

    /* FEES */

    function test_Fill_TakerPaysUpMakerReceivesDown() public {
        MarketParams memory p = _params();
        (p.takerFeePpm, p.makerRebatePpm) = (333, 111);
        engine.setMarket(ETH, p, _rules());
        _rich();
        uint256 notional = 1003 * uint256(2_000e8 + 7);
        int256 taker = int256((notional * 333 + 999_999) / 1e6);
        int256 maker = int256((notional * 111) / 1e6);
        Fill memory order = _fill(ETH, alice, bob, 1003, 2_000e8 + 7);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Filled(ETH, alice, bob, 1003, 2_000e8 + 7, int128(taker), -int128(maker));
        engine.fill(order);
        assertEq(engine.positions(alice, ETH).quote, -int256(notional) - taker); // opening: on the quote
        assertEq(engine.positions(bob, ETH).quote, int256(notional) + maker);
        assertEq(engine.markets(ETH).bucket, uint256(taker - maker));

        order = _fill(ETH, bob, alice, 1003, 2_000e8 + 7);
        order.buyerIsTaker = false; // now alice takes
        engine.fill(order);
        assertEq(_cash(alice), int256(1_000_000 * USD) - 2 * taker);
        assertEq(_cash(bob), int256(1_000_000 * USD) + 2 * maker);
        assertEq(engine.markets(ETH).bucket, 2 * uint256(taker - maker));
        _assertConserved();
    }

    /* MARGIN */

    function test_Fill_OpensAtExactlyInitialMarginAndNotBelow() public {
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _deposit(alice, 10_000);
        // 1e6 lots at 2,000: the unfavourable edge is 0.25 % lower, im = 5 % + 0.02 %
        uint256 need = 500 * USD + ((0.05e18 + 0.0002e18) * (200_000 * USD)) / 1e18;
        vm.prank(_owner(carol));
        engine.transfer(carol, alice, uint128(need - 10_000 * USD - 1));
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarginEngine.InitialMarginNotMet.selector,
                alice,
                int256(need - 500 * USD) - 1,
                need - 500 * USD
            )
        );
        engine.fill(_fill(ETH, alice, bob, 1_000_000, ETH_PRICE));
        vm.prank(_owner(carol));
        engine.transfer(carol, alice, 1);
        engine.fill(_fill(ETH, alice, bob, 1_000_000, ETH_PRICE));
        Health memory h = engine.health(alice, Valuation.UNFAVOURABLE);
        assertEq(h.capped, int256(h.initial));
        assertEq(h.initial, need - 500 * USD);
    }

    function test_Fill_OpenProfitCountsUpToItsInitialMarginOnly() public {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _trade(alice, bob, 1_000_000);
        _setPrice(ETH, 4_000e8); // + 200,000
        _warp(1 days); // the averages follow, so it is not the edge that stops her
        engine.sync(ETH);
        _assertConserved();
        // the profit of ETH carries ETH; for another market there are 11,000 of cash
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.fill(_fill(ALT, alice, bob, 25_000_000, ALT_PRICE));
        Health memory h = engine.health(alice, Valuation.MARK);
        assertEq(h.equity, int256(211_000 * USD));
        assertEq(h.capped, int256(11_000 * USD + h.initial));
        engine.fill(_fill(ALT, alice, bob, 19_000_000, ALT_PRICE));
        _assertConserved();
    }

    function test_Fill_BelowInitialMarginMayReduceWithoutLoweringHealth() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_950e8); // E = 6,000: 3 % of 195,000
        vm.expectPartialRevert(IMarginEngine.ReduceLowersHealth.selector);
        engine.fill(_fill(ETH, bob, alice, 100_000, 1_860e8)); // within the band, but she would pay 900
        engine.fill(_fill(ETH, bob, alice, 400_000, 1_950e8));
        assertEq(_lots(alice, ETH), 600_000);
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.fill(_fill(ETH, alice, bob, 100, 1_950e8));
        _assertConserved();
    }

    function testFuzz_Fill_ReducingBelowInitialMarginKeepsHealth(uint256 lots, uint256 price) public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_950e8);
        uint56 n = uint56(bound(lots, 1, 999_900));
        uint64 p = uint64(bound(price, 1_852.5e8, 2_047.5e8));
        Health memory before = engine.health(alice, Valuation.UNFAVOURABLE);
        try engine.fill(_fill(ETH, bob, alice, n, p)) {
            Health memory h = engine.health(alice, Valuation.UNFAVOURABLE);
            bool meetsInitial = h.capped >= int256(h.initial);
            bool keepsHealth =
                h.equity >= 0 && h.equity * int256(before.maintenance) >= before.equity * int256(h.maintenance);
            assertTrue(meetsInitial || keepsHealth);
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IMarginEngine.ReduceLowersHealth.selector);
            assertLt(p, 1_950e8); // at the mark or better a reduction is never refused
        }
        _assertConserved();
    }

    /* OPEN INTEREST */

    function test_Fill_OpenInterestEndsAtTheCap() public {
        uint256 cap = 1_000_000; // lots of 20 cents = (3000 - 300) / 10000 of the stake
        _setStake(54_000, 0);
        _warp(60);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).openInterestCap, cap);
        _rich();
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.OpenInterestAboveCap.selector, cap + 1, cap));
        engine.fill(_fill(ETH, alice, bob, uint56(cap + 1), ETH_PRICE));
        engine.fill(_fill(ETH, alice, bob, uint56(cap), ETH_PRICE));
        assertEq(engine.health(alice, Valuation.MARK).initial, 200_000 * USD); // at the cap: no leverage
        engine.fill(_fill(ETH, carol, alice, 1000, ETH_PRICE)); // hand over at the cap: interest does not rise
        assertEq(_lots(carol, ETH), 1000);

        pool.setStake(0, 0);
        _warp(60);
        engine.fill(_fill(ETH, bob, alice, 1000, ETH_PRICE)); // above the new cap of zero: closing goes on
        assertEq(engine.markets(ETH).openInterestCap, 0);
        vm.expectPartialRevert(IMarginEngine.OpenInterestAboveCap.selector);
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
    }

    function test_Fill_InitialMarginGrowsTowardTheCap() public {
        _setStake(54_000, 0); // cap 1,000,000
        _warp(60);
        engine.sync(ETH);
        _rich();
        _trade(alice, bob, 700_000); // half-way between 40 % and 100 %
        uint256 n = 140_000 * USD;
        uint256 rate = 0.05e18 + 0.00014e18;
        rate += (1e18 - rate) / 2;
        assertEq(engine.health(alice, Valuation.MARK).initial, (n * rate) / 1e18);
        assertEq(engine.health(alice, Valuation.MARK).maintenance, (n * (0.03e18 + 0.000084e18)) / 1e18);
    }

    /* PRICE STATES AND STATUS */

    function test_RevertGiven_PriceIsNotOkOnlyClosingIsAllowed() public {
        _rich();
        _trade(alice, bob, 10_000);
        vm.warp(vm.getBlockTimestamp() + 3601);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.STALE));
        engine.fill(_fill(ETH, carol, alice, 1000, ETH_PRICE)); // carol opens
        engine.fill(_fill(ETH, bob, alice, 1000, ETH_PRICE));

        feeds[ETH].setRound(99, 0, vm.getBlockTimestamp());
        vm.warp(vm.getBlockTimestamp() + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.BAD));
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
        engine.fill(_fill(ETH, bob, alice, 1000, ETH_PRICE));
        assertEq(_lots(alice, ETH), 8000);
    }

    function test_RevertGiven_ThePriceRanOutSinceTheLastSync() public {
        _rich();
        vm.warp(vm.getBlockTimestamp() + 3580);
        engine.sync(ETH); // still OK, for 20 s
        vm.warp(vm.getBlockTimestamp() + 30); // no sync is due
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.OK));
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
    }

    function test_RevertGiven_BoundPrice() public {
        _rich();
        feeds[ETH].setRound(99, 1, vm.getBlockTimestamp() + 60);
        vm.warp(vm.getBlockTimestamp() + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.BOUND));
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
    }

    function test_RevertGiven_MarketIsReduceOnly() public {
        _rich();
        _trade(alice, bob, 10_000);
        vm.prank(guardian);
        engine.pauseMarket(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.MarketNotActive.selector, ETH, MarketStatus.REDUCE_ONLY));
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
        engine.fill(_fill(ETH, bob, alice, 1000, ETH_PRICE));
        engine.setStatus(ETH, MarketStatus.ACTIVE);
        engine.fill(_fill(ETH, alice, bob, 1000, ETH_PRICE));
    }

    function test_RevertWhen_AccountHoldsMoreThanSixteenMarkets() public {
        _rich();
        for (uint8 m = 2; m < 17; ++m) _list(m, 100e8);
        for (uint8 m; m < 16; ++m) _trade(m, alice, bob, 100);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.TooManyMarkets.selector, alice, 16));
        engine.fill(_fill(16, alice, carol, 100, ALT_PRICE));
        assertEq(engine.accounts(alice).markets, 0xffff);
        _assertConserved();
    }

    /* TIME */

    function test_Fill_ThatReducesSyncsWhenTheLastSyncIsAMinuteOld() public {
        _rich();
        _trade(ETH, alice, bob, 10_000);
        uint32 syncedAt = engine.markets(ETH).syncedAt;
        vm.warp(syncedAt + 59);
        feeds[ETH].setAnswer(2_050e8);
        engine.fill(_fill(ETH, bob, alice, 1000, 2_000e8));
        assertEq(engine.markets(ETH).syncedAt, syncedAt);
        vm.warp(syncedAt + 60);
        engine.fill(_fill(ETH, bob, alice, 1000, 2_050e8));
        assertEq(engine.markets(ETH).syncedAt, syncedAt + 60);
        assertEq(engine.markets(ETH).price, 2_050e8);
    }

    function test_Fill_ThatOpensSyncsWhenTheFeedHasANewerAnswer() public {
        _rich();
        uint32 syncedAt = engine.markets(ETH).syncedAt;
        vm.warp(syncedAt + 30);
        engine.fill(_fill(ETH, alice, bob, 1000, 2_000e8));
        assertEq(engine.markets(ETH).syncedAt, syncedAt); // nothing new
        feeds[ETH].setAnswer(1_945e8); // within maintenance margin of the average: both sides may open
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, 2_050e8, 1_847.75e8, 2_042.25e8)
        );
        engine.fill(_fill(ETH, alice, bob, 1000, 2_050e8)); // in the band of the price that has gone
        engine.fill(_fill(ETH, alice, bob, 1000, 1_945e8));
        assertEq(engine.markets(ETH).syncedAt, syncedAt + 30);
        assertEq(engine.markets(ETH).price, 1_945e8);
    }

    function testFuzz_Fill_AnySequenceConserves(uint256[12] memory seeds) public {
        _rich();
        MarketParams memory p = _params();
        (p.takerFeePpm, p.makerRebatePpm) = (500, 100);
        engine.setMarket(ETH, p, _rules());
        uint256[3] memory ids = [alice, bob, carol];
        for (uint256 i; i < 12; ++i) {
            uint256 s = uint256(keccak256(abi.encode(seeds[i], i)));
            uint256 long = ids[s % 3];
            uint256 short = ids[((s % 3) + 1 + ((s >> 8) % 2)) % 3];
            uint64 mark = engine.markets(ETH).price;
            uint64 at = uint64(bound(s >> 16, (mark * 96) / 100, (mark * 104) / 100));
            try engine.fill(_fill(ETH, long, short, uint56(bound(s >> 32, 100, 500_000)), at)) {} catch (
                bytes memory reason
            ) {
                bytes4 e = bytes4(reason);
                assertTrue(
                    e == IMarginEngine.InitialMarginNotMet.selector ||
                        e == IMarginEngine.PositionTooSmall.selector ||
                        e == IMarginEngine.WinningSideClosed.selector
                );
            }
            if (s >> 248 < 100) _setPrice(ETH, uint64(bound(s >> 128, (mark * 97) / 100, (mark * 103) / 100)));
        }
        _assertConserved();
    }
}
