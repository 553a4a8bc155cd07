// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Fill, IMarginEngine, MarketParams, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice What somebody would try, and the rule that stops it. Each test says which.
contract MarginEngineAttacksTest is RecoveryBase {
    uint56 private constant LOTS = 1_000_000; // {lot} $200,000
    uint256 private constant MAX_GAS = 10_000_000; // a third of a block

    /* WINNERS WHO LEAVE BEFORE LOSERS HAVE PAID (INCIDENT B16) */

    /// @dev Rule: nobody joins the winning side, so a winner finds nobody to realise his profit with while losers are below zero
    /// (RulesLib.requireNotWinning); and profit on paper is not withdrawn (capped equity, cash >= 0).
    function test_Winners_CannotLeaveBeforeLosersHavePaid() public {
        pool.setStake(STAKE * 1e6, 0);
        _open(11_000, LOTS);
        _deposit(carol, 1_000_000);
        _setPrice(ETH, 1_600e8); // alice - 29,000, bob + 40,000
        uint64 slow = engine.markets(ETH).slow;
        bytes memory closed = abi.encodeWithSelector(IMarginEngine.WinningSideClosed.selector, ETH, 1_600e8, slow);
        vm.expectRevert(closed);
        engine.fill(_fill(ETH, bob, carol, LOTS, 1_600e8)); // carol would be the winner of nothing
        assertEq(_cash(bob), int256(1_000_000 * USD)); // and what he has won is not cash
    }

    function test_Winners_CannotCloseAgainstTheBankrupt() public {
        pool.setStake(STAKE * 1e6, 0);
        _open(11_000, LOTS);
        _setPrice(ETH, 1_600e8);
        // alice is below zero: she may not even reduce, so bob cannot turn his profit into cash against her
        vm.expectPartialRevert(IMarginEngine.ReduceLowersHealth.selector);
        engine.fill(_fill(ETH, bob, alice, LOTS / 2, 1_600e8));
        vm.expectPartialRevert(IMarginEngine.CashNegative.selector);
        _take(bob, 1_000_001e6);
        uint256 paid = 29_000 * USD;
        engine.takeover(alice, keeper);
        assertEq(_equity(bob), int256(1_040_000 * USD - paid));
        assertEq(engine.totalDeficit(), 0);
        _assertWhole();
    }

    /// @dev Rule: h. What was realised before a shortfall is recognised late is cut with everybody else's, whoever is first.
    function test_Winners_AreCutLikeEverybodyOnceAShortfallIsLeft() public {
        pool.setStake(STAKE * 1e6, 0);
        _open(11_000, LOTS);
        _setPriceLongAgo(ETH, 1_600e8); // nobody came for eight hours
        _deposit(carol, 1_000_000);
        _trade(bob, carol, LOTS); // bob realises 40,000
        engine.takeover(alice, keeper);
        assertGt(engine.totalDeficit(), 0);
        uint256 b = engine.internalBalance();
        uint256 z = engine.totalDeficit() / 1e6;
        uint256 paid = _take(bob, 1_000_000e6);
        assertApproxEqAbs(paid, (uint256(1_000_000e6) * b) / (b + z), 1);
        _assertWhole();
    }

    /* SELF-DEALING */

    /// @dev Rule: loss share. One owner holds both sides on thin margin and lets the losing one fall: with nothing in bucket and pool
    /// the pair gets out what it put in, at any gap.
    function testFuzz_SelfDeal_TakesNothingFromOthers(uint256 price) public {
        pool.setStake(STAKE * 1e6, 0);
        uint256 long = uint256(uint160(makeAddr("owner"))) << 96;
        uint256 short = long + 1;
        known.push(long);
        known.push(short);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _trade(ALT, bob, carol, 1_000_000); // others
        _deposit(long, 11_000);
        _deposit(short, 11_000);
        _trade(long, short, LOTS);
        _setPrice(ETH, uint64(bound(price, 700e8, 3_500e8)));
        uint256 loser = _equity(long) < 0 ? long : short;
        if (_equity(loser) < 0) engine.takeover(loser, keeper);
        assertLe(_equity(long) + _equity(short), int256(22_000 * USD));
        assertEq(engine.totalDeficit(), 0);
        assertEq(_equity(bob) + _equity(carol), int256(2_000_000 * USD));
        _assertWhole();
    }

    /// @dev Rule: the winning side is closed, and the limit of the share holds from the average. Who buys in after the move, to be
    /// charged for others or to farm the share of his own second account, is refused until the average has followed.
    function test_SelfDeal_NoPairOpensAtAPriceThatHasMoved() public {
        _deposit(alice, 100_000);
        _deposit(bob, 100_000);
        _setPrice(ETH, 1_800e8);
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        engine.fill(_fill(ETH, alice, bob, 1_000, 1_800e8));
        vm.expectPartialRevert(IMarginEngine.WinningSideClosed.selector);
        engine.fill(_fill(ETH, bob, alice, 1_000, 1_800e8));
        _warp(8 hours);
        _trade(alice, bob, 1_000);
    }

    /// @dev Rule: a taker pays more than a maker is given (ParamsLib), and neither end of the band changes what both have together.
    function testFuzz_SelfDeal_WashTradesCostTheFees(uint256 seed) public {
        MarketParams memory p = _params();
        (p.takerFeePpm, p.makerRebatePpm) = (500, 400);
        engine.setMarket(ETH, p, _rules());
        _deposit(alice, 100_000);
        _deposit(bob, 100_000);
        for (uint256 i; i < 10; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            (uint256 buyer, uint256 seller) = seed % 2 == 0 ? (alice, bob) : (bob, alice);
            uint256 lots = 1_000 * (20 + ((seed >> 8) % 10));
            uint256 price = (2_000e8 * (9_500 + ((seed >> 64) % 1_001))) / 10_000;
            Fill memory f = _fill(ETH, buyer, seller, uint56(lots), uint64(price));
            f.buyerIsTaker = (seed >> 1) % 2 == 0;
            int256 before = _equity(alice) + _equity(bob);
            engine.fill(f);
            assertGe(before - _equity(alice) - _equity(bob), int256((lots * price) / 10_000));
        }
        _assertWhole();
    }

    /* DODGING DELEVERAGING */

    /// @dev The inventory holds `LOTS` at $1,900, against bob and carol, half each.
    function _warehouse() private {
        _deposit(alice, 11_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 1_000_000);
        _deposit(keeper, 1_000_000);
        _trade(alice, bob, LOTS / 2);
        _trade(alice, carol, LOTS / 2);
        _setPriceLongAgo(ETH, 1_900e8);
        engine.takeover(alice, keeper);
        _cap(ETH, LOTS / 2);
    }

    /// @dev Rule: every touch settles first (LedgerLib's callers, SettleLib). Trading, withdrawing, moving cash, being liquidated: what was
    /// recorded is closed at the price of the record.
    function test_Dodge_EveryTouchSettlesFirst() public {
        _warehouse();
        engine.deleverage(ETH);
        _setPrice(ETH, 1_890e8);
        uint56 owed = LOTS / 4;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 4; ++i) {
            vm.expectEmit(address(engine));
            emit IMarginEngine.PositionSettled(ETH, bob, false, owed, 1_900e8);
            if (i == 0) _trade(bob, keeper, 100);
            if (i == 1) _take(bob, 1e6);
            if (i == 2) {
                vm.prank(_owner(bob));
                engine.transfer(bob, alice, 1);
            }
            if (i == 3) _trade(ALT, bob, keeper, 100);
            assertEq(-_lots(bob, ETH), int256(uint256(i == 0 ? owed - 100 : owed)));
            _assertWhole();
            vm.revertToState(snapshot);
        }
    }

    /// @dev Rule: a new position starts at the present survival (rebase). A newcomer owes nothing of what was recorded before; closing and
    /// opening again neither escapes it nor is charged for it twice.
    function test_Dodge_TurningRoundStartsAfresh() public {
        _warehouse();
        _deposit(alice, 10_000);
        engine.deleverage(ETH);
        uint56 left = uint56(uint256(-_lots(bob, ETH)));
        _trade(bob, keeper, left + 700); // flat and long
        assertEq(_lots(bob, ETH), 700);
        _trade(keeper, bob, left + 700);
        assertEq(_lots(bob, ETH), -int256(uint256(left)));
        assertEq(_lots(carol, ETH), -int256(uint256(left)));
        _trade(keeper, alice, 700);
        assertEq(_lots(alice, ETH), -700);
        _assertWhole();
    }

    /// @dev Rule: figures in effect (effectiveInterest). Open interest that has been deleveraged does not keep the cap full.
    function test_OpenInterest_CountsWhatIsInEffect() public {
        _warehouse();
        _trade(keeper, carol, 1_000);
        MarketRules memory r = _rules();
        // a cap of 1.2 million lots: room for 199,000 beside what is stored
        r.stakeShareBps = uint16((uint256(1_200_000) * 1_900e8 * 2_700) / (STAKE * USD)) + 1;
        engine.setMarket(ETH, _params(), r);
        uint56 tooMuch = 300_000;
        vm.expectPartialRevert(IMarginEngine.OpenInterestAboveCap.selector);
        engine.fill(_fill(ETH, keeper, bob, tooMuch, 1_900e8));
        engine.deleverage(ETH);
        _deposit(keeper, 5_000_000);
        _deposit(bob, 5_000_000);
        _trade(keeper, bob, tooMuch);
        _assertWhole();
    }

    /* FARMING */

    /// @dev Rule: pending counts before an inventory is flat (IncomeLib._isFlat). Nobody moves to the pool as income what the
    /// inventory still owes to those whom deleveraging has closed.
    function test_Farm_InventoryIsNotFlatWhileLotsArePending() public {
        _warehouse();
        engine.deleverage(ETH); // half of the shorts
        uint256 dave = _account("dave");
        _deposit(dave, 5_800);
        _trade(keeper, dave, LOTS / 2); // keeper long against a thin short
        _setPriceLongAgo(ETH, 2_000e8);
        _deposit(bob, 1_000_000);
        engine.takeover(dave, keeper); // and half short: LOTS / 2 stored, flat in effect
        assertEq(engine.inventory(ETH).lots, 0);
        int256 own = engine.inventory(ETH).equity;
        assertEq(engine.collectIncome(ETH), 0);
        assertEq(engine.inventory(ETH).equity, own);
        _assertWhole();
    }

    /// @dev Rule: the reward of a takeover is at most a quarter of the equity, or half of maintenance out of the bucket. An owner who
    /// takes over his own small accounts loses by it.
    function testFuzz_Farm_TakeoverRewardsCostMoreThanTheyPay(uint256 price) public {
        _fund(ETH, 1_000);
        _deposit(bob, 1_000_000);
        uint256 owner = uint256(uint160(makeAddr("farmer"))) << 96;
        known.push(owner);
        uint256 put;
        for (uint256 i = 1; i <= 10; ++i) {
            known.push(owner + i);
            _depositTokens(owner + i, 1.1e6);
            put += 1.1e6;
            _trade(owner + i, bob, 100); // $20, the smallest
        }
        _setPrice(ETH, uint64(bound(price, 1_000e8, 1_905e8)));
        for (uint256 i = 1; i <= 10; ++i) {
            engine.takeover(owner + i, owner);
        }
        // 10 times half of a margin of 3 % of $20 at most
        assertLe(_cash(owner), int256(3 * USD));
        assertLt(_cash(owner), int256(put * 1e6));
        _assertWhole();
    }

    /* BOUNDED GAS */

    uint256 private constant MARKETS = 16;

    /// @dev Alice is long the same in sixteen markets, bob short.
    function _sixteen(uint256 aliceUsd) private {
        for (uint8 m = 2; m < MARKETS; ++m) {
            _list(m, 100e8);
        }
        _deposit(alice, aliceUsd);
        _deposit(bob, 10_000_000);
        _deposit(carol, 10_000_000);
        for (uint8 m; m < MARKETS; ++m) {
            _trade(m, alice, bob, m == ETH ? 100_000 : 2_000_000); // $20,000
            _trade(m, bob, carol, m == ETH ? 50_000 : 1_000_000);
        }
    }

    function _allPrices(uint256 percent) private {
        _warp(1);
        vm.warp(vm.getBlockTimestamp() + 61); // everything is due
        for (uint8 m; m < MARKETS; ++m) {
            uint64 price = uint64((uint256(engine.markets(m).price) * percent) / 100);
            feeds[m].setRound(1_000_000, int256(uint256(price)), vm.getBlockTimestamp());
        }
    }

    function test_Gas_LiquidationInSixteenMarkets() public {
        _sixteen(17_500); // 320,000
        _allPrices(97);
        vm.prank(_owner(carol));
        uint256 before = gasleft();
        engine.liquidate(alice, ETH, carol, type(uint56).max, 0);
        assertLt(before - gasleft(), MAX_GAS);
        _assertWhole();
    }

    function test_Gas_TakeoverDeleveragingAndSettlementInSixteenMarkets() public {
        pool.setStake(STAKE * 1e6, 10e6);
        _sixteen(17_500);
        _allPrices(90); // - 14,500: a shortfall in every market, shared in every market
        uint256 before = gasleft();
        engine.takeover(alice, keeper);
        assertLt(before - gasleft(), MAX_GAS);
        assertEq(engine.accounts(alice).markets, 0);
        assertEq(engine.totalDeficit(), 0);
        for (uint8 m; m < MARKETS; ++m) {
            _cap(m, 100);
            before = gasleft();
            engine.deleverage(m);
            assertLt(before - gasleft(), MAX_GAS);
        }
        uint256 snapshot = vm.snapshotState();
        before = gasleft();
        engine.settle(bob);
        assertLt(before - gasleft(), MAX_GAS);
        vm.revertToState(snapshot);
        _allPrices(100);
        before = gasleft();
        _take(bob, 1e6); // sixteen settlements, sixteen syncs
        assertLt(before - gasleft(), MAX_GAS);
        _assertWhole();
    }
}
