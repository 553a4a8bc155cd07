// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {BackstopPool} from "../../contracts/BackstopPool.sol";
import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {DrawReason} from "../../contracts/interfaces/ICapitalStack.sol";
import {StackTest} from "../helpers/StackTest.sol";

/// @notice Who joins pays for gains that are pending, who leaves leaves his part of losses behind.
contract BackstopPoolTwoPricesTest is StackTest {
    uint256 private constant ALL = type(uint256).max;

    /* JOINING */

    function test_Join_PaysForAPendingGain() public {
        _fill(0, 1_000 * ONE);
        vm.expectEmit(address(pool));
        emit IBackstopPool.PendingSet(250 * ONE, 0, 0);
        _report(MARKET, 250 * ONE, 0, 0);
        (uint256 gain, uint256 loss) = pool.pending();
        assertEq(gain, 250 * ONE);
        assertEq(loss, 0);
        assertEq(pool.totalAssets(), 1_000 * ONE, "a gain is not on the books");
        assertEq(pool.convertToShares(ONE), SHARE);
        // a share costs 1.25; the virtual ones are worth nothing of the gain
        uint256 shares = (100 * ONE * (1_000 * SHARE + VIRTUAL_SHARES)) / (1_250 * ONE + 1);
        assertEq(shares, 80 * SHARE + 15_999);
        assertEq(pool.previewDeposit(100 * ONE), shares);
        assertEq(pool.previewMint(80 * SHARE), 100 * ONE);
        assertEq(_join(pool, carol, 100 * ONE), shares);
        _report(MARKET, 0, 0, 0);
        _earn(250 * ONE, 250 * ONE);
        skip(3 days);
        assertEq(pool.convertToAssets(pool.balanceOf(carol)), 100 * ONE - 1);
        assertEq(pool.convertToAssets(pool.balanceOf(bob)), 1_250 * ONE - 1);
    }

    /// @dev Nobody knows yet who will get it.
    function test_Join_OfEitherTranchePaysForAllOfTheGain() public {
        _fill(400 * ONE, 1_600 * ONE);
        _report(MARKET, 100 * ONE, 0, 0);
        (uint256 juniorGain, ) = juniorPool.pending();
        (uint256 seniorGain, ) = pool.pending();
        assertEq(juniorGain, 100 * ONE);
        assertEq(seniorGain, 100 * ONE);
    }

    function test_Join_PaysForIncomeThatHasNotVested() public {
        _fill(0, 1_000 * ONE);
        _pay(pool, 250 * ONE);
        assertEq(pool.convertToShares(ONE), SHARE);
        assertEq(_join(pool, carol, 100 * ONE), (100 * ONE * (1_000 * SHARE + VIRTUAL_SHARES)) / (1_250 * ONE + 1));
        skip(3 days);
        assertEq(pool.convertToAssets(pool.balanceOf(carol)), 100 * ONE - 1);
    }

    /// @dev One tranche by itself: what is pending comes true in full.
    function testFuzz_Join_NobodyGainsFromAGainPendingWhenHeJoined(
        uint256 booked,
        uint256 gain,
        uint256 assets
    ) public {
        _fill(0, bound(booked, 1, 1e15));
        gain = bound(gain, 0, 1e15);
        assets = bound(assets, 1, 1e15);
        _setPending(pool, gain, 0);
        uint256 before = pool.convertToAssets(pool.balanceOf(bob));
        if (pool.previewDeposit(assets) == 0) return;
        _join(pool, carol, assets);
        _setPending(pool, 0, 0);
        _pay(pool, gain);
        skip(3 days);
        assertLe(pool.convertToAssets(pool.balanceOf(carol)), assets);
        assertGe(pool.convertToAssets(pool.balanceOf(bob)), before);
    }

    /// @dev Both tranches: the gain is pending at a sync, somebody joins either of them, and then it is collected.
    function testFuzz_Join_NobodyGainsFromAGainPendingInBothTranches(
        uint256 below,
        uint256 above,
        uint256 gain,
        uint256 assets,
        bool isJunior
    ) public {
        _fill(bound(below, 0, 1e13), bound(above, 0, 1e13));
        gain = bound(gain, 0, 1e13);
        assets = bound(assets, ONE, 1e13);
        _report(MARKET, gain, 0, 0);
        BackstopPool tranche = isJunior ? juniorPool : pool;
        if (tranche.previewDeposit(assets) == 0) return;
        _join(tranche, carol, assets);
        _report(MARKET, 0, 0, 0);
        _earn(gain, gain);
        skip(3 days);
        assertLe(tranche.convertToAssets(tranche.balanceOf(carol)), assets);
    }

    /// @dev The same with round numbers: 300 are pending, a third of them the senior's, when the senior tranche doubles.
    function test_Join_OfOneTrancheTakesNoGainFromTheOther() public {
        _fill(1_000 * ONE, 1_000 * ONE);
        _assertJoinTakesNoGain(pool);
    }

    /// @dev The junior tranche is empty, all of the 300 are the senior's; who joins the junior then has paid for none of them.
    function test_Join_OfAnEmptyTrancheTakesNoGainFromTheOther() public {
        _fill(0, 1_000 * ONE);
        _assertJoinTakesNoGain(juniorPool);
    }

    /// @dev Carol joins `tranche` while 300 are pending, which then come.
    function _assertJoinTakesNoGain(BackstopPool tranche) private {
        _report(MARKET, 300 * ONE, 0, 0);
        _join(tranche, carol, 1_000 * ONE);
        _report(MARKET, 0, 0, 0);
        _earn(300 * ONE, 300 * ONE);
        skip(3 days);
        assertLe(tranche.convertToAssets(tranche.balanceOf(carol)), 1_000 * ONE, "the newcomer");
    }

    /// @dev Nobody is there whom a newcomer could pay for the gain: what he pays would be the virtual shares'.
    function test_Join_OfAnEmptyStackPaysNobodyForAGain() public {
        _report(MARKET, 300 * ONE, 0, 0);
        _join(pool, carol, 1_000 * ONE);
        _report(MARKET, 0, 0, 0); // it has gone again
        assertGe(pool.convertToAssets(pool.balanceOf(carol)), 1_000 * ONE - 1);
    }

    /* LEAVING */

    function test_Leave_LeavesItsPartOfAPendingLoss() public {
        _fill(0, 1_000 * ONE);
        _join(pool, carol, 1_000 * ONE);
        uint256 requestId = _requestAll(pool, carol);
        skip(7 days);
        _report(MARKET, 0, 500 * ONE, 0);
        assertEq(pool.maxWithdraw(carol), 750 * ONE);
        assertEq(pool.convertToAssets(SHARE), ONE, "books are as they were");
        assertEq(_claimAll(pool, carol, requestId), 750 * ONE);
        _report(MARKET, 0, 0, 0);
        _draw(MARKET, 500 * ONE, DrawReason.LIQUIDATION);
        assertEq(pool.convertToAssets(pool.balanceOf(bob)), 750 * ONE, "as who stayed");
    }

    function test_Leave_LossIsTheJuniorsDownToItsFloor() public {
        _fill(400 * ONE, 1_600 * ONE);
        _report(MARKET, 0, 399 * ONE, 0);
        (, uint256 juniorLoss) = juniorPool.pending();
        (, uint256 seniorLoss) = pool.pending();
        assertEq(juniorLoss, 399 * ONE);
        assertEq(seniorLoss, 0);
        _report(MARKET + 1, 0, 100 * ONE, 0);
        (, juniorLoss) = juniorPool.pending();
        (, seniorLoss) = pool.pending();
        assertEq(juniorLoss, 399 * ONE);
        assertEq(seniorLoss, 100 * ONE);
    }

    /// @dev What was to cost the junior tranche costs the senior one as soon as a draw has used the junior up.
    function test_Leave_LossIsTheSeniorsOnceADrawHasTakenTheJunior() public {
        _fill(400 * ONE, 1_600 * ONE);
        _report(MARKET, 0, 300 * ONE, 0);
        _draw(MARKET, 399 * ONE, DrawReason.LIQUIDATION);
        (, uint256 juniorLoss) = juniorPool.pending();
        (, uint256 seniorLoss) = pool.pending();
        assertEq(juniorLoss, 0);
        assertEq(seniorLoss, 300 * ONE);
    }

    function test_Leave_WithAllLostPaysNothingAndDoesNotBreak() public {
        _fill(10 * ONE, 100 * ONE);
        _requestAll(pool, bob);
        skip(7 days);
        _report(MARKET, 0, ALL, 0);
        assertEq(pool.maxWithdraw(bob), 0);
        assertEq(pool.maxRedeem(bob), 0);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, 100 * SHARE));
        vm.prank(bob);
        pool.redeem(100 * SHARE, bob, bob);
        _report(MARKET, 0, 0, 0);
        assertEq(pool.maxWithdraw(bob), 100 * ONE);
    }

    function testFuzz_Leave_PaysTheValueWithoutThePartOfTheLoss(
        uint256 stays,
        uint256 leaves,
        uint256 income,
        uint256 loss,
        uint256 part
    ) public {
        _fill(0, bound(stays, ONE, 1e15));
        uint256 all = _join(pool, carol, bound(leaves, ONE, 1e15));
        uint256 cap = pool.convertToAssets(all);
        _requestAll(pool, carol);
        _pay(pool, bound(income, 0, 1e14));
        skip(7 days);
        loss = bound(loss, 0, 3e15);
        _setPending(pool, 0, loss);
        uint256 shares = bound(part, 1, all);
        uint256 left = _above(pool.totalAssets(), loss) + 1;
        uint256 expected = _min((shares * left) / (pool.totalSupply() + VIRTUAL_SHARES), (cap * shares) / all);
        assertEq(_redeem(carol, shares), expected);
        assertEq(token.balanceOf(carol), expected);
    }

    /// @dev The loss comes true, with and without the leaver having left before.
    function testFuzz_Leave_WhoStaysIsNotWorseOffThanWithoutHim(
        uint256 stays,
        uint256 leaves,
        uint256 loss,
        uint256 part
    ) public {
        stays = bound(stays, 2 * ONE, 1e15);
        leaves = bound(leaves, ONE, 1e15);
        loss = bound(loss, 0, stays + leaves - ONE);
        _fill(0, stays);
        uint256 shares = _join(pool, carol, leaves);
        _requestAll(pool, carol);
        skip(7 days);
        _setPending(pool, 0, loss);
        uint256 snapshot = vm.snapshotState();
        _lose(loss);
        uint256 without = pool.convertToAssets(pool.balanceOf(bob));
        vm.revertToState(snapshot);
        _redeem(carol, bound(part, 1, shares));
        _lose(_min(loss, pool.bookedAssets() - ONE)); // the floor may be in the way of a part of less than a token
        assertGe(pool.convertToAssets(pool.balanceOf(bob)) + 1, without);
    }

    function _lose(uint256 assets) private {
        vm.prank(address(stack));
        pool.take(assets, false);
    }

    function _redeem(address staker, uint256 shares) private returns (uint256 paid) {
        vm.startPrank(staker);
        try pool.redeem(shares, staker, staker) returns (uint256 assets) {
            paid = assets;
        } catch (bytes memory reason) {
            assertEq(reason, abi.encodeWithSelector(IBackstopPool.ZeroAssets.selector, shares));
        }
        vm.stopPrank();
    }

    /* A LOSS KEEPS JOINERS OUT */

    function test_RevertGiven_LossAboveHalfAHundredthIsPending() public {
        _fill(400_000 * ONE, 1_600_000 * ONE);
        _report(MARKET, 0, 10_000 * ONE, 0);
        _join(pool, carol, 200 * ONE); // at the limit they may
        _report(MARKET, 0, 10_001 * ONE + 1, 0);
        uint256 never = type(uint32).max;
        _assertNoJoins(juniorPool, never);
        _assertNoJoins(pool, never);
        skip(30 days);
        assertEq(pool.maxDeposit(carol), 0, "no time heals it");
        _report(MARKET, 0, 10_001 * ONE, 0);
        _join(pool, carol, ONE);
        _join(juniorPool, carol, ONE);
    }

    function test_RevertGiven_LossIsPendingWhileAPauseBeginsAndEnds() public {
        _fill(0, 1_000 * ONE);
        _report(MARKET, 0, 1_001 * ONE, 0);
        pool.pause();
        assertEq(pool.joinsFrom(), type(uint32).max);
        pool.unpause();
        assertEq(pool.joinsFrom(), type(uint32).max);
        _report(MARKET, 0, 0, 0);
        _join(pool, carol, ONE);
    }

    function testFuzz_JoinsFrom_IsTheEndOfAllTimeAboveTheTolerance(uint256 booked, uint256 loss) public {
        _fill(0, bound(booked, 1, 1e13));
        loss = bound(loss, 0, 1e11);
        _report(MARKET, 0, loss, 0);
        bool isLarge = loss * 200 > pool.bookedAssets() && loss > 1_000 * ONE;
        assertEq(pool.joinsFrom() == type(uint32).max, isLarge);
        assertEq(pool.maxDeposit(carol) == 0, isLarge);
    }

    /* PREVIEWS */

    function testFuzz_Preview_EqualsExecution(
        uint256 booked,
        uint256 income,
        uint256 gain,
        uint256 loss,
        uint256 assets
    ) public {
        booked = bound(booked, ONE, 1e15);
        _fill(0, booked);
        _pay(pool, bound(income, 0, 1e14));
        skip(income % 4 days);
        _setPending(pool, bound(gain, 0, 1e15), bound(loss, 0, booked / 1_000));
        assets = bound(assets, 1, 1e15);
        uint256 shares = pool.previewDeposit(assets);
        if (shares == 0) return;
        uint256 snapshot = vm.snapshotState();
        assertEq(_join(pool, carol, assets), shares);
        assertEq(pool.balanceOf(carol), shares);
        vm.revertToState(snapshot);
        uint256 cost = pool.previewMint(shares);
        assertLe(cost, assets, "as many shares cost no more");
        token.mint(carol, cost);
        vm.startPrank(carol);
        token.approve(address(pool), cost);
        assertEq(pool.mint(shares, carol), cost);
        vm.stopPrank();
        assertEq(token.balanceOf(carol), 0);
        assertEq(pool.balanceOf(carol), shares);
    }

    function testFuzz_MaxDeposit_AndMaxMintAreAccepted(uint256 below, uint256 above, uint256 gain) public {
        stack.setTranches(2_000, 20_000, 0);
        below = bound(below, ONE, 1e15);
        _join(juniorPool, alice, below);
        above = bound(above, 0, _min(pool.maxDeposit(bob), 1e15));
        if (above != 0) _join(pool, bob, above);
        _report(MARKET, bound(gain, 0, 1e15), 0, 0);
        uint256 most = pool.maxDeposit(carol);
        uint256 mostShares = pool.maxMint(carol);
        token.mint(carol, 2 * most);
        vm.startPrank(carol);
        token.approve(address(pool), 2 * most);
        if (mostShares != 0) {
            uint256 snapshot = vm.snapshotState();
            assertLe(pool.mint(mostShares, carol), most);
            vm.revertToState(snapshot);
        }
        if (most != 0) {
            pool.deposit(most, carol);
            assertEq(pool.maxDeposit(carol), 0);
        }
        vm.stopPrank();
    }

    /* NOBODY LOWERS ANOTHER'S VALUE */

    uint256 private entropy;

    function _random(uint256 most) private returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return entropy % (most + 1);
    }

    /// @dev {asset} what the holder of `shares` would be paid for all of them now, were they claimable
    function _valueOf(BackstopPool tranche, uint256 shares) private view returns (uint256) {
        (, uint256 loss) = tranche.pending();
        uint256 rest = _above(tranche.totalAssets(), loss) + 1;
        return (shares * rest) / (tranche.totalSupply() + VIRTUAL_SHARES);
    }

    /// @dev {asset} of shares and requests of a holder, each request at most its cap
    function _redeemable(BackstopPool tranche, address holder) private view returns (uint256 value) {
        value = _valueOf(tranche, tranche.balanceOf(holder));
        (uint256 closed, uint256 last) = tranche.requestIds(holder);
        for (uint256 id = closed + 1; id <= last; ++id) {
            value += _min(
                _valueOf(tranche, tranche.exitRequest(holder, id).shares),
                tranche.exitRequest(holder, id).valueCap
            );
        }
    }

    /// @dev With gains and losses pending, in either tranche; bob and two others only watch, one of them queued.
    function testFuzz_Calls_NeverLowerWhatOthersCanRedeem(uint256 seed) public {
        entropy = seed;
        _fill(1 + _random(1_000 * ONE), ONE + _random(1_000 * ONE));
        address dave = makeAddr("dave");
        _join(juniorPool, bob, 1 + _random(100 * ONE));
        for (uint256 i; i < 2; ++i) {
            BackstopPool tranche = i == 0 ? juniorPool : pool;
            _join(tranche, carol, 1 + _random(500 * ONE));
            _join(tranche, dave, ONE + _random(500 * ONE));
            _requestAll(tranche, dave);
        }
        skip(_random(2 days));
        for (uint256 i; i < 10; ++i) {
            uint256 booked = stack.totalAssets();
            _report(MARKET, _random(1) * _random(booked), _random(1) * _random(booked / (1 + _random(2_000))), 0);
            BackstopPool tranche = _random(1) == 0 ? juniorPool : pool;
            uint256 bobs = _redeemable(juniorPool, bob) + _redeemable(pool, bob);
            uint256 daves = _redeemable(juniorPool, dave) + _redeemable(pool, dave);
            _act(tranche);
            assertGe(_redeemable(juniorPool, bob) + _redeemable(pool, bob), bobs, "of who holds");
            assertGe(_redeemable(juniorPool, dave) + _redeemable(pool, dave), daves, "of who waits");
            for (uint256 k; k < 2; ++k) {
                tranche = k == 0 ? juniorPool : pool;
                uint256 sum = _redeemable(tranche, alice) + _redeemable(tranche, bob);
                sum += _redeemable(tranche, carol) + _redeemable(tranche, dave);
                assertLe(sum, tranche.totalAssets(), "sum of what is redeemable");
            }
            skip(_random(8 days));
            if (_random(3) == 0) _earn(_random(50 * ONE), 0);
        }
    }

    /// @dev Carol joins, requests, cancels or claims, if she can.
    function _act(BackstopPool tranche) private {
        uint256 kind = _random(3);
        (uint256 closed, uint256 last) = tranche.requestIds(carol);
        if (kind == 0) {
            uint256 assets = 1 + _random(1_000 * ONE);
            if (assets <= tranche.maxDeposit(carol) && tranche.previewDeposit(assets) != 0) {
                _join(tranche, carol, assets);
            }
        } else if (kind == 1) {
            uint256 shares = _random(tranche.balanceOf(carol));
            if (tranche.convertToAssets(shares) == 0) return;
            vm.prank(carol);
            tranche.requestRedeem(shares, carol, carol);
        } else if (kind == 2 && last > closed) {
            if (tranche.exitRequest(carol, last).shares == 0) return;
            vm.prank(carol);
            tranche.cancelExit(carol, last);
        } else if (kind == 3) {
            uint256 most = tranche.maxWithdraw(carol);
            if (most == 0) return;
            vm.prank(carol);
            tranche.withdraw(1 + _random(most - 1), carol, carol);
        }
    }

    /* HELPERS */

    function _setPending(BackstopPool tranche, uint256 gain, uint256 loss) private {
        vm.prank(address(stack));
        tranche.setPending(gain, loss, 0, true);
    }

    function _pay(BackstopPool tranche, uint256 assets) private {
        token.mint(address(tranche), assets);
        vm.prank(address(stack));
        tranche.receiveIncome(assets);
    }
}
