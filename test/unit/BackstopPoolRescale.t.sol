// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {RescaledShares} from "../../contracts/base/RescaledShares.sol";
import {ExitRequest, IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice Losses so deep that shares are divided by 2^24, again and again.
contract BackstopPoolRescaleTest is PoolTest {
    uint256 private constant DEEP = 2e7; // tokens of which one is less than a part in 2^24

    function setUp() public override {
        super.setUp();
        _openBudgets();
    }

    /// @dev A hundred times: 99.99 % lost, the pool refilled, and nobody who comes is diluted or shut out.
    function test_HundredLossesOf9999BpsNeverBrickOrDilute() public {
        uint256 stake = 1_000_000 * ONE;
        _stake(alice, stake);
        for (uint256 i; i < 100; ++i) {
            skip(7 days);
            uint256 assets = pool.totalAssets();
            assertEq(_absorb((assets * 9_999) / 10_000), (assets * 9_999) / 10_000);
            uint256 left = pool.totalAssets();

            uint256 shares = _stake(bob, stake);

            assertGe(pool.convertToAssets(shares) + 1, stake, "a newcomer keeps what he brought");
            assertLe(pool.convertToAssets(shares), stake);
            assertLe(pool.convertToAssets(pool.totalSupply() - shares), left, "those before him own what was left");
            assertLe(pool.totalSupply() + VIRTUAL_SHARES, ((pool.totalAssets() + 1) * VIRTUAL_SHARES) << 24);
            assertEq(pool.maxDeposit(carol), pool.MAX_ASSETS() - _booked(), "there is always room");
        }
        assertEq(pool.rescalings(), 55, "log2(10,000) / 24 a loss, of what all have left together");
        uint256 worth = pool.convertToAssets(pool.balanceOf(bob));
        assertEq(_claim(bob, _matured(bob)), worth);
    }

    function test_Absorb_RescalesWhatIsWorthTooLittle() public {
        _stake(alice, 2 * DEEP * ONE);
        assertEq(pool.rescalings(), 0);
        uint256 supply = pool.totalSupply();

        vm.expectEmit(address(pool));
        emit RescaledShares.SharesRescaled(1);
        _absorb(type(uint256).max);

        assertEq(pool.rescalings(), 1);
        assertEq(pool.totalSupply(), supply >> 24);
        assertEq(pool.balanceOf(alice), supply >> 24);
        assertGe(pool.convertToAssets(pool.balanceOf(alice)) + 1, ONE, "virtual shares gain at most one unit");
        _stake(bob, ONE);
        assertApproxEqRel(pool.balanceOf(bob), pool.balanceOf(alice), 2e12, "a token for a token, but for that unit");
    }

    /// @dev A share of 2^-24 of the first price exactly is left alone.
    function test_Absorb_RescalesBelowTheLimitOnly() public {
        uint256 supply = ((ONE + 1) * VIRTUAL_SHARES) << 24;
        uint256 assets = (supply - VIRTUAL_SHARES) / 1e6;
        _stake(alice, assets);
        assertEq(pool.totalSupply() + VIRTUAL_SHARES, supply);
        uint256 snapshot = vm.snapshotState();
        _absorb(type(uint256).max);
        assertEq(pool.rescalings(), 0);

        vm.revertToState(snapshot);
        _stake(alice, 1);
        _absorb(type(uint256).max);
        assertEq(pool.rescalings(), 1);
    }

    function test_Rescale_ReachesBalancesWhenTheyAreTouched() public {
        _stake(alice, DEEP * ONE);
        _stake(bob, DEEP * ONE);
        vm.prank(alice);
        pool.approve(carol, type(uint256).max);
        _absorb(type(uint256).max);
        uint256 each = pool.balanceOf(alice);
        assertEq(each, (DEEP * SHARE) >> 24);

        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, each, each + 1));
        pool.transfer(bob, each + 1);
        vm.prank(alice);
        assertTrue(pool.transfer(bob, 1));
        vm.prank(carol);
        assertTrue(pool.transferFrom(alice, alice, each - 1));
        assertEq(pool.balanceOf(alice), each - 1);
        assertEq(pool.balanceOf(bob), each + 1);
    }

    function test_Rescale_ReachesRequests() public {
        _stake(alice, DEEP * ONE);
        _stake(bob, DEEP * ONE);
        uint256 all = pool.balanceOf(alice);
        uint256 first = _request(alice, all / 2);
        uint256 second = _request(alice, all / 2);
        uint256 dust = _request(bob, 1e7); // nothing is left of it
        _absorb(type(uint256).max);

        ExitRequest memory request = pool.exitRequest(alice, first);
        assertEq(request.shares, (all / 2) >> 24);
        assertEq(request.valueCap, (DEEP * ONE) / 2, "the cap is of assets");
        assertEq(pool.exitRequest(bob, dust).shares, 0);
        assertEq(pool.claimableRedeemRequest(dust, bob), 0);
        assertEq(pool.queuedShares(), (all + 1e7) >> 24);

        _stake(carol, 1_000 * ONE); // so that more than the floor may go
        skip(7 days);
        uint256 worth = pool.convertToAssets(request.shares / 2);
        vm.startPrank(alice);
        assertEq(pool.claimExit(alice, first, request.shares / 2, alice), worth);
        assertEq(pool.exitRequest(alice, first).shares, request.shares - request.shares / 2);
        assertApproxEqAbs(pool.redeem(pool.maxRedeem(alice), alice, alice), 3 * worth, 2);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.UnknownRequest.selector, alice, second));
        pool.cancelExit(alice, second);
        vm.stopPrank();
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.SharesExceedRequest.selector, 1, 0));
        pool.claimExit(bob, dust, 1, bob);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 0));
        pool.claimExit(bob, dust, 0, bob);
        assertEq(pool.cancelExit(bob, dust), 0, "and leaves the queue");
        vm.stopPrank();
    }

    /// @dev Somebody who came after the great loss: the small one that completes it divides what he allowed like what he has.
    function test_Rescale_DividesAllowancesToo() public {
        _stake(bob, 16_777_000 * ONE);
        _absorb(type(uint256).max);
        assertEq(pool.rescalings(), 0, "just not");
        skip(7 days);
        _stake(alice, 1_000_000 * ONE);
        uint256 tenUsd = pool.convertToShares(10 * ONE);
        vm.prank(alice);
        pool.approve(carol, tenUsd);
        vm.prank(alice);
        pool.approve(bob, type(uint256).max);

        _absorb(100 * ONE);

        assertEq(pool.rescalings(), 1);
        assertEq(pool.allowance(alice, carol), tenUsd >> 24);
        assertEq(pool.allowance(alice, bob), type(uint256).max, "an endless one stays so");
        assertApproxEqAbs(pool.convertToAssets(pool.allowance(alice, carol)), 9.999e6, 1);
        vm.prank(carol);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                carol,
                tenUsd >> 24,
                (tenUsd >> 24) + 1
            )
        );
        pool.transferFrom(alice, carol, (tenUsd >> 24) + 1);
        vm.prank(carol);
        assertTrue(pool.transferFrom(alice, carol, tenUsd >> 24));
        assertEq(pool.allowance(alice, carol), 0);
    }

    /// @dev One loss may divide twice, and says so twice.
    function test_Absorb_RescalesTwiceAtOnce() public {
        _stake(bob, 16e6 * ONE);
        _absorb(type(uint256).max);
        skip(7 days);
        _stake(alice, 40e6 * ONE);
        uint256 supply = pool.totalSupply();

        vm.expectEmit(address(pool));
        emit RescaledShares.SharesRescaled(1);
        vm.expectEmit(address(pool));
        emit RescaledShares.SharesRescaled(2);
        _absorb(type(uint256).max);

        assertEq(pool.totalSupply(), supply >> 48);
        assertEq(pool.balanceOf(bob), (16e6 * SHARE) >> 48);
    }

    /// @dev Whatever is staked, lost and refilled: shares never outgrow their bound, and nobody has more than before.
    function testFuzz_Rescale_KeepsTheBoundAndGivesNobodyMore(uint256 seed) public {
        _stake(carol, 1_000 * ONE);
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            skip(7 days);
            if (seed & 1 == 0) _stake(seed & 2 == 0 ? alice : bob, bound(seed >> 2, ONE, 1e12 * ONE));
            uint256[3] memory worth = _worths();
            uint256 assets = pool.totalAssets();
            uint256 paid = _absorb(assets - assets / bound(seed >> 128, 1, 1e18));
            uint256[3] memory worthNow = _worths();
            for (uint256 k; k < 3; ++k) {
                // {asset} = {asset} * {asset} / {asset}: everybody the same part, but for a unit of rounding
                uint256 expected = (worth[k] * (assets - paid)) / assets;
                assertLe(worthNow[k], expected + 1, "a loss gives nobody more");
                assertGe(worthNow[k] + 2, expected, "nor takes more than its part");
            }
            assertLe(pool.totalSupply() + VIRTUAL_SHARES, ((pool.totalAssets() + 1) * VIRTUAL_SHARES) << 24);
        }
    }

    function _worths() private view returns (uint256[3] memory) {
        return
            [
                pool.convertToAssets(pool.balanceOf(alice)),
                pool.convertToAssets(pool.balanceOf(bob)),
                pool.convertToAssets(pool.balanceOf(carol))
            ];
    }
}
