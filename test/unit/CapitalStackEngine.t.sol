// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {CapitalStack} from "../../contracts/CapitalStack.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {Valuation} from "../../contracts/interfaces/IMarginEngine.sol";
import {Deployer} from "../helpers/Deployer.sol";
import {RecoveryBase} from "../helpers/RecoveryBase.t.sol";

/// @notice The real engine over the real stack: what a crash, a run and a flash deposit do to stakers and traders.
contract CapitalStackEngineTest is RecoveryBase {
    CapitalStack private stack;
    IBackstopPool private junior;
    IBackstopPool private senior;
    address private reserve = makeAddr("reserve");
    address private staker = makeAddr("staker");
    address private leaver = makeAddr("leaver");

    /// @dev A reserve of 100,000, 300,000 and 100,000 of stakers; alice is long 200,000 USD of ETH with 11,000 of margin.
    function setUp() public override {
        vm.warp(2_900 * 7 days); // a window begins
        (token, manager, oracle, engine) = Deployer.core(_decimals());
        stack = Deployer.stack(address(token), address(engine), address(manager));
        Deployer.wire(engine, address(stack), address(this), address(manager));
        (junior, senior) = (stack.junior(), stack.senior());
        _stake(junior, reserve, 100_000);
        _stake(senior, staker, 300_000);
        _stake(senior, leaver, 100_000);
        _list(ETH, 2_000e8);
        alice = _account("alice");
        bob = _account("bob");
        keeper = _account("keeper");
        engine.sync(ETH);
        _open(11_000, 1_000_000);
    }

    function _stake(IBackstopPool pool_, address who, uint256 usd) private {
        token.mint(who, usd * 1e6);
        vm.startPrank(who);
        token.approve(address(pool_), usd * 1e6);
        pool_.deposit(usd * 1e6, who);
        vm.stopPrank();
    }

    function _requestAll(IBackstopPool pool_, address who) private {
        uint256 shares = pool_.balanceOf(who);
        vm.prank(who);
        pool_.requestRedeem(shares, who, who);
    }

    /// @return {token} paid for the first request
    function _claimAll(IBackstopPool pool_, address who) private returns (uint256) {
        uint256 shares = pool_.exitRequest(who, 1).shares;
        vm.prank(who);
        return pool_.claimExit(who, 1, shares, who);
    }

    function _wait(uint256 time) private {
        for (uint256 i; i < time / 10 minutes; ++i) {
            _warp(10 minutes);
            engine.sync(ETH);
        }
    }

    /// @dev Matured requests of both tranches see a fall of 12 % and claim in the block of its sync: the gate holds them until the
    /// loss is on the books, and then they have borne it.
    function test_Crash_NobodyWithAMaturedRequestEscapesIt() public {
        _requestAll(senior, leaver);
        _requestAll(junior, reserve);
        _warp(21 days);
        _requestAll(senior, staker); // another one, so that the junior's and a senior's are both in their window
        _warp(1 days);
        engine.sync(ETH);

        _setPrice(ETH, 1_760e8); // alice is at -13,000
        uint256 since = vm.getBlockTimestamp();
        vm.prank(reserve);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.GateClosed.selector, since + 3 days));
        junior.claimExit(reserve, 1, 1, reserve);
        assertEq(junior.maxRedeem(reserve), 0);
        assertEq(senior.maxDeposit(staker), 0);
        uint256 time = senior.poolTime();

        engine.takeover(alice, keeper);
        assertEq(junior.totalAssets(), 87_000e6);
        assertEq(senior.totalAssets(), 400_000e6);
        engine.sync(ETH);
        assertLe(junior.gateEnd(), vm.getBlockTimestamp()); // nobody but the pool is long any more
        assertEq(senior.poolTime(), time);
        (, uint256 edge) = junior.pending(); // of the inventory at the unfavourable price, EMA included
        assertGt(edge, 0);
        assertEq(_claimAll(junior, reserve), 87_000e6 - edge);
        assertEq(token.balanceOf(reserve) + junior.totalAssets(), 87_000e6);
    }

    function test_Gate_OpensWhenTheAverageHasFollowedAndAfterThreeDaysAtTheLatest() public {
        _open(200_000, 1_000_000); // alice can bear it
        _setPrice(ETH, 1_760e8);
        uint256 since = vm.getBlockTimestamp();
        assertEq(senior.gateEnd(), since + 3 days);
        uint256 snapshot = vm.snapshotState();
        _wait(30 minutes);
        assertLe(senior.gateEnd(), vm.getBlockTimestamp());
        assertEq(stack.pending().atRisk, 0);
        vm.revertToState(snapshot);

        uint256 before = senior.poolTime();
        vm.warp(since + 3 days - 1); // nobody syncs
        assertEq(senior.maxDeposit(staker), 0);
        assertEq(senior.poolTime(), before);
        vm.warp(since + 3 days + 1);
        assertGt(junior.maxDeposit(staker), 0);
        assertEq(senior.poolTime(), before + 1);
    }

    /// @dev Four fifths of the stake queue: the next sync lets in less, and nobody who is in becomes liquidatable or has to go.
    function test_Run_TightensCapsForNewRiskAlone() public {
        uint256 cap = engine.markets(ETH).openInterestCap;
        uint256 maintenance = _mm(alice);
        _requestAll(senior, staker);
        _requestAll(senior, leaver);
        vm.warp(vm.getBlockTimestamp() + 60);
        engine.sync(ETH);
        uint256 left = engine.markets(ETH).openInterestCap;
        assertApproxEqAbs(left * 499_998, cap * 99_999, 2 * 499_998); // each tranche without its floor
        assertEq(_mm(alice), maintenance);
        assertGt(_equity(alice), int256(maintenance));
        engine.fill(_fill(ETH, bob, alice, 200_000, 2_000e8)); // out
        assertGt(_equity(alice), int256(_mm(alice)));
        assertGe(engine.health(alice, Valuation.MARK).equity, 0);
    }

    /// @dev Stake that comes for one transaction lifts the cap of a minute, and cannot leave in it.
    function test_FlashDeposit_CannotLeaveAgain() public {
        _stake(junior, reserve, 1_000_000);
        vm.warp(vm.getBlockTimestamp() + 60);
        engine.sync(ETH);
        _requestAll(junior, reserve);
        uint256 earliest = junior.exitRequest(reserve, 1).claimableAt;
        uint256 time = junior.poolTime();
        assertEq(earliest, time + 21 days);
        vm.prank(reserve);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotClaimableYet.selector, time, earliest));
        junior.claimExit(reserve, 1, 1, reserve);
        uint256 cap = engine.markets(ETH).openInterestCap;
        vm.warp(vm.getBlockTimestamp() + 60);
        engine.sync(ETH);
        assertLt(engine.markets(ETH).openInterestCap, cap); // queued stake is none
    }

    /// @dev What the inventory loses and wins back leaves both tranches with what they had.
    function test_Inventory_ThatComesBackRepaysWhoPaidForIt() public {
        stack.setTranches(2_000, 20_000, 2_000);
        _setPrice(ETH, 1_760e8);
        engine.takeover(alice, keeper); // the pool is long 1,000,000 lots at 1,760 now
        uint256 before = stack.totalAssets();
        _wait(1 hours);
        _setPrice(ETH, 1_700e8);
        assertEq(engine.coverInventory(ETH), 6_000 * USD);
        (uint256 byJunior, uint256 bySenior) = stack.inventoryLosses();
        assertEq(byJunior + bySenior, before - stack.totalAssets());
        assertEq(byJunior, 6_000e6);

        _wait(1 hours);
        _setPrice(ETH, 1_760e8);
        _cap(ETH, 1); // closed against bob, at the mark
        engine.deleverage(ETH);
        engine.settle(bob);
        _setPrice(ETH, 1_760e8 - 1);
        uint256 deposit = 1_000_000;
        _deposit(alice, deposit);
        (byJunior, bySenior) = stack.inventoryLosses();
        assertEq(byJunior, 6_000e6); // the last lot is open: nothing is collected
        assertGt(stack.pending().gain, 5_999e6);
    }
}
