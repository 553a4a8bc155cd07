// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {DrawReason, ICapitalStack} from "../../contracts/interfaces/ICapitalStack.sol";
import {PoolTest} from "../helpers/PoolTest.sol";

/// @notice A loss that is repaid goes to those who bore it, whatever they have done since.
contract BackstopPoolRecordsTest is PoolTest {
    address private dave = makeAddr("dave");

    function setUp() public override {
        super.setUp();
        _openBudgets();
    }

    /// @dev The engine has lost tokens: the tranches pay, and remember for whom.
    function _lose(uint256 assets) private returns (uint256) {
        vm.prank(engine);
        return stack.absorb(64, assets, DrawReason.ENGINE_DEFICIT);
    }

    function _repay(uint256 assets) private returns (uint256) {
        token.mint(dave, assets);
        vm.prank(dave);
        token.approve(address(stack), assets);
        vm.prank(dave);
        return stack.repay(assets);
    }

    function _stakeJunior(address staker, uint256 assets) private returns (BackstopPool junior) {
        junior = BackstopPool(address(stack.junior()));
        token.mint(staker, assets);
        vm.startPrank(staker);
        token.approve(address(junior), assets);
        junior.deposit(assets, staker);
        vm.stopPrank();
    }

    function test_Take_RecordsALossOfTheEngineAlone() public {
        _stake(alice, 1_000 * ONE);
        _absorb(100 * ONE);
        assertEq(pool.recordedLosses(), 0);
        assertEq(stack.unrepaid(), 0);

        _lose(90 * ONE);
        assertEq(pool.recordedLosses(), 1);
        (uint256 assets, uint256 shares) = pool.recordedLoss(1);
        assertEq(assets, 90 * ONE);
        assertEq(shares, 1_000 * SHARE);
        assertEq(stack.unrepaid(), 90 * ONE);
    }

    function test_Repay_GoesToThoseWhoBoreTheLoss() public {
        _stake(alice, 600 * ONE);
        _stake(bob, 400 * ONE);
        _lose(100 * ONE);
        uint256 bobs = pool.balanceOf(bob);
        vm.prank(bob);
        pool.transfer(carol, bobs); // sells after the loss
        _stake(carol, 5_000 * ONE); // comes after it

        token.mint(dave, 50 * ONE);
        vm.startPrank(dave);
        token.approve(address(stack), 50 * ONE);
        vm.expectEmit(address(stack));
        emit ICapitalStack.LossRepaid(false, 1, 50 * ONE);
        assertEq(stack.repay(50 * ONE), 50 * ONE);
        vm.stopPrank();

        assertEq(stack.repaymentOf(false, 1, alice), 30 * ONE);
        assertEq(stack.repaymentOf(false, 1, bob), 20 * ONE);
        assertEq(stack.repaymentOf(false, 1, carol), 0);
        vm.expectEmit(address(stack));
        emit ICapitalStack.RepaymentPaid(false, 1, bob, 20 * ONE);
        assertEq(stack.payRepayment(false, 1, bob), 20 * ONE);
        assertEq(token.balanceOf(bob), 20 * ONE);
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NothingOwed.selector));
        stack.payRepayment(false, 1, bob);

        _repay(50 * ONE);
        assertEq(stack.payRepayment(false, 1, alice), 60 * ONE);
        assertEq(stack.payRepayment(false, 1, bob), 20 * ONE);
        assertEq(token.balanceOf(address(stack)), 0);
    }

    function test_Repay_ReachesQueuedSharesOfWhoHasLeft() public {
        _stake(alice, 600 * ONE);
        _stake(bob, 400 * ONE);
        uint256 request = _request(bob, 300 * SHARE);
        _lose(100 * ONE);
        skip(7 days);
        _claim(bob, request);
        uint256 rest = _request(bob, 100 * SHARE);
        skip(7 days);
        _claim(bob, rest);
        assertEq(pool.balanceOf(bob), 0);

        _repay(100 * ONE);
        assertEq(stack.repaymentOf(false, 1, bob), 40 * ONE);
        assertEq(stack.repaymentOf(false, 1, alice), 60 * ONE);
        assertEq(stack.repaymentOf(false, 1, address(pool)), 0);
    }

    /// @dev The pool holds what is queued, and is nobody: what it holds is its controllers', once.
    function test_Repay_PaysNothingToThePoolWhileSharesAreQueued() public {
        _stake(alice, 600 * ONE);
        _stake(bob, 400 * ONE);
        _lose(100 * ONE);
        _request(alice, 600 * SHARE);
        _stake(carol, 500 * ONE);
        _request(carol, 100 * SHARE);
        _repay(100 * ONE);
        assertEq(pool.sharesAt(address(pool), 1), 0);
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NothingOwed.selector));
        stack.payRepayment(false, 1, address(pool));
        assertEq(stack.payRepayment(false, 1, alice), 60 * ONE);
        assertEq(stack.payRepayment(false, 1, bob), 40 * ONE);
    }

    /// @dev Who joins after a loss that was recorded when shares had been rescaled already.
    function test_SharesAt_OfANewcomerIsZeroAtAnyScale() public {
        _stake(alice, 1_000_000 * ONE);
        for (uint256 i; i < 30 && pool.rescalings() == 0; ++i) {
            skip(7 days);
            _absorb(type(uint80).max);
            _stake(alice, 1_000_000 * ONE);
        }
        assertGt(pool.rescalings(), 0);
        _lose(ONE);
        _stake(carol, ONE);
        assertEq(pool.sharesAt(carol, 1), 0);
        assertEq(stack.repaymentOf(false, 1, carol), 0);
    }

    function test_Repay_SeniorsFirstAndNotMoreThanWasLost() public {
        BackstopPool junior = _stakeJunior(carol, 101 * ONE);
        _stake(alice, 1_000 * ONE);
        assertEq(_lose(150 * ONE), 150 * ONE); // 100 of the junior one, which keeps one
        assertEq(_repay(20 * ONE), 20 * ONE);
        assertEq(stack.repaymentOf(false, 1, alice), 20 * ONE);
        assertEq(stack.repaymentOf(true, 1, carol), 0);

        assertEq(_repay(1_000 * ONE), 130 * ONE);
        assertEq(stack.repaymentOf(false, 1, alice), 50 * ONE);
        assertEq(stack.repaymentOf(true, 1, carol), 100 * ONE);
        assertEq(stack.unrepaid(), 0);
        assertEq(junior.recordedLosses(), 1);
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.NothingOwed.selector));
        stack.repay(1);
    }

    function test_Repay_OldestLossFirst() public {
        _stake(alice, 1_000 * ONE);
        _lose(10 * ONE);
        skip(7 days);
        _stake(bob, 9_000 * ONE);
        _lose(30 * ONE);
        _repay(25 * ONE);
        assertEq(stack.repaidOf(false, 1), 10 * ONE);
        assertEq(stack.repaidOf(false, 2), 15 * ONE);
        assertEq(stack.repaymentOf(false, 1, bob), 0);
        assertEq(stack.repaymentOf(false, 1, alice), 10 * ONE);
        uint256 bobs = stack.repaymentOf(false, 2, bob);
        assertApproxEqAbs(stack.repaymentOf(false, 2, alice) + bobs, 15 * ONE, 2);
        assertGt(bobs, 13 * ONE);
    }

    function test_SharesAt_OutlivesARescaling() public {
        _stake(alice, 1_000_000 * ONE);
        _stake(bob, 1_000_000 * ONE);
        _lose(ONE);
        vm.prank(alice);
        pool.transfer(bob, 1); // hers are kept now, his too
        uint256 kept = pool.sharesAt(alice, 1);
        for (uint256 i; i < 30 && pool.rescalings() == 0; ++i) {
            skip(7 days);
            _absorb(type(uint80).max);
            _stake(carol, 10_000_000 * ONE);
        }
        assertGt(pool.rescalings(), 0);
        assertEq(kept, 1_000_000 * SHARE);
        assertEq(pool.sharesAt(alice, 1), kept);
        assertEq(pool.sharesAt(bob, 1), kept);
        assertEq(pool.sharesAt(carol, 1), 0);
    }

    function test_RevertWhen_TheTokenDeliversLess() public {
        _stake(alice, 1_000 * ONE);
        _lose(10 * ONE);
        vm.mockCall(
            address(token),
            abi.encodeCall(token.transferFrom, (dave, address(stack), 10 * ONE)),
            abi.encode(true)
        );
        vm.prank(dave);
        vm.expectRevert(abi.encodeWithSelector(ICapitalStack.TokenShort.selector, 0, 10 * ONE));
        stack.repay(10 * ONE);
    }

    /// @dev Whatever people do between records, each record knows what they had then, in their hands and in requests.
    function testFuzz_SharesAt_IsWhatWasHeld(uint256 seed) public {
        address[4] memory people = [alice, bob, carol, dave];
        uint256[4][12] memory held;
        _stake(alice, 1_000 * ONE);
        uint256 records;
        for (uint256 step; step < 48; ++step) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(people[seed % 4], people[(seed >> 8) % 4], (seed >> 16) % 6, seed >> 32);
            if ((seed >> 24) % 4 != 0 || records == 12) continue;
            for (uint256 i; i < 4; ++i) held[records][i] = _sharesOf(people[i]);
            if (_lose(1 + ((seed >> 40) % (pool.bookedAssets() / 20))) != 0) ++records;
        }
        assertEq(pool.recordedLosses(), records);
        assertEq(pool.rescalings(), 0);
        for (uint256 id = 1; id <= records; ++id) {
            uint256 sum;
            for (uint256 i; i < 4; ++i) {
                assertEq(pool.sharesAt(people[i], id), held[id - 1][i]);
                sum += held[id - 1][i];
            }
            (, uint256 shares) = pool.recordedLoss(id);
            assertEq(sum, shares);
        }

        uint256 repaid = _repay(stack.unrepaid() / 2 + 1);
        uint256 paid;
        for (uint256 id = 1; id <= records; ++id) {
            for (uint256 i; i < 4; ++i) {
                uint256 due = stack.repaymentOf(false, id, people[i]);
                if (due != 0) paid += stack.payRepayment(false, id, people[i]);
            }
        }
        assertLe(paid, repaid);
        assertGe(paid + 4 * records, repaid);
        assertEq(token.balanceOf(address(stack)), repaid - paid);
    }

    function _act(address who, address other, uint256 kind, uint256 seed) private {
        uint256 shares = pool.balanceOf(who);
        (uint256 closed, uint256 last) = pool.requestIds(who);
        uint256 id = closed == last ? 0 : closed + 1 + (seed % (last - closed));
        if (kind == 0) {
            _stake(who, ONE + (seed % (100 * ONE)));
        } else if (kind == 1 && shares != 0) {
            vm.prank(who);
            pool.transfer(other, seed % (shares + 1));
        } else if (kind == 2 && shares > SHARE && last - closed < 30) {
            vm.prank(who);
            pool.approve(other, shares);
            if (other == who) return;
            vm.prank(other);
            pool.requestRedeem(SHARE + (seed % (shares - SHARE)), other, who); // for the other one
        } else if (kind == 3 && shares > SHARE && last - closed < 30) {
            _request(who, SHARE + (seed % (shares - SHARE)));
        } else if (id != 0 && pool.exitRequest(who, id).shares != 0) {
            if (kind == 4) {
                vm.prank(who);
                pool.cancelExit(who, id);
                return;
            }
            skip(7 days);
            shares = pool.exitRequest(who, id).shares;
            if (pool.claimableRedeemRequest(id, who) == 0) return;
            vm.prank(who);
            pool.claimExit(who, id, 1 + shares / 2, who);
        }
    }

    function _sharesOf(address who) private view returns (uint256 shares) {
        shares = pool.balanceOf(who);
        (uint256 closed, uint256 last) = pool.requestIds(who);
        for (uint256 id = closed + 1; id <= last; ++id) shares += pool.exitRequest(who, id).shares;
    }
}
