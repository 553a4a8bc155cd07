// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IMarginEngine, MarketParams, MarketRules} from "../../contracts/interfaces/IMarginEngine.sol";
import {EngineBase} from "../helpers/EngineBase.t.sol";

contract MarginEngineDeficitTest is EngineBase {
    address internal friend = makeAddr("friend");

    /// @dev The pool pays nothing; alice leaves a deficit of about `usd`.
    function _deficit(uint256 usd) private {
        pool.setStake(STAKE * 1e6, 0);
        _open(11_000, 1_000_000);
        _setPriceLongAgo(ETH, uint64(1_890e8 - usd * 1e6)); // 100 ETH: $0.01 each a dollar
        engine.takeover(alice, keeper);
        assertEq(engine.deficit(ETH), usd * USD);
    }

    function test_Withdraw_PaysTheSameShareOfEverything() public {
        _deficit(10_000);
        uint256 b = engine.internalBalance();
        uint256 z = engine.totalDeficit() / 1e6;
        uint256 x = 500_000e6;
        uint256 paid = (x * b) / (b + z);
        vm.expectEmit(address(engine));
        emit IMarginEngine.DeficitReduced(ETH, (x - paid) * 1e6, (z - (x - paid)) * 1e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.Withdrawn(keeper, friend, paid, (x - paid) * 1e6);
        vm.prank(_owner(keeper));
        assertEq(engine.withdraw(keeper, x, paid, friend), paid);
        assertEq(token.balanceOf(friend), paid);
        assertEq(engine.claims(keeper), (x - paid) * 1e6);
        assertEq(_cash(keeper), int256(500_000 * USD));
        _assertConserved();

        vm.expectPartialRevert(IMarginEngine.PaidTooLittle.selector);
        vm.prank(_owner(keeper));
        engine.withdraw(keeper, 1000, 1000, friend);
    }

    /// @dev Withdrawing leaves h to the others no lower: B' (B + Z) >= B (B' + Z').
    function testFuzz_Withdraw_LeavesTheShareOfOthersNoLower(uint256 usd, uint256[5] memory amounts) public {
        _deficit(bound(usd, 1, 20_000));
        for (uint256 i; i < 5; ++i) {
            uint256 b = engine.internalBalance() * 1e6;
            uint256 z = engine.totalDeficit();
            vm.prank(_owner(keeper));
            engine.withdraw(keeper, bound(amounts[i], 1, 199_999e6), 0, friend);
            uint256 b2 = engine.internalBalance() * 1e6;
            assertGe(b2 * (b + z), b * (b2 + engine.totalDeficit()));
            _assertConserved();
        }
    }

    /// @dev Two winners, either order: each gets the same but for a token unit in the second's favour.
    function testFuzz_Withdraw_BeingFirstGainsNothing(uint256 usd, uint256 x, uint256 y) public {
        _deficit(bound(usd, 1, 20_000));
        _deposit(carol, 500_000);
        x = bound(x, 1, 900_000e6);
        y = bound(y, 1, 400_000e6);
        uint256 snapshot = vm.snapshotState();
        uint256 keeperFirst = _take(keeper, x);
        uint256 carolSecond = _take(carol, y);
        vm.revertToState(snapshot);
        uint256 carolFirst = _take(carol, y);
        uint256 keeperSecond = _take(keeper, x);
        assertLe(keeperFirst, keeperSecond);
        assertLe(carolFirst, carolSecond);
        assertApproxEqAbs(keeperFirst, keeperSecond, 1);
        assertApproxEqAbs(carolFirst, carolSecond, 1);
    }

    function _take(uint256 id, uint256 amount) private returns (uint256) {
        vm.prank(_owner(id));
        return engine.withdraw(id, amount, 0, friend);
    }

    function test_Transfer_PaysNoHaircut() public {
        _deficit(10_000);
        vm.prank(_owner(keeper));
        engine.transfer(keeper, carol, uint128(100 * USD));
        assertEq(_cash(carol), int256(100 * USD));
        assertEq(engine.claims(keeper), 0);
    }

    function test_RevertGiven_MarketIsInDeficit() public {
        _deficit(100);
        _deposit(carol, 1_000_000);
        uint64 price = engine.markets(ETH).price;
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.DeficitOutstanding.selector, ETH, 100 * USD));
        engine.fill(_fill(ETH, carol, bob, 1000, price));
        _trade(ALT, carol, bob, 1000); // 100 is below 0.1 % of two millions: other markets go on
        _trade(ALT, bob, carol, 1000); // and closing always does
    }

    function test_RevertGiven_DeficitsAboveATenthOfAPercent() public {
        _deposit(carol, 1_000_000);
        _deficit(10_000);
        uint64 price = engine.markets(ALT).price;
        vm.expectPartialRevert(IMarginEngine.OpeningStopped.selector);
        engine.fill(_fill(ALT, carol, bob, 1000, price));
    }

    /* INCOME */

    function _charge(uint256 usd) private {
        MarketParams memory p = _params();
        p.takerFeePpm = 10_000;
        engine.setMarket(ALT, p, _rules());
        _deposit(carol, 10_000_000);
        _trade(ALT, carol, bob, uint56((usd * 100 * USD) / ALT_PRICE));
        engine.setMarket(ALT, _params(), _rules());
    }

    function _skim(uint8 m) private {
        MarketRules memory r = _rules();
        r.bucketTarget = 0;
        engine.setMarket(m, _params(), r);
    }

    function test_CollectIncome_SkimsTheBucketAboveItsTarget() public {
        _deposit(bob, 1_000_000);
        _charge(500);
        MarketRules memory r = _rules();
        r.bucketTarget = 200;
        engine.setMarket(ALT, _params(), r);
        vm.expectEmit(address(engine));
        emit IMarginEngine.IncomeCollected(ALT, 0, 300 * USD, 0, 0, 300e6);
        assertEq(engine.collectIncome(ALT), 300e6);
        assertEq(engine.markets(ALT).bucket, 200 * USD);
        assertEq(pool.income(), 300e6);
        assertEq(engine.collectIncome(ALT), 0);
        assertEq(pool.income(), 300e6);
        _assertConserved();
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.UnknownMarket.selector, 2));
        engine.collectIncome(2);
    }

    function test_CollectIncome_RepaysDeficitsBeforeThePoolGetsAnything() public {
        _deposit(bob, 1_000_000);
        _charge(500);
        _deficit(700);
        _skim(ALT);
        engine.collectIncome(ALT); // another market's income repays it too
        assertEq(engine.deficit(ETH), 200 * USD);
        assertEq(_cash(FEES), 0);
        assertEq(pool.income(), 0);
        _assertConserved();

        _charge(300);
        _skim(ALT);
        vm.expectEmit(address(engine));
        emit IMarginEngine.DeficitReduced(ETH, 200 * USD, 0);
        vm.expectEmit(address(engine));
        emit IMarginEngine.IncomeCollected(ALT, 0, 300 * USD, 0, 200 * USD, 100e6);
        assertEq(engine.collectIncome(ALT), 100e6); // 200 repaid, the rest is income
        assertEq(engine.totalDeficit(), 0);
        assertEq(pool.income(), 100e6);
        _trade(ETH, carol, bob, 1000); // the market takes risk again
        _assertConserved();
    }

    function test_Withdraw_RepaidDeficitEndsTheHaircut() public {
        _deposit(bob, 1_000_000);
        _charge(500);
        _deficit(400);
        _skim(ALT);
        engine.collectIncome(ALT);
        engine.collectIncome(ETH);
        assertEq(_take(keeper, 1000e6), 1000e6);
        assertEq(engine.claims(keeper), 0);
    }
}
