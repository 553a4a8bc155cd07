// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {MockToken} from "../../contracts/mocks/MockToken.sol";
import {BaseTest} from "./Base.t.sol";
import {Deployer} from "./Deployer.sol";

/// @notice A senior pool on a 6-decimals token, its junior one empty, at the start of a budget window, with verbs for its actors.
abstract contract PoolTest is BaseTest {
    uint256 internal constant ONE = 1e6; // {asset} one whole token
    uint256 internal constant SHARE = 1e12; // {share} what ONE buys first
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant START = 2_900 * 7 days; // {s} aligned to window and day
    uint8 internal constant MARKET = 3;

    MockToken internal token;
    CapitalStack internal stack;
    BackstopPool internal pool; // the senior one
    AccessManager internal manager;
    address internal engine = makeAddr("engine");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    address internal carol = makeAddr("carol");

    function setUp() public virtual {
        vm.warp(START);
        manager = new AccessManager(address(this));
        token = new MockToken("USD", 6);
        (stack, pool) = _newPool(address(token));
    }

    /// @dev The senior pool of a stack without an attachment floor.
    function _newPool(address asset) internal returns (CapitalStack made, BackstopPool senior) {
        made = Deployer.stack(asset, engine, address(manager));
        made.setTranches(0, 20_000, 0);
        senior = BackstopPool(address(made.senior()));
    }

    function _stake(address staker, uint256 assets) internal returns (uint256) {
        token.mint(staker, assets);
        vm.startPrank(staker);
        token.approve(address(pool), assets);
        uint256 shares = pool.deposit(assets, staker);
        vm.stopPrank();
        return shares;
    }

    function _request(address staker, uint256 shares) internal returns (uint256) {
        vm.prank(staker);
        return pool.requestRedeem(shares, staker, staker);
    }

    /// @dev Requests all shares of `staker` and waits for the cooldown.
    function _matured(address staker) internal returns (uint256 requestId) {
        requestId = _request(staker, pool.balanceOf(staker));
        skip(7 days);
    }

    function _claim(address staker, uint256 requestId) internal returns (uint256) {
        uint256 shares = pool.exitRequest(staker, requestId).shares;
        vm.prank(staker);
        return pool.claimExit(staker, requestId, shares, staker);
    }

    function _absorb(uint256 requested) internal returns (uint256) {
        vm.prank(engine);
        return stack.absorb(MARKET, requested, DrawReason.LIQUIDATION);
    }

    function _income(uint256 assets) internal {
        token.mint(address(stack), assets);
        vm.prank(engine);
        stack.receiveIncome(assets, 0);
    }

    function _booked() internal view returns (uint256) {
        return pool.totalAssets() + pool.unvestedIncome();
    }

    /// @dev Nobody joins `tranche` before `from`, by whatever way.
    function _assertNoJoins(BackstopPool tranche, uint256 from) internal {
        assertEq(tranche.joinsFrom(), from);
        assertEq(tranche.maxDeposit(carol), 0);
        assertEq(tranche.maxMint(carol), 0);
        uint256 time = vm.getBlockTimestamp();
        bytes memory refusal = abi.encodeWithSelector(IBackstopPool.JoinsClosed.selector, from);
        token.mint(carol, ONE);
        vm.startPrank(carol);
        token.approve(address(tranche), ONE);
        vm.expectRevert(refusal);
        tranche.deposit(ONE, carol);
        vm.expectRevert(refusal);
        tranche.mint(SHARE, carol);
        vm.expectRevert(refusal);
        tranche.depositWithin(ONE, carol, 0, time);
        vm.expectRevert(refusal);
        tranche.depositWithPermit(ONE, carol, 0, time, 27, 0, 0);
        vm.expectRevert(refusal);
        tranche.mintWithin(SHARE, carol, ONE, time);
        vm.stopPrank();
    }

    /// @dev Budgets that leave only the floor as a limit.
    function _openBudgets() internal {
        stack.setBudgets(10_000, 10_000);
    }
}
