// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Match} from "../../contracts/interfaces/IExchange.sol";
import {IMarginEngine, Inventory, InventoryCap, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {ManipulationBase} from "../helpers/ManipulationBase.t.sol";

/// @notice dYdX's YFI of November 2023 and Hyperliquid's JELLY of March 2025, in the thin market. Money is in whole dollars where
/// nothing else is said.
contract ManipulationIncidentsTest is ManipulationBase {
    uint256 private constant STAKED = JUNIOR + SENIOR; // {USD}

    /* YFI: LONGS OF MANY ACCOUNTS, + 214 % IN FIVE DAYS, - 30 % AT ONCE, - 43 % IN ALL */

    /// @dev 1 % an hour.
    function _pump() private {
        uint256 price = ALT_PRICE;
        for (uint256 i; i < 115; ++i) {
            price += price / 100;
            _warp(3_599);
            vm.warp(vm.getBlockTimestamp() + 1);
            _answer(ALT, uint64(price));
            _syncAll();
        }
        assertApproxEqRel(price, 314e8, 1e16);
    }

    /// @dev Every account leaves the margin that its fill has asked for, or, `plain`, takes out again what is not plain initial margin.
    function _longs(uint256 each, uint256 count, bool plain) private {
        for (uint256 i; i < count; ++i) {
            uint256 id = _sub((each * engine.markets(ALT).price * 103) / 100 / USD);
            _swap(ALT, id, maker, each);
            _withdrawTo(id, plain ? _plainInitial(id, ALT) : _initial(id));
        }
    }

    /// @dev Fresh accounts buy what the old ones have: open interest stays, the profit of the rise is cash.
    function _roll(bool plain) private {
        uint256 n = subs.length;
        for (uint256 i; i < n; ++i) {
            uint256 lots = uint256(_lots(subs[i], ALT));
            uint256 id = _sub((lots * engine.markets(ALT).price * 103) / 100 / USD);
            _swap(ALT, id, subs[i], lots);
            _withdrawFree(subs[i], ALT);
            _withdrawTo(id, plain ? _plainInitial(id, ALT) : _initial(id));
        }
    }

    /// @dev One answer, then the keeper's round.
    function _drop(uint256 bps) private {
        uint256 price = engine.markets(ALT).price;
        _warp(60);
        _answer(ALT, uint64(price - (price * bps) / 1e4));
        _syncAll();
        for (uint256 i; i < subs.length; ++i) {
            if (_equity(subs[i]) < 0) engine.takeover(subs[i], keeper);
        }
        try engine.deleverage(ALT) {} catch {}
        engine.settle(maker);
        engine.coverInventory(ALT);
    }

    /// @dev {USD} what the pool has paid
    function _paid() private view returns (uint256) {
        return STAKED - _booked() / 1e6;
    }

    /// @dev The lots that the cap allows at the start are all: he cannot add to them as the price rises.
    function test_Yfi_TheCapLetsNobodyAddOnTheWayUp() public {
        _longs(_capOf(ALT) / 20, 20, false);
        assertEq(put, 1_572_846, "42 % of it");
        assertEq((uint256(engine.markets(ALT).openInterest) * ALT_PRICE) / USD, 3_717_471);
        uint256 id = _sub(100_000);
        _pump();
        Match memory order = _pair(ALT, id, maker, 1_000, engine.markets(ALT).price);
        vm.expectPartialRevert(IMarginEngine.OpenInterestAboveCap.selector);
        exchange.settle(order);
        _drop(2_990);
        _drop(1_870);
        assertEq(_paid(), 0);
        _assertWhole();
    }

    /// @dev At the top the lots are worth 3.1 times the cap. He moves them to fresh accounts, which need no room under the cap. With the
    /// margin that those fills ask for the fall costs the pool nothing; when all but plain margin is taken out again, what is beyond.
    function test_Yfi_RolledAtTheTopCostsWhatIsBeyondPlainMargin() public {
        _longs(_capOf(ALT) / 20, 20, true);
        _pump();
        uint256 snapshot = vm.snapshotState();
        _roll(false);
        assertApproxEqAbs(_initial(subs[30]), 583_681 * USD, USD, "all of its notional");
        _drop(2_990);
        _drop(1_870);
        assertEq(_paid(), 0);
        vm.revertToState(snapshot);

        _roll(true);
        assertEq((uint256(engine.markets(ALT).openInterest) * engine.markets(ALT).price) / USD, 11_673_621);
        _drop(2_990);
        assertEq(_paid(), 771_992);
        _drop(1_870);
        assertEq(_paid(), 1_375_967, "with what the inventory has lost; a fifth of the stake would be 2,000,000");
        assertEq(engine.totalDeficit(), 0);
        _assertWhole();
    }

    /// @dev Terms that stop nobody: 67 million of longs at the top in 200 accounts, nearly seven times the stake.
    function test_Yfi_WithoutACapCostsTheDaysBudgetAndTheWinnersTheRest() public {
        MarketRules memory r = _thinRules();
        (r.shockBps, r.stakeShareBps) = (720, 10_000);
        engine.setMarket(ALT, _thinParams(), r);
        _pump();
        _longs((67_000_000 * USD) / 200 / engine.markets(ALT).price, 200, true);
        int256 makers = _equity(maker);
        int256 lost = put;
        _drop(2_990);
        assertEq(_booked(), (STAKED * 1e6) / 2, "the budget of a day");
        _drop(1_870);
        assertEq(_booked(), (STAKED * 1e6) / 2);
        assertEq(engine.totalDeficit(), 0);
        assertEq(_gain(), -lost, "all of his margin");
        assertEq(lost, 12_228_000);
        assertEq(_usd(_equity(maker) - makers), 17_221_287, "of the 20 million he has won");
        _assertWhole();
    }

    /* JELLY: A SHORT IS LEFT TO THE POOL, THE PRICE FOURFOLD */

    /// @dev The attacker is long and short all that the cap allows, takes out what he can and pumps. The shorts fall to the pool.
    /// @param step  {bps} a minute
    /// @param awake whether anybody deleverages on the way
    function _squeeze(uint256 step, bool awake) private {
        _deposit(alice, 12_000);
        _swap(ETH, alice, maker, 1_000_000);
        uint256 price = ALT_PRICE;
        _wash(ALT, _capOf(ALT), 20);
        while (price < 4 * ALT_PRICE) {
            price += (price * step) / 1e4;
            _warp(60);
            _answer(ALT, uint64(price));
            _syncAll();
            for (uint256 i = 1; i < subs.length; i += 2) {
                if (_equity(subs[i]) < 0) engine.takeover(subs[i], keeper);
            }
            if (awake) _unwind();
            engine.coverInventory(ALT);
        }
        for (uint256 i; i < subs.length; ++i) engine.settle(subs[i]);
        assertEq(engine.inventory(ALT).equity, 0);
        assertEq(engine.totalDeficit(), 0);
        assertApproxEqAbs(
            _equity(alice),
            11_900 * int256(USD),
            10 * USD,
            "in the other market nobody has lost anything"
        );
        _assertWhole();
    }

    function _unwind() private {
        Inventory memory held = engine.inventory(ALT);
        if (held.lots < -int256(held.cap)) {
            engine.deleverage(ALT);
            held = engine.inventory(ALT);
            assertLe(-held.lots, int256(held.cap));
        }
    }

    /// @dev The inventory may hold 35 % of the stake: a short of 3.5 million that is held there while the price triples costs 3.8 million.
    function test_Jelly_CostsTheInventorysCapTimesWhatThePriceGrows() public {
        _squeeze(500, true);
        assertEq(_paid(), 3_767_170);
        assertEq(_gain(), 3_766_610, "less 560 of fees, and what it cost to move the price");
    }

    /// @dev The same where governance lets the inventory hold 5 % of the stake.
    function test_Jelly_CostsLessWhereTheInventoryMayHoldLess() public {
        engine.setInventoryCap(ALT, InventoryCap(type(uint56).max, 500));
        _squeeze(500, true);
        assertEq(_paid(), 684_472);
        assertEq(_gain(), 683_913);
    }

    /// @dev Five steps of 25 % and six minutes in which nobody deleverages: the budget of the day, and the winners bear the rest.
    function test_Jelly_CostsTheDaysBudgetWhenNobodyDeleverages() public {
        _squeeze(2_500, false);
        assertEq(_paid(), STAKED / 2);
        (uint256 today, ) = stack.drawn(ALT);
        assertEq(today, (STAKED * 1e6) / 2);
        assertEq(_gain(), 4_999_875);
        assertEq(stack.absorbable(ALT), 0);
        assertEq(stack.absorbable(ETH), (STAKED * 1e6) / 4, "another market has half of the rest");
    }

    /// @dev A new day has a new budget, but what the inventory loses may cost half of the stake in a week.
    function test_Jelly_OverMidnightCostsNoMoreThanTheWeekAllows() public {
        _warp(1 days - (vm.getBlockTimestamp() % 1 days) - 4 minutes);
        _squeeze(2_500, false);
        assertEq(_paid(), 5_199_678, "half for the inventory, the rest when the shorts were taken over");
        (uint256 today, uint256 inWindow) = stack.drawn(ALT);
        assertApproxEqAbs(today, 2_186_481e6, 1e6);
        assertApproxEqAbs(inWindow, 5_199_678e6, 1e6);
        assertEq(_gain(), 5_199_548);
    }
}
