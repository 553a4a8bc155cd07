// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Curve} from "../../contracts/interfaces/IBackstopAMM.sol";
import {AmmOrder, IMarginEngine, Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {IRiskEngine, VolatilityLimits} from "../../contracts/interfaces/IRiskEngine.sol";
import {CurveLib} from "../../contracts/libraries/CurveLib.sol";
import {AmmBase} from "../helpers/AmmBase.t.sol";

/// @notice Attacks on the curve and on those who rely on it, each with what it costs and brings. {u} unless said.
contract BackstopAMMAttacksTest is AmmBase {
    IRiskEngine private risk;
    uint256 private mallory;

    function setUp() public override {
        super.setUp();
        risk = IRiskEngine(engine.risk());
        mallory = _account("mallory");
    }

    /* A CURVE THAT IS TOO SMALL */

    /// @dev One provider of 1,000 USD comes and goes: what is locked stays, 20 lots of which one moves the price by 10 %.
    function test_Attack_ACurveOfADollarMakesNoMarketReduceOnly() public {
        _levels();
        _leave();
        _trade(alice, bob, 1_000_000); // 200,000 USD of others
        assertLe(amm.curves(ETH).base, 20);
        _swap(alice, -1); // 20 cents
        _minute();
        _minute();
        assertLt(engine.markets(ETH).level, 4, "the market is reduce-only for 20 cents");
    }

    function test_Attack_ACurveOfADollarDoesNotKeepProvidersOut() public {
        _leave();
        _trade(alice, bob, 1_000_000);
        _swap(alice, -1);
        _deposit(carol, 1_000_000);
        vm.prank(_owner(carol));
        amm.addLiquidity(ETH, carol, uint128(1_000_000 * USD), 0);
        assertGt(amm.curves(ETH).base, 10_000_000);
    }

    /// @dev Where a lot is worth more than the four dollars that are left of the reserves there is no base at all, for ever.
    function test_Attack_ACurveWithoutBaseComesBack() public {
        _list(2, 100_000e8); // 10 USD a lot
        _deposit(mallory, 1_000);
        vm.startPrank(_owner(mallory));
        uint256 shares = amm.addLiquidity(2, mallory, uint128(1_000 * USD), 0);
        amm.removeLiquidity(2, mallory, shares, false, 0);
        vm.stopPrank();
        assertEq(_equity(mallory), int256(999 * USD)); // it costs a dollar
        vm.prank(_owner(bob));
        amm.addLiquidity(2, bob, uint128(100_000 * USD), 0);
        assertGt(amm.curves(2).base, 0, "providers' cash gives no depth any more");
    }

    /// @dev Who is short pushes a curve of 1,000 USD above the index and is paid by every long of the market.
    function test_Attack_AThinCurveDoesNotSetFunding() public {
        _leaveAllBut(1_000 * USD);
        _trade(alice, bob, 4_000_000); // alice pays funding on 800,000 USD
        _deposit(mallory, 100);
        int256 cost = -_equity(mallory);
        _swap(mallory, 100);
        cost += _equity(mallory); // what the push cost: a part of a dollar
        int256 before = _equity(alice);
        for (uint256 i; i < 24; ++i) {
            _warp(1 hours);
            engine.sync(ETH);
        }
        assertGt(cost, -1 * int256(USD));
        assertGt(_equity(alice) - before, -int256(80 * USD), "a basis point a day of what others hold");
    }

    /* PUSHES */

    /// @dev In one transaction across a minute: push by 8 %, let it be observed, push back. Twice is level 4.
    function test_Attack_APushWithinABlockDoesNotRaiseTheLevel() public {
        _levels();
        _warp(118 - (vm.getBlockTimestamp() % 60));
        engine.sync(ETH);
        int256 cost = _equity(alice);
        for (uint256 i; i < 3; ++i) {
            vm.warp(vm.getBlockTimestamp() + 2); // the next minute; what was synced two seconds ago is fresh
            _swap(alice, 780_000); // 8 % of the price, 4 % on average
            engine.sync(ETH);
            _swap(alice, -780_000);
            vm.warp(vm.getBlockTimestamp() + 58);
            engine.sync(ETH);
        }
        cost -= _equity(alice);
        assertLt(cost, int256(700 * USD)); // fees of providers: of a curve of 1,000,000 USD
        assertEq(engine.markets(ETH).level, 0, "the level followed a push that nobody could trade against");
    }

    /* STUCK */

    /// @dev After a fast fall nobody may sell short for as long as the slow average is behind, and two minutes later the curve, which thus
    /// could not follow, has made the market reduce-only: for good, as only new positions could bring it to the index.
    function test_Life_AFastMoveDoesNotCloseTheMarketForEver() public {
        _levels();
        _setPrice(ETH, 1_800e8);
        AmmOrder memory order = _order(alice, -10_000);
        vm.startPrank(_owner(alice));
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        engine.trade(order);
        vm.stopPrank();
        for (uint256 i; i < 3 days / 30 minutes; ++i) {
            _warp(30 minutes);
            engine.sync(ETH);
        }
        assertEq(_equity(curve), int256(PROVIDED * USD)); // nobody holds anything
        assertLt(engine.markets(ETH).level, 4, "reduce-only three days later");
        _swap(alice, -10_000);
    }

    /// @dev A provider of 1,000 USD stays for a week and goes: for two months the market is at a level that his depth is gone.
    function test_Attack_AThinCurveThatGoesDoesNotRaiseTheLevel() public {
        risk.setVolatilityLimits(ALT, VolatilityLimits(60_000, 61_000, 62_000, 63_000, 1_000));
        _deposit(mallory, 1_000);
        vm.prank(_owner(mallory));
        uint256 shares = amm.addLiquidity(ALT, mallory, uint128(1_000 * USD), 0);
        for (uint256 i; i < 7 days / 1 hours; ++i) {
            _warp(1 hours);
            engine.sync(ALT);
        }
        vm.prank(_owner(mallory));
        amm.removeLiquidity(ALT, mallory, shares, false, 0);
        for (uint256 i; i < 30; ++i) {
            _warp(1 days);
            engine.sync(ALT);
        }
        assertEq(engine.markets(ALT).level, 0, "a month later");
    }

    /* LEVERAGE OF PROVIDERS */

    /// @dev A provider who leaves in cash leaves the position to who stays.
    function test_Attack_LeavingInCashDoesNotPutOthersAboveTheExposure() public {
        uint256 victim = _account("victim");
        _provide(victim, 20_000);
        _swap(alice, 450_000);
        _setPriceLongAgo(ETH, 2_094e8);
        _deposit(bob, 1_000_000);
        _swap(bob, 450_000); // 190,000 USD in all
        _leaveAsFarAsAllowed();
        uint256 notional = uint256(-_lots(curve, ETH)) * engine.markets(ETH).price;
        uint256 equity = uint256(engine.health(curve, Valuation.UNFAVOURABLE).equity);
        assertLe(notional, equity * 3, "the rest is left with more than MAX_EXPOSURE");
    }

    /// @dev The curve has lost all; a dollar to its account keeps the epoch, and who joins gets a depth of millions of times his cash.
    function test_Attack_WhoJoinsAfterALossGetsTheLeverageThatIsPromised() public {
        _ruin();
        uint256 unit = 10 ** _decimals();
        token.mint(address(this), unit);
        token.approve(address(engine), unit);
        engine.deposit(curve, unit); // the attack: one dollar
        _alignByIndex();

        uint256 victim = _account("victim");
        _provide(victim, 100_000);
        Curve memory c = amm.curves(ETH);
        int256 before = _equity(curve);
        assertGe(before, int256(99_999 * USD));
        uint256 depth = c.quote / uint256(before); // 62,000 times what is in it
        _deposit(mallory, 1_000_000);
        uint64 price = engine.markets(ETH).price;
        for (uint64 i = 1; i <= 5; ++i) {
            _setPrice(ETH, (price * (1000 + 5 * i)) / 1000); // 2.5 % in all
            _arbitrage(mallory);
        }
        // at four times what is in it 2.5 % cost 0.06 %
        assertGt(_equity(curve), (before * 99) / 100, "a move of 2.5 % took more than 1 % of providers");
        assertLe(depth, amm.LEVERAGE(), "deeper than what was put in");
    }

    /* HELPERS */

    function _levels() private {
        risk.setVolatilityLimits(ETH, VolatilityLimits(60_000, 61_000, 62_000, 63_000, 1_000));
    }

    function _minute() private {
        _warp(60);
        engine.sync(ETH);
    }

    function _leave() private {
        _leaveAllBut(0);
    }

    function _leaveAllBut(uint256 kept) private {
        uint256 shares = _share(provider) - kept;
        vm.prank(_owner(provider));
        amm.removeLiquidity(ETH, provider, shares, false, 0);
    }

    /// @dev The curve is short 190,000 USD, most providers leave in cash, and the index rises by a third.
    function _ruin() private {
        _lever();
        _setPriceLongAgo(ETH, 2_815e8);
        _deposit(keeper, 1);
        engine.takeover(curve, keeper);
        assertEq(_equity(curve), 0);
        assertEq(_lots(curve, ETH), 0);
    }

    /// @dev The index comes to where the curve stands.
    function _alignByIndex() private {
        Curve memory c = amm.curves(ETH);
        _setPriceLongAgo(ETH, uint64(c.quote / c.base));
    }

    /// @dev Takes what of the curve is better than the index by more than the fee.
    function _arbitrage(uint256 id) private {
        uint256 price = engine.markets(ETH).price;
        Curve memory c = amm.curves(ETH);
        bool isBuy = uint256(c.quote) / c.base < price;
        uint256 lots = CurveLib.lotsTo(c, isBuy, isBuy ? (price * 9_995) / 10_000 : (price * 10_005) / 10_000);
        int256 equity = engine.health(curve, Valuation.UNFAVOURABLE).equity;
        if (equity <= 0) return;
        uint256 most = (3 * uint256(equity)) / price;
        int256 held = _lots(curve, ETH);
        int256 room = int256(most) + (isBuy ? held : -held) - 1;
        if (room < 100) return;
        if (int256(lots) > room) lots = uint256(room);
        AmmOrder memory order = _order(id, isBuy ? int64(uint64(lots)) : -int64(uint64(lots)));
        if (lots < 100) return;
        vm.prank(_owner(id));
        engine.trade(order);
        // and closes at the index with somebody else
        if (isBuy) _trade(bob, id, uint56(lots));
        else _trade(id, bob, uint56(lots));
    }
}
