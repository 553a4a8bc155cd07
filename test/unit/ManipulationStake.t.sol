// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {IBackstopPool} from "../../contracts/interfaces/IBackstopPool.sol";
import {ManipulationBase} from "../helpers/ManipulationBase.t.sol";

/// @notice Stake that comes to move a cap, a margin, a premium or a level and means to leave at once. Money is in whole dollars where
/// nothing else is said.
contract ManipulationStakeTest is ManipulationBase {
    address private flash = makeAddr("flash");

    /// @dev As much again as everybody else has staked.
    function _flashIn() private {
        _stake(junior, flash, JUNIOR);
        _stake(senior, flash, SENIOR);
        _minutes(1);
    }

    function _flashOut() private {
        _requestAll(junior, flash);
        _requestAll(senior, flash);
    }

    /// @dev Carol, who has plenty, is long that much of the cap.
    function _carol(uint256 percent) private {
        _deposit(carol, 100_000_000);
        _swap(ETH, carol, maker, (_capOf(ETH) * percent) / 100);
    }

    /// @dev {token} what the others' shares are worth
    function _others() private view returns (uint256) {
        return junior.convertToAssets(junior.balanceOf(reserve)) + senior.convertToAssets(senior.balanceOf(staker));
    }

    /// @dev {token} what is left of the attacker's stake, which he has asked for
    function _queued(IBackstopPool tranche) private view returns (uint256) {
        return tranche.convertToAssets(tranche.exitRequest(flash, 1).shares);
    }

    /* CAP AND MARGIN */

    /// @dev What it buys is the cap of one minute, and less initial margin in it. The tokens are locked for 7 and 21 days.
    function test_FlashStake_LiftsTheCapUntilItIsAskedFor() public {
        _carol(80);
        (uint256 cap, uint256 im) = (_capOf(ETH), _initial(carol));
        _flashIn();
        assertApproxEqRel(_capOf(ETH), 2 * cap, 1e12);
        assertApproxEqRel(im, 26_218_536 * USD, 1e12); // of 29,700,000
        assertApproxEqRel(_initial(carol), 19_176_067 * USD, 1e12); // large as she is, she alone needs more than half
        uint256 time = vm.getBlockTimestamp();
        _flashOut();
        _minutes(1);
        assertEq(_capOf(ETH), cap);
        assertGt(_initial(carol), im); // she is observed by now: level 1

        assertEq(senior.maxRedeem(flash) + junior.maxRedeem(flash), 0);
        _expectLocked(senior, time + 7 days);
        _expectLocked(junior, time + 21 days);
    }

    function _expectLocked(IBackstopPool tranche, uint256 until) private {
        assertEq(tranche.exitRequest(flash, 1).claimableAt, until);
        vm.warp(until - 1);
        vm.prank(flash);
        vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotClaimableYet.selector, until - 1, until));
        tranche.claimExit(flash, 1, 1, flash);
    }

    /// @dev The senior tranche takes no more than four times the junior one: stake for the cap alone is junior stake, which pays first.
    function test_FlashStake_OfTheSeniorTrancheAloneIsRefused() public {
        assertEq(senior.maxDeposit(flash), 0);
        _stake(junior, flash, 1_000_000);
        assertEq(senior.maxDeposit(flash), 4_000_000e6);
    }

    /* THE DRAW */

    /// @dev {token} what the others have lost after a fall of 14.8 % in one answer, with every long of the attacker taken over.
    function _crash() private returns (uint256) {
        uint256 before = _others();
        _warp(60);
        _answer(ETH, 1_704e8);
        engine.sync(ETH);
        for (uint256 i; i < subs.length; i += 2) {
            if (_equity(subs[i]) < 0) engine.takeover(subs[i], keeper);
        }
        assertEq(engine.totalDeficit(), 0);
        return before - _others();
    }

    /// @dev Twice the stake lets in twice the open interest, all of it the attacker's, on both sides. When one side is ruined his own
    /// stake pays for half of it, though it was asked for a minute after it came: the others lose what they would have lost without.
    function test_FlashStake_PaysForWhatItHasLetIn() public {
        uint256 snapshot = vm.snapshotState();
        _wash(ETH, _capOf(ETH), 40);
        _minutes(2);
        uint256 without = _crash();
        int256 gain = _gain();
        assertApproxEqAbs(without, 2_844_437e6, 1e6);
        assertEq(gain, 2_844_283);
        vm.revertToState(snapshot);

        _flashIn();
        _wash(ETH, _capOf(ETH), 80);
        _flashOut();
        _minutes(2);
        assertEq(_level(ETH), 3);
        uint256 with = _crash();
        assertApproxEqRel(with, without, 1e14);
        uint256 lost = (JUNIOR + SENIOR) * 1e6 - _queued(junior) - _queued(senior);
        assertApproxEqAbs(lost, with, 1e6);
        assertEq(_gain(), 5_688_556);
        assertLe(_gain() - int256(lost / 1e6), gain);
        _assertWhole();
    }

    /// @dev He waits until the senior part is out. Until then he pays the premium of a market that is over its cap.
    function test_FlashStake_ThatWaitsForItsCooldownPaysMoreThanItGains() public {
        uint256 snapshot = vm.snapshotState();
        _wash(ETH, _capOf(ETH), 40);
        _minutes(2);
        uint256 without = _crash();
        int256 gain = _gain();
        vm.revertToState(snapshot);

        _flashIn();
        _wash(ETH, _capOf(ETH), 80);
        _flashOut();
        for (uint256 i; i < subs.length; ++i) _put(subs[i], 200_000);
        int256 before = _gain();
        for (uint256 i; i < 7 * 24; ++i) {
            _warp(1 hours);
            _syncAll();
        }
        assertEq(_level(ETH), 3);
        assertEq(_gain() - before, -1_376_301, "a week's premium");
        uint256 shares = senior.exitRequest(flash, 1).shares;
        vm.prank(flash);
        assertEq(senior.claimExit(flash, 1, shares, flash), SENIOR * 1e6);

        for (uint256 i; i < subs.length; ++i) _withdrawFree(subs[i], ETH);
        assertApproxEqAbs(_crash() - without, 844_286e6, 1e6, "what the others lose more");
        uint256 lost = JUNIOR * 1e6 - _queued(junior);
        assertApproxEqAbs(lost, JUNIOR * 1e6, 1e6, "his junior stake had to stay");
        assertEq(_gain() - int256(lost / 1e6), 2_312_281);
        assertEq(gain, 2_844_283, "without any stake");
        _assertWhole();
    }

    /* LEVEL AND PREMIUM */

    /// @dev Coverage of 57 % is level 4. A minute of stake makes it 343 %, which is calm, and the next observation is not.
    function test_FlashStake_DoesNotLowerALevel() public {
        _carol(99);
        _requestAll(senior, staker);
        _minutes(2);
        assertEq(_level(ETH), 4);
        _flashIn();
        assertEq(risk.report(ETH).calmSince, vm.getBlockTimestamp());
        _flashOut();
        _minutes(1);
        assertEq(risk.report(ETH).calmSince, 0);
        _minutes(4 * 60 + 1);
        assertEq(_level(ETH), 4);
    }

    /// @dev Stake that stays lowers it, a step for each dwell: two steps take six hours of calm in every minute.
    function test_FlashStake_ThatStaysLowersALevelAStepADwell() public {
        _carol(99);
        _requestAll(senior, staker);
        _minutes(2);
        _flashIn();
        _minutes(4 * 60 - 1);
        assertEq(_level(ETH), 4);
        _minutes(1);
        assertEq(_level(ETH), 3);
        _minutes(2 * 60);
        assertEq(_level(ETH), 2);
    }

    function test_FlashStake_SavesTheWholeMarketAMinuteOfPremium() public {
        _carol(99);
        _minutes(3);
        int256 before = _equity(carol);
        int256 makers = _equity(maker);
        _minutes(1);
        int256 full = before - _equity(carol) + makers - _equity(maker);
        _flashIn();
        (before, makers) = (_equity(carol), _equity(maker));
        _flashOut();
        _minutes(1);
        int256 saved = full - (before - _equity(carol) + makers - _equity(maker));
        assertApproxEqAbs(full, 54.15e12, 0.01e12);
        assertApproxEqAbs(saved, 46.99e12, 0.01e12);
        (before, makers) = (_equity(carol), _equity(maker));
        _minutes(1);
        assertEq(before - _equity(carol) + makers - _equity(maker), full);
    }
}
