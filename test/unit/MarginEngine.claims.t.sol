// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {IMarginEngine, MarketRules, MarketStatus} from "../../contracts/interfaces/IMarginEngine.sol";
import {PoolDouble} from "../helpers/EngineBase.t.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

contract MarginEngineClaimsTest is RecoveryBase {
    /// @dev The pool pays nothing; alice leaves a deficit of `usd`. ALT keeps nothing in its bucket.
    function _deficit(uint256 usd) private {
        pool.setStake(STAKE * 1e6, 0);
        MarketRules memory r = _rules();
        r.bucketTarget = 0;
        engine.setMarket(ALT, _params(), r);
        _open(11_000, 1_000_000);
        _setPriceLongAgo(ETH, uint64(1_890e8 - usd * 1e6));
        engine.takeover(alice, keeper);
        assertEq(engine.deficit(ETH), usd * USD);
    }

    /* SPLIT OF INCOME */

    function test_CollectIncome_IsSplitBetweenClaimsAndDeficitsInProportion() public {
        _fund(ALT, 500);
        _deficit(10_000);
        _take(keeper, 400_000e6);
        uint256 c = engine.totalClaims();
        uint256 z = engine.totalDeficit();
        assertEq(engine.claims(keeper), c);
        assertEq(c + z, 10_000 * USD);
        uint256 i = 500 * USD;
        uint256 toClaims = (i * c) / (c + z);
        vm.expectEmit(address(engine));
        emit IMarginEngine.ClaimsPaid(toClaims, c - toClaims);
        vm.expectEmit(address(engine));
        emit IMarginEngine.DeficitReduced(ETH, i - toClaims, z - (i - toClaims));
        vm.expectEmit(address(engine));
        emit IMarginEngine.IncomeCollected(ALT, 0, i, toClaims, i - toClaims, 0);
        assertEq(engine.collectIncome(ALT), 0);
        assertEq(_cash(CLAIMS), int256(toClaims));
        assertEq(pool.income(), 0);
        _assertWhole();

        int256 before = _cash(keeper);
        uint256 left = engine.claims(keeper);
        vm.expectEmit(true, false, false, false, address(engine));
        emit IMarginEngine.ClaimCollected(keeper, 0, 0);
        vm.prank(makeAddr("anybody"));
        uint256 amount = engine.collectClaim(keeper);
        assertEq(_cash(keeper) - before, int256(amount));
        assertApproxEqAbs(amount, toClaims, 1);
        assertEq(engine.claims(keeper), left);
        assertEq(left + amount, c);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoClaim.selector, keeper));
        engine.collectClaim(keeper);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NoClaim.selector, bob));
        engine.collectClaim(bob);
        _assertWhole();
    }

    function test_CollectIncome_PaysThePoolWhenNothingIsOwed() public {
        _fund(ALT, 5_000);
        _deficit(1_000);
        _take(keeper, 400_000e6);
        uint256 c = engine.totalClaims();
        vm.expectEmit(address(engine));
        emit IMarginEngine.IncomeCollected(ALT, 0, 5_000 * USD, c, 1_000 * USD - c, 4_000e6);
        assertEq(engine.collectIncome(ALT), 4_000e6);
        assertEq(engine.totalDeficit(), 0);
        assertEq(engine.totalClaims(), 0);
        assertEq(engine.claims(keeper), 0);
        assertEq(engine.collectClaim(keeper), c);
        assertEq(_cash(CLAIMS), 0);
        assertEq(_take(keeper, 1e6), 1e6);
        _assertWhole();
    }

    /// @dev Keeper withdraws in parts before and between incomes, collects, and withdraws what he collected; carol does it all at
    /// the end. Both had the same, and have the same, but for two token units an operation.
    function testFuzz_Withdraw_NoOrderGainsAnything(uint256 usd, uint256 x, uint256[3] memory parts) public {
        _fund(ALT, 300);
        _deficit(bound(usd, 1_000, 20_000));
        _deposit(carol, 500_000);
        x = bound(x, 1_000e6, 500_000e6);
        uint256 early; // {token}
        uint256 taken; // {token} of x
        for (uint256 i; i < 3; ++i) {
            uint256 part = i == 2 ? x - taken : bound(parts[i], 1, (x - taken) / 2);
            taken += part;
            early += _take(keeper, part);
            if (i == 0) engine.collectIncome(ALT);
            early += _collect(keeper);
            _assertWhole();
        }
        early += _collect(keeper);
        uint256 late = _take(carol, x);
        assertApproxEqAbs(early, late, 20);
        assertApproxEqAbs(engine.claims(keeper), engine.claims(carol), 20e6);
        _assertWhole();
    }

    /// @dev {token} of a claim what has been paid on it, withdrawn again and again
    function _collect(uint256 id) private returns (uint256 paid) {
        for (uint256 i; i < 6; ++i) {
            try engine.collectClaim(id) returns (uint256 amount) {
                if (amount >= 1e6) paid += _take(id, amount / 1e6);
            } catch {
                return paid;
            }
        }
    }

    /* DEFICIT OF THE ENGINE ITSELF */

    function _lose(uint256 amount) private {
        vm.prank(address(engine));
        token.transfer(makeAddr("thief"), amount);
    }

    function test_CoverEngine_PoolPaysThenEverybody() public {
        _deposit(alice, 100_000);
        pool.setStake(STAKE * 1e6, 4_000e6);
        _lose(10_000e6);
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitCovered(10_000e6, 4_000e6, 6_000e6);
        vm.prank(makeAddr("anybody"));
        engine.coverEngine();
        assertEq(pool.lastMarket(), ENGINE);
        assertEq(pool.lastRequested(), 10_000e6);
        assertEq(uint8(pool.lastReason()), uint8(DrawReason.ENGINE_DEFICIT));
        assertEq(engine.internalBalance(), 94_000e6);
        assertEq(engine.deficit(ENGINE), 6_000 * USD);
        assertEq(engine.totalDeficit(), 6_000 * USD);
        _assertWhole();

        uint256 paid = (uint256(50_000e6) * 94_000) / 100_000;
        assertEq(_take(alice, 50_000e6), paid);
        _assertWhole();
        uint256 left = engine.deficit(ENGINE);
        assertEq(left, 3_000 * USD);

        token.mint(address(engine), 1_000e6); // some come back
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitRepaid(1_000e6);
        engine.coverEngine();
        assertEq(engine.deficit(ENGINE), 2_500 * USD);
        assertEq(engine.totalClaims(), 2_500 * USD);
        token.mint(address(engine), 8_000e6); // more than is missing: the rest belongs to nobody
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitRepaid(5_000e6);
        engine.coverEngine();
        assertEq(engine.totalDeficit(), 0);
        assertEq(engine.totalClaims(), 0);
        uint256 balance = engine.internalBalance();
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.EngineBacked.selector, balance + 3_000e6, balance));
        engine.coverEngine();
        _assertWhole();
    }

    function test_RevertGiven_EngineIsBacked() public {
        _deposit(alice, 100);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.EngineBacked.selector, 100e6, 100e6));
        engine.coverEngine();
        token.mint(address(engine), 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.EngineBacked.selector, 100e6 + 1, 100e6));
        engine.coverEngine();
        assertEq(pool.draws(), 0);
    }

    function test_CoverEngine_PoolThatFailsPaysNothing() public {
        _deposit(alice, 100_000);
        _lose(10_000e6);
        pool.setMode(PoolDouble.Mode.REVERTS);
        vm.expectEmit(address(engine));
        emit IMarginEngine.EngineDeficitCovered(10_000e6, 0, 10_000e6);
        engine.coverEngine();
        assertEq(engine.deficit(ENGINE), 10_000 * USD);
        _assertWhole();
    }

    function test_CoverEngine_StopsNewRiskAndIncomeRepaysIt() public {
        _fund(ALT, 700);
        _deficit(100);
        pool.setStake(STAKE * 1e6, 0);
        _lose(500e6);
        engine.coverEngine();
        assertEq(engine.totalDeficit(), 600 * USD);
        engine.collectIncome(ALT);
        assertEq(engine.totalDeficit(), 0);
        assertEq(pool.income(), 100e6);
        // the tokens that were lost are not there, and nobody is owed them
        assertEq(token.balanceOf(address(engine)), engine.internalBalance());
        _assertWhole();
    }

    /* REASONS */

    function _reasonAfter(uint256 delay) private returns (DrawReason) {
        pool.setStake(STAKE * 1e6, 1_000_000e6);
        _open(11_000, 1_000_000);
        _warp(1);
        feeds[ETH].setRound(1_000, 1, vm.getBlockTimestamp()); // BOUND
        engine.sync(ETH);
        assertEq(engine.recovery(ETH).badAt, vm.getBlockTimestamp());
        vm.warp(vm.getBlockTimestamp() + delay);
        feeds[ETH].setRound(1_001, 1_800e8, vm.getBlockTimestamp());
        engine.takeover(alice, keeper);
        return pool.lastReason();
    }

    function test_Reason_OracleFailureForTenMinutesAfterABadPrice() public {
        assertEq(uint8(_reasonAfter(599)), uint8(DrawReason.ORACLE_FAILURE));
    }

    function test_Reason_LiquidationFromThenOn() public {
        assertEq(uint8(_reasonAfter(600)), uint8(DrawReason.LIQUIDATION));
    }

    function test_Reason_OracleFailureAtASettlementPrice() public {
        pool.setStake(STAKE * 1e6, 1_000_000e6);
        _open(11_000, 1_000_000);
        engine.windDown(ETH);
        _warp(1 days);
        _setPrice(ETH, 1_700e8);
        _warp(31 minutes);
        engine.fixSettlementPrice(ETH);
        assertEq(uint8(engine.markets(ETH).status), uint8(MarketStatus.SETTLED));
        engine.takeover(alice, keeper);
        assertEq(uint8(pool.lastReason()), uint8(DrawReason.ORACLE_FAILURE));
        assertEq(pool.lastRequested(), 19_000e6);
        _assertWhole();
    }
}
