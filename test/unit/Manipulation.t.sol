// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Match} from "../../contracts/interfaces/IExchange.sol";
import {IMarginEngine, Market} from "../../contracts/interfaces/IMarginEngine.sol";
import {PriceState} from "../../contracts/interfaces/IOracle.sol";
import {ManipulationBase} from "../helpers/ManipulationBase.t.sol";

/// @notice What it costs to move a level, a price or a rate, and what it brings. Money is in whole dollars where nothing else is said.
contract ManipulationTest is ManipulationBase {
    uint56 private constant LOTS = 1_000_000; // {lot} $200,000

    /* WASH TRADING */

    /// @dev Alice is long at little more than initial margin.
    function _openAlice() private {
        _deposit(alice, 12_000);
        _swap(ETH, alice, maker, LOTS);
    }

    function _unwash() private {
        for (uint256 i; i < subs.length; i += 2) {
            _swap(ETH, subs[i + 1], subs[i], uint256(_lots(subs[i], ETH)));
        }
    }

    function _assertCanTake(uint256 id, uint256 usd) private {
        uint256 snapshot = vm.snapshotState();
        assertEq(_take(id, usd * 1e6), usd * 1e6);
        vm.revertToState(snapshot);
    }

    function test_WashTrading_OfHalfTheCapIsALevelForAnHourAtSeventeenThousand() public {
        _openAlice();
        (uint256 mm, uint256 im, uint256 cap) = (_mm(alice), _initial(alice), _capOf(ETH));
        uint256 snapshot = vm.snapshotState();
        _minutes(61);
        int256 calm = _equity(alice);
        vm.revertToState(snapshot);

        _wash(ETH, cap / 2, 20);
        assertEq(_gain(), -7_434, "4 bp of 18.6 million");
        assertEq(put, 2_650_100, "margin that is bound");
        _minutes(61);
        assertEq(_level(ETH), 1);
        assertEq(_gain(), -7_612, "and the premium of an hour");
        assertApproxEqAbs(calm - _equity(alice), 0.318e12, 0.001e12, "of which alice pays 32 cents more");
        assertApproxEqAbs(_initial(alice), 106_866 * USD, USD, "new risk: 53 % instead of 5.4 %");
        assertEq(_mm(alice), mm);
        _assertCanTake(alice, 590);
        assertEq(_capOf(ETH), cap);

        _unwash();
        assertEq(_gain(), -16_906, "5 bp for the way out, at level 1");
        assertEq(_initial(alice), (im * 11) / 10);
        _minutes(31);
        assertEq(_level(ETH), 0);
        assertEq(_initial(alice), im);
        _assertWhole();
    }

    function test_WashTrading_OfAllOfTheCapStopsNewRiskAtEightyThousandADay() public {
        _openAlice();
        uint256 mm = _mm(alice);
        _deposit(carol, 200_000);
        _wash(ETH, _capOf(ETH) - LOTS - 1_000, 40);
        assertEq(_gain(), -14_789, "4 bp of 37 million");
        _minutes(2);
        assertEq(_level(ETH), 2);
        (, uint256 rate) = engine.premiumOf(ETH);
        assertApproxEqAbs(rate, 368_750, 10, "25,000 * 11.8 * 1.25");
        int256 before = _gain();
        int256 equity = _equity(alice);
        for (uint256 i; i < 24; ++i) {
            _warp(1 hours);
            _syncAll();
        }
        assertEq(_gain() - before, -81_805, "premium of a day");
        assertEq(put, 5_264_280, "margin that is bound");
        assertEq(_usd(_equity(alice) - equity), -281, "221 more than the funding of a day");
        assertEq(_mm(alice), mm);
        uint256 interest = engine.markets(ETH).openInterest;
        Match memory order = _pair(ETH, carol, maker, 1_000, ETH_PRICE);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginEngine.OpenInterestAboveCap.selector, interest + 1_000, _capOf(ETH) / 2)
        );
        exchange.settle(order);
        _swap(ETH, maker, alice, LOTS / 2);
        _assertCanTake(alice, 5_000);
        _assertCanTake(carol, 200_000);
        _assertWhole();
    }

    function testFuzz_WashTrading_LoosensNothing(uint256 seed) public {
        _openAlice();
        _deposit(carol, 100_000_000);
        uint256 cap = _capOf(ETH);
        _swap(ETH, carol, maker, (cap * 55) / 100);
        _minutes(1);
        assertEq(_level(ETH), 1);
        (uint256 im, uint256 mm) = (_initial(alice), _mm(alice));
        (, uint256 rate) = engine.premiumOf(ETH);
        (_sub(100_000_000), _sub(100_000_000));
        int256 gain = _gain();
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _play(seed, (cap * 3) / 4 - engine.markets(ETH).openInterest);
            assertGe(_level(ETH), 1);
            assertGe(_initial(alice), im);
            assertEq(_mm(alice), mm);
            assertEq(_capOf(ETH), cap);
            (, uint256 rateNow) = engine.premiumOf(ETH);
            assertGe(rateNow, rate);
            assertLt(_gain(), gain);
            gain = _gain();
        }
        _assertWhole();
    }

    /// @param room {lot} to the cap
    function _play(uint256 seed, uint256 room) private {
        (uint256 long, uint256 short) = (subs[0], subs[1]);
        uint256 held = uint256(_lots(long, ETH));
        bool opens = held == 0 || (seed % 2 == 0 && room > 100_000);
        if (opens) _swap(ETH, long, short, bound(seed >> 8, 100_000, room));
        else _swap(ETH, short, long, seed % 4 == 1 ? held : held / 2);
        if (seed % 3 == 0) _minutes(1 + ((seed >> 16) % 3));
        if (seed % 3 == 1) engine.sync(ETH);
    }

    /* ONE FORGED PRINT */

    function test_ForgedPrint_WithinTheStepTakesTheMarginOfWhoIsClose() public {
        _openAlice();
        _deposit(carol, 31_000);
        _swap(ETH, carol, maker, LOTS);
        _put(mallory, 30_000);
        _swap(ETH, maker, mallory, LOTS);
        _sub(300_000);
        _minutes(5);
        uint256 books = _booked();
        int256[2] memory before = [_equity(alice), _equity(carol)];
        int256 gain = _gain();

        _warp(60);
        _answer(ETH, 1_740e8); // 13 % below
        engine.sync(ETH);
        assertEq(_level(ETH), 1);
        engine.takeover(alice, mallory);
        vm.prank(_owner(mallory));
        (uint56 lots, uint256 penalty) = engine.liquidate(carol, ETH, subs[0], type(uint56).max, 0);
        // his short has won 26,000 on paper: nobody takes the other side, and it is not cash
        uint256 fresh = _sub(100_000);
        Match memory order = _pair(ETH, mallory, fresh, LOTS, 1_740e8);
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        exchange.settle(order);
        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        _take(mallory, 21_000e6);

        _warp(60);
        _answer(ETH, ETH_PRICE);
        _syncAll();
        assertEq(_level(ETH), 2);
        uint256 won = (lots * 260e8 + penalty / 2) / USD; // what he was let have at $1,740, and his part of the penalty
        assertEq(won, 9_543);
        assertApproxEqAbs(_gain() - gain, int256(won), 10, "and a little funding");
        assertApproxEqAbs(_usd(_equity(carol) - before[1]), -int256(won + penalty / 2 / USD), 3);
        assertApproxEqAbs(_usd(_equity(alice) - before[0]), -11_900, 3, "all she had");
        assertApproxEqAbs(books - _booked(), 13_865e6, 3e6, "the pool paid");
        assertApproxEqAbs(_usd(engine.inventory(ETH).equity), 26_000, 3, "and holds what is worth more");
        _minutes(1);
        assertEq(_level(ETH), 3);
        (uint256 variance, , , ) = risk.variances(ETH);
        assertApproxEqAbs(variance, 8.17e18, 0.01e18); // 286 %
        uint256 start = vm.getBlockTimestamp();
        for (uint256 i; i < 100 && _level(ETH) != 0; ++i) _minutes(10);
        assertApproxEqAbs(vm.getBlockTimestamp() - start, 15 hours, 10 minutes);
        _assertWhole();
    }

    /// @dev Any print that is not held, victims on both sides, and an attacker with accounts enough to liquidate all he can.
    function testFuzz_ForgedPrint_PaysTheAttackerNoMoreThanItsVictimsLose(uint256 price, uint256 a, uint256 c) public {
        _deposit(alice, bound(a, 11_500, 45_000));
        _deposit(carol, bound(c, 11_500, 45_000));
        _swap(ETH, alice, maker, LOTS);
        _swap(ETH, maker, carol, LOTS);
        _sub(300_000);
        _minutes(5);
        uint256 books = _booked();
        int256[2] memory before = [_equity(alice) + _equity(carol), _equity(maker)];

        _warp(60);
        _answer(ETH, uint64(bound(price, 1_740e8, 2_299e8)));
        engine.sync(ETH);
        uint256[2] memory victims = [alice, carol];
        for (uint256 i; i < 2; ++i) {
            vm.prank(_owner(mallory));
            try engine.liquidate(victims[i], ETH, subs[0], type(uint56).max, 0) {} catch {}
            try engine.takeover(victims[i], mallory) {} catch {}
        }
        _warp(60);
        _answer(ETH, ETH_PRICE);
        _syncAll();
        int256 lost = _usd(before[0] - _equity(alice) - _equity(carol));
        int256 won = _gain();
        assertLe(won, lost);
        assertLe(lost, 2 * 45_000);
        int256 pools = int256(_booked()) / 1e6 - int256(books) / 1e6 + _usd(engine.inventory(ETH).equity);
        assertGe(pools, -1, "what the pool was drawn for has come back to its inventory");
        assertApproxEqAbs(_equity(maker), before[1], 10 * USD, "funding and premium");
        _assertWhole();
    }

    function test_ForgedPrint_LiquidatesNobodyOnceTheSecondSourceIsBrought() public {
        _openAlice();
        _minutes(5);
        _warp(60);
        _answer(ETH, 1_740e8);
        engine.sync(ETH);
        assertLt(_equity(alice), 0);
        _second(ETH, ETH_PRICE); // anybody, who pays a fee of the source; it counts for two minutes
        vm.warp(vm.getBlockTimestamp() + 100);
        bytes memory refusal = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP);
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
        vm.prank(_owner(mallory));
        vm.expectRevert(refusal);
        engine.liquidate(alice, ETH, mallory, type(uint56).max, 0);
        vm.expectRevert(refusal);
        engine.flag(alice);

        _warp(60);
        _answer(ETH, ETH_PRICE);
        _syncAll();
        vm.expectPartialRevert(IMarginEngine.NotTakeoverable.selector);
        engine.takeover(alice, keeper);
        assertGt(_equity(alice), int256(11_000 * USD));
    }

    /// @dev 14.8 % below is no step, back up from there is one: the forged price stands for nearly ten minutes more, in which nobody is
    /// closed at it, or until somebody brings the second source.
    function test_ForgedPrint_WhoseWayBackIsAStepFreezesTheMarketForTenMinutes() public {
        _openAlice();
        _minutes(5);
        _warp(60);
        _answer(ETH, 1_704e8);
        engine.sync(ETH);
        _warp(60);
        _answer(ETH, ETH_PRICE);
        _syncAll();
        assertEq(engine.markets(ETH).price, 1_704e8);
        bytes memory refusal = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP);
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
        vm.expectRevert(refusal);
        engine.flag(alice);
        uint256 snapshot = vm.snapshotState();
        _minutes(8);
        assertEq(engine.markets(ETH).price, 1_704e8);
        _minutes(2);
        assertEq(engine.markets(ETH).price, ETH_PRICE);
        vm.revertToState(snapshot);

        _warp(1);
        _second(ETH, ETH_PRICE);
        engine.sync(ETH);
        assertEq(engine.markets(ETH).price, ETH_PRICE);
        assertGt(_equity(alice), int256(_mm(alice)));
        vm.expectPartialRevert(IMarginEngine.NotTakeoverable.selector);
        engine.takeover(alice, keeper);
    }

    /// @dev 40 % below: a step. It is level 3 while it stands and leaves no trace.
    function test_ForgedPrint_BeyondTheStepMovesNothing() public {
        _openAlice();
        _put(mallory, 30_000);
        _minutes(5);
        uint256 snapshot = vm.snapshotState();
        _minutes(2);
        (uint256 variance, , , ) = risk.variances(ETH);
        vm.revertToState(snapshot);

        _warp(60);
        _answer(ETH, 1_200e8);
        _syncAll();
        Market memory market = engine.markets(ETH);
        assertEq(uint8(market.state), uint8(PriceState.JUMP));
        assertEq(market.price, ETH_PRICE);
        assertEq(market.level, 3);
        assertEq(risk.level(ETH), 0);
        bytes memory refusal = abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.JUMP);
        vm.expectRevert(refusal);
        engine.takeover(alice, keeper);
        vm.expectRevert(refusal);
        engine.flag(alice);
        Match memory order = _pair(ETH, mallory, maker, LOTS, ETH_PRICE);
        vm.expectPartialRevert(IMarginEngine.PriceNotValid.selector);
        exchange.settle(order);

        _warp(60);
        _answer(ETH, ETH_PRICE);
        _syncAll();
        assertEq(_level(ETH), 0);
        (uint256 now_, , , ) = risk.variances(ETH);
        assertApproxEqAbs(now_, variance, 10);
    }

    /* POKING */

    /// @dev After a step of 5 %, ten minutes of syncs a second, a minute and ten minutes apart.
    function test_Poking_EverySecondLetsNothingDecayFaster() public {
        _answer(ETH, 2_100e8);
        _minutes(1);
        uint256[3] memory pace = [uint256(600), 60, 1];
        uint256 slowest;
        for (uint256 i; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            for (uint256 j; j < 600 / pace[i]; ++j) {
                _warp(pace[i]);
                engine.sync(ETH);
            }
            (, uint256 fast, , ) = risk.variances(ETH);
            if (i == 0) slowest = fast;
            assertGe(fast, slowest);
            assertLe(fast, slowest + 60);
            assertEq(_level(ETH), 2);
            vm.revertToState(snapshot);
        }
    }

    /// @dev A keeper syncs as every minute begins. What else is synced within the minutes, and how often, lowers nothing.
    function testFuzz_Poking_WithinTheMinutesLowersNothing(uint256 seed, uint256 pokes) public {
        uint256[3] memory fast;
        uint256[3] memory level;
        for (uint256 run; run < 2; ++run) {
            uint256 snapshot = vm.snapshotState();
            uint256 r = seed;
            for (uint256 i; i < 20; ++i) {
                r = uint256(keccak256(abi.encode(r)));
                uint256 at = vm.getBlockTimestamp();
                _answer(ETH, uint64((ETH_PRICE * (970 + (r % 61))) / 1000));
                engine.sync(ETH);
                uint256 wait = run == 0 ? 60 : 5 + (uint256(keccak256(abi.encode(pokes, i))) % 55);
                for (uint256 t = at + wait; t < at + 60; t += wait) {
                    vm.warp(t);
                    engine.sync(ETH);
                }
                vm.warp(at + 60);
            }
            (fast[run], , , fast[2]) = risk.variances(ETH);
            level[run] = _level(ETH);
            vm.revertToState(snapshot);
        }
        assertGe(fast[1], fast[0]);
        assertGe(level[1], level[0]);
    }

    /// @dev A price goes 1 % up and down every other minute, and a keeper syncs it in the middle of each minute. The attacker syncs as
    /// every other minute begins: that is the minute's one observation, of the price before.
    function test_Poking_AsAMinuteBeginsHidesNothingOfIt() public {
        uint256[2] memory variance;
        uint256[2] memory level;
        for (uint256 run; run < 2; ++run) {
            uint256 snapshot = vm.snapshotState();
            uint256 start = vm.getBlockTimestamp() + 60;
            for (uint256 i; i < 60; ++i) {
                if (run == 1 && i % 2 == 1) {
                    vm.warp(start + i * 60);
                    engine.sync(ETH);
                }
                vm.warp(start + i * 60 + 30);
                _answer(ETH, i % 2 == 0 ? ETH_PRICE : 2_020e8);
                engine.sync(ETH);
            }
            (variance[run], , , ) = risk.variances(ETH);
            level[run] = _level(ETH);
            vm.revertToState(snapshot);
        }
        assertApproxEqRel(variance[0], 8.69e18, 0.01e18); // 295 %
        assertEq(level[0], 3);
        assertApproxEqRel(variance[1], 8.69e18, 0.02e18, "whoever comes first");
        assertEq(level[1], 3);
    }

    /* FUNDING */

    /// @dev The rate follows what the pool holds. Trades at the ends of the band do not move it, whatever their size.
    function test_FundingSpoof_TradesAtOddPricesMoveNothing() public {
        (uint256 long, uint256 short) = (_sub(30_000_000), _sub(30_000_000));
        for (uint256 i; i < 20; ++i) {
            exchange.settle(_pair(ETH, long, short, 10 * LOTS, 2_100e8));
            _minutes(1);
            assertEq(engine.markets(ETH).fundingRate, 100_000);
            exchange.settle(_pair(ETH, short, long, 10 * LOTS, 1_900e8));
            _minutes(1);
            assertEq(engine.markets(ETH).fundingRate, 100_000);
        }
        assertEq(risk.report(ETH).funding.value, 100_000);
        assertEq(_gain(), -32_004);
    }

    /// @dev So the pool must be made to hold the other side: the attacker lets his shorts be taken over, and pays for his longs.
    function test_FundingSpoof_OfOneLevelForFourDays() public {
        _wash(ETH, (_capOf(ETH) * 55) / 100, 40);
        uint64 price = ETH_PRICE;
        for (uint256 i; i < 10; ++i) {
            price += price / 250;
            _warp(3_599);
            vm.warp(vm.getBlockTimestamp() + 1);
            _answer(ETH, price);
            _syncAll();
        }
        for (uint256 i = 1; i < subs.length; i += 2) engine.flag(subs[i]);
        _warp(91);
        for (uint256 i = 1; i < subs.length; i += 2) engine.takeover(subs[i], keeper);
        int256 gain = _gain();
        assertEq(gain, -461_526, "what was left of the shorts");
        _minutes(1);
        assertEq(engine.markets(ETH).fundingRate, 1_100_000); // all shorts are the pool's
        assertEq(_level(ETH), 1);

        uint256 waited;
        for (; waited < 100 && !risk.report(ETH).isCrowded; ++waited) {
            assertEq(_level(ETH), 1);
            _warp(1 hours);
            _syncAll();
        }
        assertEq(waited, 80, "until the average of a day has followed");
        assertEq(_level(ETH), 2);
        assertEq(_gain() - gain, -242_438, "his longs have paid 11 bp every eight hours");
        for (uint256 i; i < 24; ++i) {
            _warp(1 hours);
            _syncAll();
            assertEq(_level(ETH), 2);
        }

        // what is above the inventory's cap is closed against his longs, by anybody: then there is nothing behind it
        engine.deleverage(ETH);
        _minutes(1);
        assertFalse(risk.report(ETH).isCrowded);
        _minutes(61);
        assertEq(_level(ETH), 1);
        _assertWhole();
    }
}
