// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {IERC7540Redeem} from "../../contracts/interfaces/IERC7540.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice What ERC-4626 and ERC-7540 ask of any vault, from any state: the properties of the public ERC-4626 suite where a redemption is
/// synchronous, their counterparts where it is requested first.
contract BackstopPoolStandardsTest is PoolTest {
    uint256 private constant MOST = 1e12 * ONE;

    /// @dev A pool with a past: stake, income that vests, losses down to a rescaling, a queue, surplus tokens.
    function _arrange(uint256 seed) private {
        _openBudgets();
        _stake(bob, bound(_next(seed, 1), ONE, MOST));
        _income(bound(_next(seed, 2), 0, MOST));
        skip(_next(seed, 3) % 4 days);
        if (seed & 1 == 0) _absorb(bound(_next(seed, 4), 0, 2 * MOST));
        if (seed & 2 == 0) _request(bob, pool.balanceOf(bob) / 3 + VIRTUAL_SHARES);
        if (seed & 4 == 0) token.mint(address(pool), _next(seed, 5) % MOST);
        _stake(alice, bound(_next(seed, 6), ONE, MOST));
    }

    function _next(uint256 seed, uint256 n) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, n)));
    }

    function _fund(address staker) private {
        token.mint(staker, 4 * MOST);
        vm.prank(staker);
        token.approve(address(pool), type(uint256).max);
    }

    function _redeemAll(address staker, uint256 shares) private returns (uint256 assets) {
        _request(staker, shares);
        skip(7 days);
        vm.prank(staker);
        return pool.redeem(shares, staker, staker);
    }

    /* ERC-4626: VIEWS */

    function testFuzz_Views_NeverRevertAndAreTheSameForEverybody(uint256 seed, uint256 amount) public {
        _arrange(seed);
        amount = bound(amount, 0, pool.MAX_SHARES());
        assertEq(pool.asset(), address(token));
        address[3] memory callers = [alice, carol, address(0)];
        bytes32 first;
        for (uint256 i; i < 3; ++i) {
            vm.prank(callers[i]);
            bytes memory seen = _views(amount);
            if (i == 0) first = keccak256(seen);
            assertEq(keccak256(seen), first);
        }
    }

    function _views(uint256 amount) private view returns (bytes memory) {
        return
            abi.encode(
                pool.totalAssets(),
                pool.convertToShares(amount),
                pool.convertToAssets(amount),
                pool.previewDeposit(amount),
                pool.previewMint(amount),
                pool.maxDeposit(alice),
                pool.maxMint(alice),
                pool.maxWithdraw(alice),
                pool.maxRedeem(alice)
            );
    }

    function testFuzz_Conversions_RoundDownAndBack(uint256 seed, uint256 amount) public {
        _arrange(seed);
        amount = bound(amount, 0, MOST);
        assertLe(pool.convertToAssets(pool.convertToShares(amount)), amount);
        assertLe(pool.convertToShares(pool.convertToAssets(amount)), amount);
        assertGe(pool.previewMint(pool.previewDeposit(amount)) + 1, pool.convertToAssets(pool.convertToShares(amount)));
        assertLe(pool.previewMint(pool.previewDeposit(amount)), amount, "never dearer than a deposit");
    }

    /* ERC-4626: JOIN */

    function testFuzz_Deposit_MintsThePreviewAndMovesNothingElse(uint256 seed, uint256 assets) public {
        _arrange(seed);
        _fund(carol);
        assets = bound(assets, 1, MOST);
        uint256 preview = pool.previewDeposit(assets);
        vm.assume(preview != 0);
        uint256 others = pool.balanceOf(alice) + pool.balanceOf(bob);
        uint256 tokens = token.balanceOf(carol);

        vm.prank(carol);
        uint256 shares = pool.deposit(assets, alice);

        assertEq(shares, preview, "exactly, in the same block");
        assertEq(pool.balanceOf(alice) + pool.balanceOf(bob), others + shares, "the receiver has them");
        assertEq(pool.balanceOf(carol), 0);
        assertEq(token.balanceOf(carol), tokens - assets);
    }

    function testFuzz_Mint_CostsThePreviewAndMovesNothingElse(uint256 seed, uint256 shares) public {
        _arrange(seed);
        _fund(carol);
        shares = bound(shares, 1, pool.convertToShares(MOST));
        uint256 preview = pool.previewMint(shares);
        uint256 tokens = token.balanceOf(carol);

        vm.prank(carol);
        uint256 assets = pool.mint(shares, carol);

        assertEq(assets, preview);
        assertEq(pool.balanceOf(carol), shares);
        assertEq(token.balanceOf(carol), tokens - assets);
    }

    function testFuzz_MaxDepositAndMaxMint_AreAcceptedAndNoMore(uint256 seed) public {
        _arrange(seed);
        uint256 max = pool.maxDeposit(carol);
        token.mint(carol, max + 1);
        vm.startPrank(carol);
        token.approve(address(pool), type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsAboveMax.selector, max + 1, max));
        pool.deposit(max + 1, carol);
        uint256 snapshot = vm.snapshotState();
        pool.deposit(max, carol);
        assertEq(pool.maxDeposit(carol), 0);
        vm.revertToState(snapshot);
        pool.mint(pool.maxMint(carol), carol);
        assertLe(pool.maxMint(carol), pool.convertToShares(2));
    }

    /* ERC-4626: EXIT, AFTER ITS REQUEST */

    function testFuzz_Redeem_OfMaxRedeemPaysMaxWithdraw(uint256 seed, uint256 part) public {
        _arrange(seed);
        uint256 all = pool.balanceOf(alice);
        part = bound(part, 1, 7);
        for (uint256 i; i < part; ++i) _request(alice, all / part);
        assertEq(pool.maxRedeem(alice), 0);
        assertEq(pool.maxWithdraw(alice), 0);
        skip(7 days);
        uint256 shares = pool.maxRedeem(alice);
        uint256 assets = pool.maxWithdraw(alice);
        assertEq(shares, (all / part) * part);
        uint256 supply = pool.totalSupply();
        uint256 snapshot = vm.snapshotState();

        vm.prank(alice);
        assertEq(pool.redeem(shares, carol, alice), assets);
        assertEq(token.balanceOf(carol), assets);
        assertEq(pool.totalSupply(), supply - shares);

        vm.revertToState(snapshot);
        vm.prank(alice);
        assertEq(pool.withdraw(assets, carol, alice), shares);
        assertEq(token.balanceOf(carol), assets);
    }

    function testFuzz_RevertWhen_MoreThanTheMaximumLeaves(uint256 seed) public {
        _arrange(seed);
        _request(alice, pool.balanceOf(alice));
        skip(7 days);
        uint256 shares = pool.maxRedeem(alice);
        uint256 assets = pool.maxWithdraw(alice);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesExceedRequest.selector, shares + 1, shares));
        pool.redeem(shares + 1, alice, alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.AssetsExceedRequests.selector, assets + 1, assets));
        pool.withdraw(assets + 1, alice, alice);
    }

    /* ROUND TRIPS: nobody profits, whichever way */

    function testFuzz_RoundTrip_DepositRedeem(uint256 seed, uint256 assets) public {
        _arrange(seed);
        _fund(carol);
        assets = bound(assets, ONE, MOST);
        _freeze();
        vm.prank(carol);
        uint256 shares = pool.deposit(assets, carol);
        assertLe(_redeemAll(carol, shares), assets);
    }

    function testFuzz_RoundTrip_MintWithdraw(uint256 seed, uint256 shares) public {
        _arrange(seed);
        _fund(carol);
        _freeze();
        shares = bound(shares, pool.convertToShares(ONE), pool.convertToShares(MOST));
        vm.prank(carol);
        uint256 assets = pool.mint(shares, carol);
        _request(carol, shares);
        skip(7 days);
        assertLe(pool.maxWithdraw(carol), assets, "what was paid is not to be had for fewer shares");
        assertGe(pool.maxWithdraw(carol) + 2, assets, "and at most a unit or two is lost");
    }

    function testFuzz_RoundTrip_RedeemDeposit(uint256 seed) public {
        _arrange(seed);
        _fund(alice);
        _freeze();
        uint256 shares = pool.balanceOf(alice);
        uint256 assets = _redeemAll(alice, shares);
        vm.prank(alice);
        assertLe(pool.deposit(assets, alice), shares);
    }

    function testFuzz_RoundTrip_WithdrawMint(uint256 seed) public {
        _arrange(seed);
        _fund(alice);
        _freeze();
        _request(alice, pool.balanceOf(alice));
        skip(7 days);
        uint256 assets = pool.maxWithdraw(alice);
        vm.startPrank(alice);
        uint256 shares = pool.withdraw(assets, alice, alice);
        assertGe(pool.mint(shares, alice), assets);
    }

    /// @dev All income vests now, so that time gives nothing to whoever waits.
    function _freeze() private {
        skip(3 days);
        assertEq(pool.unvestedIncome(), 0);
    }

    /* ERC-7540 */

    function testFuzz_Request_MovesSharesAndSkipsNoState(uint256 seed, uint256 shares) public {
        _arrange(seed);
        uint256 all = pool.balanceOf(alice);
        shares = bound(shares, all / 2, all);
        uint256 queued = pool.queuedShares();
        vm.expectEmit(address(pool));
        emit IERC7540Redeem.RedeemRequest(alice, alice, 1, alice, shares);
        uint256 requestId = _request(alice, shares);

        assertEq(pool.balanceOf(alice), all - shares);
        assertEq(pool.queuedShares(), queued + shares);
        _assertState(requestId, shares, 0);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesExceedRequest.selector, shares, 0));
        pool.redeem(shares, alice, alice);
        skip(7 days);
        _assertState(requestId, 0, shares);
        uint256 assets = pool.maxWithdraw(alice);
        vm.prank(alice);
        assertEq(pool.redeem(shares, alice, alice), assets);
        _assertState(requestId, 0, 0);
    }

    /// @dev Pending and claimable never overlap, are the same for every caller and never revert.
    function _assertState(uint256 requestId, uint256 pending, uint256 claimable) private {
        address[2] memory callers = [alice, carol];
        for (uint256 i; i < 2; ++i) {
            vm.startPrank(callers[i]);
            assertEq(pool.pendingRedeemRequest(requestId, alice), pending);
            assertEq(pool.claimableRedeemRequest(requestId, alice), claimable);
            assertEq(pool.pendingRedeemRequest(type(uint256).max, alice), 0);
            assertEq(pool.claimableRedeemRequest(type(uint256).max, alice), 0);
            assertEq(pool.pendingRedeemRequest(requestId, carol), 0);
            vm.stopPrank();
        }
    }

    function testFuzz_Request_NeedsOwnerOperatorOrAllowance(uint256 seed, address caller) public {
        _arrange(seed);
        vm.assume(caller != alice && caller != address(0));
        uint256 shares = pool.balanceOf(alice) / 2;
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, caller, 0, shares));
        pool.requestRedeem(shares, alice, alice);

        vm.prank(alice);
        pool.approve(caller, shares);
        vm.prank(caller);
        pool.requestRedeem(shares, alice, alice);
        assertEq(pool.allowance(alice, caller), 0, "an allowance is used up");

        vm.prank(alice);
        assertTrue(pool.setOperator(caller, true));
        assertTrue(pool.isOperator(alice, caller));
        vm.prank(caller);
        pool.requestRedeem(shares, alice, alice);
        skip(7 days);
        uint256 assets = pool.maxWithdraw(alice);
        vm.prank(caller);
        assertEq(pool.redeem(2 * shares, carol, alice), assets, "an operator claims to whom it likes");
        vm.prank(alice);
        pool.setOperator(caller, false);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotAuthorized.selector, caller, alice));
        pool.redeem(1, carol, alice);
    }
}
