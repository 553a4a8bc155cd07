// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ExitRequest, IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {IERC7540Operator, IERC7540Redeem} from "../../contracts/interfaces/IERC7540.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

contract BackstopPoolExitTest is PoolTest {
    function setUp() public override {
        super.setUp();
        _stake(alice, 1_000 * ONE);
        _stake(bob, 1_000 * ONE);
    }

    /* REQUEST */

    function test_RequestRedeem_QueuesSharesAtTheirValue() public {
        vm.expectEmit(address(pool));
        emit IERC7540Redeem.RedeemRequest(alice, alice, 1, alice, 600 * SHARE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitRequested(alice, 1, 600 * ONE, uint32(START + 7 days), uint32(START + 10 days));
        uint256 requestId = _request(alice, 600 * SHARE);

        assertEq(requestId, 1);
        assertEq(pool.balanceOf(alice), 400 * SHARE);
        assertEq(pool.queuedShares(), 600 * SHARE);
        assertEq(pool.totalSupply(), 2_000 * SHARE);
        ExitRequest memory request = pool.exitRequest(alice, 1);
        assertEq(request.shares, 600 * SHARE);
        assertEq(request.valueCap, 600 * ONE);
        assertEq(request.claimableAt, START + 7 days);
        assertEq(request.lapsesAt, START + 10 days);
    }

    function test_RequestRedeem_ShowsPendingThenClaimableThenNothing() public {
        _request(alice, SHARE);
        _assertRequest(SHARE, 0);
        vm.warp(START + 7 days - 1);
        _assertRequest(SHARE, 0);
        vm.warp(START + 7 days);
        _assertRequest(0, SHARE);
        vm.warp(START + 10 days);
        _assertRequest(0, SHARE);
        vm.warp(START + 10 days + 1);
        _assertRequest(0, 0);
    }

    function _assertRequest(uint256 pending, uint256 claimable) private view {
        assertEq(pool.pendingRedeemRequest(1, alice), pending);
        assertEq(pool.claimableRedeemRequest(1, alice), claimable);
        assertEq(pool.maxRedeem(alice), claimable);
        assertEq(pool.maxWithdraw(alice), claimable / 1e6);
    }

    function test_RequestRedeem_IsOpenToOperatorsAndAllowances() public {
        vm.expectEmit(address(pool));
        emit IERC7540Operator.OperatorSet(alice, carol, true);
        vm.prank(alice);
        assertTrue(pool.setOperator(carol, true));
        vm.prank(carol);
        assertEq(pool.requestRedeem(SHARE, carol, alice), 1); // into the operator's own queue
        assertEq(pool.exitRequest(carol, 1).shares, SHARE);

        vm.prank(bob);
        pool.approve(carol, 3 * SHARE);
        vm.prank(carol);
        assertEq(pool.requestRedeem(2 * SHARE, bob, bob), 1);
        assertEq(pool.allowance(bob, carol), SHARE);
    }

    function test_RevertWhen_RequestLacksConsent() public {
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, carol, 0, SHARE));
        pool.requestRedeem(SHARE, alice, alice);
        vm.stopPrank();
        vm.startPrank(alice); // nobody fills the queue of a stranger
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotAuthorized.selector, alice, bob));
        pool.requestRedeem(SHARE, bob, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotAuthorized.selector, alice, address(0)));
        pool.requestRedeem(SHARE, address(0), alice);
    }

    function test_RevertWhen_OwnerOfARequestIsZero() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(this), 0, SHARE)
        );
        pool.requestRedeem(SHARE, address(0), address(0));
        assertEq(pool.totalSupply(), 2_000 * SHARE);
    }

    function test_RevertWhen_RequestIsWorthNothingOrTooLarge() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 0));
        pool.requestRedeem(0, alice, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 999_999));
        pool.requestRedeem(999_999, alice, alice);
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 104, type(uint256).max)
        );
        pool.requestRedeem(type(uint256).max, alice, alice);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                alice,
                1_000 * SHARE,
                1_000 * SHARE + 1
            )
        );
        pool.requestRedeem(1_000 * SHARE + 1, alice, alice);
    }

    function test_RevertWhen_RequestsAreTooMany() public {
        for (uint256 i; i < 32; ++i) _request(alice, SHARE);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.TooManyRequests.selector, alice, 32));
        pool.requestRedeem(SHARE, alice, alice);

        vm.startPrank(alice); // a gap does not help, only the oldest does
        pool.cancelExit(alice, 2);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.TooManyRequests.selector, alice, 32));
        pool.requestRedeem(SHARE, alice, alice);
        pool.cancelExit(alice, 1);
        assertEq(pool.requestRedeem(SHARE, alice, alice), 33);
        (uint256 closed, uint256 last) = pool.requestIds(alice);
        assertEq(closed, 2);
        assertEq(last, 33);
    }

    function test_SetExitClocks_LeavesOpenRequestsAlone() public {
        _request(alice, SHARE);
        pool.setExitClocks(30 days, 1 days);
        assertEq(pool.exitRequest(alice, 1).claimableAt, START + 7 days);
        assertEq(pool.exitRequest(alice, 1).lapsesAt, START + 10 days);
        _request(alice, SHARE);
        assertEq(pool.exitRequest(alice, 2).claimableAt, START + 30 days);
        assertEq(pool.exitRequest(alice, 2).lapsesAt, START + 31 days);
    }

    /* CANCEL AND LAPSE */

    function test_CancelExit_GivesOneRequestBack() public {
        _request(alice, SHARE);
        _request(alice, 2 * SHARE);
        _request(alice, 3 * SHARE);
        vm.prank(alice);
        pool.setOperator(carol, true);

        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitCancelled(alice, 2, carol, 2 * SHARE);
        vm.prank(carol);
        assertEq(pool.cancelExit(alice, 2), 2 * SHARE);

        assertEq(pool.balanceOf(alice), 996 * SHARE);
        assertEq(pool.queuedShares(), 4 * SHARE);
        assertEq(pool.exitRequest(alice, 2).lapsesAt, 0);
        assertEq(pool.exitRequest(alice, 1).shares, SHARE);
        assertEq(pool.exitRequest(alice, 3).shares, 3 * SHARE);
    }

    function test_CancelExit_IsOpenToAnyoneOnceLapsed() public {
        _request(alice, SHARE);
        vm.warp(START + 10 days);
        vm.prank(carol);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.RequestNotLapsed.selector, START + 10 days, START + 10 days)
        );
        pool.cancelExit(alice, 1);

        skip(1);
        vm.prank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.RequestLapsed.selector, START + 10 days + 1, START + 10 days)
        );
        pool.claimExit(alice, 1, SHARE, alice);
        vm.prank(carol);
        pool.cancelExit(alice, 1);
        assertEq(pool.balanceOf(alice), 1_000 * SHARE);
        assertEq(pool.balanceOf(carol), 0);
    }

    function test_RevertWhen_RequestIsUnknown() public {
        bytes memory unknown = abi.encodeWithSelector(IBackstopPool.UnknownRequest.selector, alice, 1);
        vm.startPrank(alice);
        vm.expectRevert(unknown);
        pool.cancelExit(alice, 1);
        vm.expectRevert(unknown);
        pool.claimExit(alice, 1, 1, alice);
        pool.requestRedeem(SHARE, alice, alice);
        pool.cancelExit(alice, 1);
        vm.expectRevert(unknown);
        pool.cancelExit(alice, 1);
    }

    /* CLAIM */

    function test_ClaimExit_BurnsSharesAndPaysTheReceiver() public {
        _matured(alice);
        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitClaimed(alice, 1, 1_000 * SHARE, 1_000 * ONE);
        vm.expectEmit(address(pool));
        emit IERC4626.Withdraw(alice, carol, alice, 1_000 * ONE, 1_000 * SHARE);
        vm.prank(alice);
        uint256 assets = pool.claimExit(alice, 1, 1_000 * SHARE, carol);

        assertEq(assets, 1_000 * ONE);
        assertEq(token.balanceOf(carol), 1_000 * ONE);
        assertEq(pool.totalAssets(), 1_000 * ONE);
        assertEq(pool.totalSupply(), 1_000 * SHARE);
        assertEq(pool.queuedShares(), 0);
        assertEq(pool.exitRequest(alice, 1).shares, 0);
    }

    function test_ClaimExit_IsSlashedLikeEverybody() public {
        uint256 requestId = _matured(alice);
        assertEq(_absorb(1_000 * ONE), 1_000 * ONE);
        assertEq(pool.convertToAssets(1_000 * SHARE), 500 * ONE);
        assertEq(_claim(alice, requestId), 500 * ONE);
        assertEq(pool.convertToAssets(1_000 * SHARE), 500 * ONE);
    }

    function test_ClaimExit_LeavesTheGainToTheOthers() public {
        _request(alice, 1_000 * SHARE);
        _income(200 * ONE);
        skip(7 days);
        assertEq(pool.totalAssets(), 2_200 * ONE);
        assertEq(pool.maxWithdraw(alice), 1_000 * ONE);

        assertEq(_claim(alice, 1), 1_000 * ONE);
        assertEq(pool.totalAssets(), 1_200 * ONE);
        assertApproxEqAbs(pool.convertToAssets(1_000 * SHARE), 1_200 * ONE, 1); // virtual shares earn the rest
    }

    function testFuzz_ClaimExit_InPartsPaysNoMoreThanAtOnce(uint256 first, uint256 second, uint256 income) public {
        _income(bound(income, 1, 500 * ONE));
        skip(1 days);
        _matured(alice);
        uint256 cap = pool.exitRequest(alice, 1).valueCap;
        first = bound(first, 1e7, 500 * SHARE);
        second = bound(second, 1e7, 499 * SHARE);
        vm.startPrank(alice);
        pool.claimExit(alice, 1, first, alice);
        pool.claimExit(alice, 1, second, alice);
        pool.redeem(1_000 * SHARE - first - second, alice, alice);

        assertLe(token.balanceOf(alice), cap);
        assertGe(token.balanceOf(alice), cap - 3); // each part rounds down once
        assertEq(pool.exitRequest(alice, 1).lapsesAt, 0);
    }

    function test_RevertWhen_ClaimIsEarlyExcessiveOrForeign() public {
        _request(alice, 10 * SHARE);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotClaimableYet.selector, START, START + 7 days));
        pool.claimExit(alice, 1, SHARE, alice);
        skip(7 days);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesExceedRequest.selector, 10 * SHARE + 1, 10 * SHARE));
        pool.claimExit(alice, 1, 10 * SHARE + 1, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 0));
        pool.claimExit(alice, 1, 0, alice);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        pool.claimExit(alice, 1, SHARE, address(0));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool)));
        pool.claimExit(alice, 1, SHARE, address(pool));
        vm.stopPrank();

        bytes memory foreign = abi.encodeWithSelector(IBackstopPool.NotAuthorized.selector, carol, alice);
        vm.startPrank(carol);
        vm.expectRevert(foreign);
        pool.claimExit(alice, 1, SHARE, carol);
        vm.expectRevert(foreign);
        pool.redeem(SHARE, carol, alice);
        vm.expectRevert(foreign);
        pool.withdraw(ONE, carol, alice);
    }

    /* REDEEM AND WITHDRAW */

    function test_Redeem_TakesTheOldestClaimableFirst() public {
        _request(alice, 10 * SHARE);
        _request(alice, 20 * SHARE);
        skip(1 days);
        _request(alice, 30 * SHARE); // still pending below
        vm.warp(START + 7 days);
        assertEq(pool.maxRedeem(alice), 30 * SHARE);

        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesExceedRequest.selector, 30 * SHARE + 1, 30 * SHARE));
        pool.redeem(30 * SHARE + 1, alice, alice);
        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitClaimed(alice, 1, 10 * SHARE, 10 * ONE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.ExitClaimed(alice, 2, 5 * SHARE, 5 * ONE);
        vm.expectEmit(address(pool));
        emit IERC4626.Withdraw(alice, bob, alice, 15 * ONE, 15 * SHARE);
        assertEq(pool.redeem(15 * SHARE, bob, alice), 15 * ONE);

        assertEq(pool.exitRequest(alice, 1).shares, 0);
        assertEq(pool.exitRequest(alice, 2).shares, 15 * SHARE);
        assertEq(pool.exitRequest(alice, 2).valueCap, 15 * ONE);
        assertEq(pool.exitRequest(alice, 3).shares, 30 * SHARE);
        assertEq(token.balanceOf(bob), 15 * ONE);
    }

    function testFuzz_Withdraw_PaysExactlyAndBurnsNoTooFewShares(uint256 assets, uint256 loss) public {
        _request(alice, 300 * SHARE);
        _request(alice, 200 * SHARE);
        _absorb(bound(loss, 0, 900 * ONE));
        skip(7 days);
        uint256 max = pool.maxWithdraw(alice);
        assets = bound(assets, 1, max);
        uint256 needed = pool.convertToShares(assets);

        vm.prank(alice);
        uint256 shares = pool.withdraw(assets, carol, alice);

        assertEq(token.balanceOf(carol), assets);
        assertGe(shares, needed);
        assertLe(shares, 500 * SHARE);
        assertEq(pool.queuedShares(), 500 * SHARE - shares);
    }

    function test_RevertWhen_WithdrawExceedsWhatIsClaimable() public {
        _request(alice, 10 * SHARE);
        skip(7 days);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsExceedRequests.selector, 10 * ONE + 1, 10 * ONE));
        pool.withdraw(10 * ONE + 1, alice, alice);
        vm.expectRevert(
            abi.encodeWithSelector(IBackstopPool.AssetsExceedRequests.selector, type(uint256).max, 10 * ONE)
        );
        pool.withdraw(type(uint256).max, alice, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 0));
        pool.withdraw(0, alice, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 0));
        pool.redeem(0, alice, alice);
    }

    function test_Withdraw_PassesOverARequestThatPaysNothing() public {
        _request(alice, 1e6); // worth one unit
        _request(alice, 10 * SHARE);
        _absorb(ONE); // the first is worth nothing now
        skip(7 days);
        vm.prank(alice);
        pool.withdraw(ONE, alice, alice);
        assertEq(pool.exitRequest(alice, 1).shares, 1e6);

        vm.startPrank(alice);
        pool.cancelExit(alice, 2);
        assertEq(pool.maxRedeem(alice), 0); // nothing that a claim would pay for
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 1e6));
        pool.redeem(1e6, alice, alice);
        assertEq(pool.cancelExit(alice, 1), 1e6);
    }

    function test_ExitLimits_HoldAtTheBoundary() public {
        _request(alice, 30 * SHARE);
        skip(7 days);
        uint256 nowTs = block.timestamp;
        vm.startPrank(alice);
        assertEq(pool.claimExitWithin(alice, 1, 10 * SHARE, alice, 10 * ONE, nowTs), 10 * ONE);
        assertEq(pool.redeemWithin(10 * SHARE, alice, alice, 10 * ONE, nowTs), 10 * ONE);
        assertEq(pool.withdrawWithin(10 * ONE, alice, alice, 10 * SHARE, nowTs), 10 * SHARE);
    }

    function test_RevertWhen_AnExitMissesItsLimit() public {
        _request(alice, 30 * SHARE);
        skip(7 days);
        _absorb(200 * ONE); // came first: a tenth is gone
        uint256 nowTs = block.timestamp;
        uint256 worth = pool.convertToAssets(10 * SHARE);
        bytes memory passed = abi.encodeWithSelector(IBackstopPool.DeadlinePassed.selector, nowTs, nowTs - 1);
        bytes memory less = abi.encodeWithSelector(IBackstopPool.SlippageExceeded.selector, worth, 10 * ONE);
        vm.startPrank(alice);
        vm.expectRevert(less);
        pool.claimExitWithin(alice, 1, 10 * SHARE, alice, 10 * ONE, nowTs);
        vm.expectRevert(less);
        pool.redeemWithin(10 * SHARE, alice, alice, 10 * ONE, nowTs);
        // part of request 1: ceil(30 shares * 10 / 27)
        uint256 needed = (30 * SHARE * 10 * ONE) / pool.maxWithdraw(alice) + 1;
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SlippageExceeded.selector, needed, 10 * SHARE));
        pool.withdrawWithin(10 * ONE, alice, alice, 10 * SHARE, nowTs);
        vm.expectRevert(passed);
        pool.claimExitWithin(alice, 1, SHARE, alice, 0, nowTs - 1);
        vm.expectRevert(passed);
        pool.redeemWithin(SHARE, alice, alice, 0, nowTs - 1);
        vm.expectRevert(passed);
        pool.withdrawWithin(1, alice, alice, type(uint256).max, nowTs - 1);
        assertEq(pool.exitRequest(alice, 1).shares, 30 * SHARE);
    }

    function test_RevertWhen_AnExitIsPreviewed() public {
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.PreviewUnsupported.selector));
        pool.previewRedeem(1);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.PreviewUnsupported.selector));
        pool.previewWithdraw(1);
    }

    function test_SupportsInterface_OfAnAsynchronousVault() public view {
        assertTrue(pool.supportsInterface(0x01ffc9a7)); // ERC-165
        assertTrue(pool.supportsInterface(0xe3bc4e65)); // ERC-7540 operators
        assertTrue(pool.supportsInterface(0x620ee8e4)); // ERC-7540 redemption
        assertTrue(pool.supportsInterface(0x2f0a18c5)); // ERC-7575
        assertFalse(pool.supportsInterface(0xce3bbe50)); // ERC-7540 deposit: joining is synchronous
        assertFalse(pool.supportsInterface(0xffffffff));
    }

    function test_LastStaker_LeavesOnlyDust() public {
        _absorb(333 * ONE + 1);
        _request(alice, 1_000 * SHARE);
        _matured(bob);
        _claim(alice, 1);
        _claim(bob, 1);
        assertEq(pool.totalSupply(), 0);
        assertLe(pool.totalAssets(), 2);
        assertEq(pool.freeStake(), 0);
        assertEq(_stake(carol, ONE) > 0, true);
    }
}
