// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {Fill, IMarginEngine, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {FeedConfig, PriceState} from "../../contracts/interfaces/IOracle.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {HookToken} from "../../contracts/mocks/OddTokens.sol";
import {Oracle} from "../../contracts/Oracle.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";
import {Deployer} from "../helpers/Deployer.sol";

/// @notice Each test is a fault that the engine once had.
contract MarginEngineRegressionsTest is EngineBase {
    /// @dev Bankrupt in ALT at a price nobody had stored, alice opened ETH and handed phantom equity on through the band.
    function test_BankruptAccountCannotOpenOnAnotherMarketsOldPrice() public {
        _deposit(alice, 10_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 10_000);
        _trade(ALT, alice, bob, 10_000_000);
        vm.warp(vm.getBlockTimestamp() + 2 hours);
        feeds[ALT].setAnswer(70e8); // - 30 %: alice is worth - 20,000
        _setPrice(ETH, ETH_PRICE);

        vm.expectPartialRevert(IMarginEngine.InitialMarginNotMet.selector);
        engine.fill(_fill(ETH, alice, carol, 200_000, 2_100e8));
        assertEq(_equity(carol), int256(10_000 * USD));
    }

    /// @dev With ALT's feed dead, its last price counted as margin for ETH: round trips in the band moved it to carol.
    function test_DeadPriceIsNoMarginForAnotherMarket() public {
        _deposit(alice, 10_000);
        _deposit(bob, 1_000_000);
        _deposit(carol, 100_000);
        _trade(ALT, alice, bob, 10_000_000);
        _warp(60);
        feeds[ALT].setRound(9, 0, block.timestamp);
        engine.sync(ALT);
        engine.sync(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ALT, PriceState.BAD));
        engine.fill(_fill(ETH, alice, carol, 50_000, 2_100e8));
    }

    /// @dev A pair opened at the stored price seconds after the feed had left it, and took itself over: certain profit.
    function test_PairCannotOpenAtAPriceTheFeedHasLeft() public {
        _deposit(alice, 60_000);
        _deposit(bob, 60_000);
        _warp(30);
        feeds[ETH].setAnswer(1_700e8);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceOutsideBand.selector, 2_000e8, 1_615e8, 1_785e8));
        engine.fill(_fill(ETH, alice, bob, 5_000_000, 2_000e8));
    }

    /// @dev Cured by a deposit, alice kept her clock and was taken over at the next dip without a liquidation.
    function test_DepositThatCuresStopsTheClock() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        engine.flag(alice);
        assertGt(_since(alice), 0);
        _deposit(alice, 2_000);
        assertEq(_since(alice), 0);
        _warp(300);
        _setPrice(ETH, 1_922e8); // below maintenance again, above 40 % of it
        vm.expectPartialRevert(IMarginEngine.NotTakeoverable.selector);
        engine.takeover(alice, keeper);
    }

    /// @dev The clock ran on the last price of a dead feed, so that its 90 seconds were over when the feed came back.
    function test_ClockDoesNotStartOnADeadPrice() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_940e8);
        vm.warp(vm.getBlockTimestamp() + 60);
        feeds[ETH].setRound(9, 0, block.timestamp);
        engine.sync(ETH);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.PriceNotValid.selector, ETH, PriceState.BAD));
        engine.flag(alice);
    }

    /// @dev The stop of opening was only looked at when a deficit changed.
    function test_OpeningResumesOnceTheBalanceOutgrowsTheDeficits() public {
        _setStake(STAKE, 0);
        _open(11_000, 900_000);
        _setPriceLongAgo(ETH, 1_875e8); // D = 250 of 120,000 and 1,000,000 in the ledger
        engine.takeover(alice, keeper);
        uint256 balance = engine.internalBalance() * 1e6;
        uint256 total = engine.totalDeficit();
        if (total * 1000 > balance) {
            vm.expectRevert(abi.encodeWithSelector(IMarginEngine.OpeningStopped.selector, total, balance));
            engine.fill(_fill(ALT, bob, carol, 1000, 100e8));
        }
        _deposit(carol, 10_000_000);
        assertGt(engine.internalBalance() * 1e6, 1000 * total);
        assertGt(total, 0);
        _trade(ALT, carol, bob, 1000); // ALT itself has no deficit
    }

    /// @dev Each sync cut the premium down to whole u per lot: small lots synced every block paid none.
    function test_FrequentSyncsLoseNoPremium() public {
        MockAggregator feed = new MockAggregator(8, 2_000e8);
        feeds.push(feed);
        FeedConfig memory config = _feed(feed);
        config.lotDecimals = 8; // 2e7 u a lot
        oracle.configure(2, config);
        MarketRules memory rules = _rules();
        rules.premiumRate = 25_000;
        engine.setMarket(2, _params(), rules);
        _deposit(alice, 100_000);
        _deposit(bob, 100_000);
        _trade(2, alice, bob, 5_000_000_000); // $100,000
        uint256 start = block.timestamp;
        for (uint256 i; i < 300; ++i) {
            vm.warp(start + 12 * i);
            engine.sync(2);
        }
        uint256 due = (2 * 100_000 * USD * 25_000 * 299 * 12) / (1e9 * 28_800);
        assertApproxEqAbs(uint256(_cash(FEES)), due, 2 * 5_000_000_000, "less than a unit a lot");
    }

    /// @dev With an edge wider than maintenance an account below zero was neither liquidatable nor takeoverable.
    function test_WideEdgeDoesNotHideInsolvency() public {
        _open(21_000, 1_000_000);
        FeedConfig memory config = _feed(feeds[ETH]);
        config.edgeBps = 500;
        oracle.configure(ETH, config);
        engine.setMarket(ETH, _params(), _rules());
        assertEq(engine.markets(ETH).edgeBps, 75); // a quarter of maintenance
        _setPrice(ETH, 1_780e8); // - 22,000
        assertLt(_equity(alice), 0);
        assertLt(engine.takeover(alice, keeper), 0);
    }

    /// @dev Without free stake initial margin is all of the notional, and liquidators could not act when it mattered.
    function test_DrainedPoolDoesNotStopLiquidators() public {
        _open(11_000, 1_000_000);
        _deposit(carol, 20_000);
        _setPrice(ETH, 1_940e8);
        pool.setStake(0, 0);
        _warp(61);
        engine.sync(ETH);
        vm.prank(_owner(carol));
        (uint56 lots, ) = engine.liquidate(alice, ETH, carol, type(uint56).max, 0);
        assertGt(lots, 0);
    }

    /// @dev Withdrawing more than the engine holds ended in a panic.
    function test_WithdrawingMoreThanIsHeldNamesTheCash() public {
        _deposit(alice, 10);
        vm.prank(_owner(alice));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.CashNegative.selector, alice, -int256(USD)));
        engine.withdraw(alice, 11e6, 0, _owner(alice));
    }

    /// @dev What an inventory had earned stayed in it for ever, even beside a deficit of its own market.
    function test_FlatInventoryRepaysTheDeficit() public {
        _open(11_000, 1_000_000);
        _setPrice(ETH, 1_899e8);
        engine.takeover(alice, keeper); // long 1,000,000 lots
        _warp(2 hours);
        engine.sync(ETH);
        uint256 dave = _account("dave");
        _deposit(dave, 1_000_000);
        _deposit(carol, 11_000);
        _trade(dave, carol, 1_000_000);
        _setPrice(ETH, 1_997e8);
        engine.takeover(carol, keeper); // short as much: flat, with a profit
        int256 profit = _cash(ETH);
        assertEq(_lots(ETH, ETH), 0);
        assertGt(profit, 0);

        int256 before = _cash(FEES);
        uint256 paid = engine.collectIncome(ETH);
        assertEq(_cash(ETH), 0);
        assertEq(_cash(FEES), before + profit - int256(paid * 1e6));
        _assertConserved();
    }

    /// @dev A takeover from inside a transfer of the pool found the pool locked and booked the loss as a deficit.
    function test_TakeoverInsideAPoolTransferDoesNotSpareTheStakers() public {
        HookToken hook = new HookToken(6);
        AccessManager manager_ = new AccessManager(address(this));
        Oracle oracle_ = Deployer.oracle(address(manager_));
        engine = Deployer.engine(address(hook), address(oracle_), address(manager_));
        CapitalStack stack = Deployer.stack(address(hook), address(engine), address(manager_));
        stack.setTranches(0, 20_000, 0);
        IBackstopPool stakers = stack.senior();
        Deployer.wire(engine, address(stack), address(this), address(manager_));
        MockAggregator feed = new MockAggregator(8, 2_000e8);
        oracle_.configure(ETH, _feed(feed));
        hook.mint(address(this), 20_000_000e6);
        hook.approve(address(stakers), type(uint256).max);
        hook.approve(address(engine), type(uint256).max);
        stakers.deposit(10_000_000e6, address(this));
        engine.setMarket(ETH, _params(), _rules());
        engine.deposit(alice, 11_000e6);
        engine.deposit(bob, 1_000_000e6);
        engine.fill(Fill(ETH, alice, bob, 1_000_000, 2_000e8, true, false, false));
        vm.warp(vm.getBlockTimestamp() + 61);
        feed.setAnswer(1_800e8);

        hook.arm(address(engine), abi.encodeCall(engine.takeover, (alice, keeper)));
        stakers.deposit(1e6, address(this));
        assertFalse(hook.succeeded());
        engine.takeover(alice, keeper);
        assertEq(engine.totalDeficit(), 0);
        assertEq(stakers.totalAssets(), 10_000_001e6 - 9_000e6);
    }
}
