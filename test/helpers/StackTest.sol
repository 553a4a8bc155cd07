// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {PoolTest} from "./PoolTest.sol";

/// @notice Both tranches of a stack without an attachment floor, and verbs of the engine.
abstract contract StackTest is PoolTest {
    BackstopPool internal juniorPool;

    function setUp() public virtual override {
        super.setUp();
        juniorPool = BackstopPool(address(stack.junior()));
    }

    function _join(BackstopPool tranche, address staker, uint256 assets) internal returns (uint256 shares) {
        token.mint(staker, assets);
        vm.startPrank(staker);
        token.approve(address(tranche), assets);
        shares = tranche.deposit(assets, staker);
        vm.stopPrank();
    }

    /// @dev Alice is the junior staker, bob the senior one.
    function _fill(uint256 juniorAssets, uint256 seniorAssets) internal {
        if (juniorAssets != 0) _join(juniorPool, alice, juniorAssets);
        if (seniorAssets != 0) _join(pool, bob, seniorAssets);
    }

    function _draw(uint8 market, uint256 requested, DrawReason reason) internal returns (uint256) {
        vm.prank(engine);
        return stack.absorb(market, requested, reason);
    }

    function _count(uint8 market, uint256 assets) internal {
        vm.prank(engine);
        stack.countLoss(market, assets);
    }

    function _earn(uint256 assets, uint256 recovered) internal {
        token.mint(address(stack), assets);
        vm.prank(engine);
        stack.receiveIncome(assets, recovered);
    }

    function _report(uint8 market, uint256 gain, uint256 loss, uint256 atRisk) internal {
        vm.prank(engine);
        stack.report(market, gain, loss, atRisk);
    }

    function _requestAll(BackstopPool tranche, address staker) internal returns (uint256) {
        uint256 shares = tranche.balanceOf(staker);
        vm.prank(staker);
        return tranche.requestRedeem(shares, staker, staker);
    }

    function _claimAll(BackstopPool tranche, address staker, uint256 requestId) internal returns (uint256) {
        uint256 shares = tranche.exitRequest(staker, requestId).shares;
        vm.prank(staker);
        return tranche.claimExit(staker, requestId, shares, staker);
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function _above(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}
