// SPDX-License-Identifier: MIT
pragma solidity 0.8.35;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BackstopPool} from "../../../contracts/BackstopPool.sol";
import {ExitRequest, IBackstopPool} from "../../../contracts/interfaces/IBackstopPool.sol";
import {Tally} from "./Tally.sol";
import {World} from "./World.sol";

/// @title StakerActions
/// @notice Stakers come and go, the guardian pauses their pools; strangers send tokens to the contracts.
abstract contract StakerActions is World {
    struct Exit {
        address staker;
        uint256 requestId;
    }

    uint256 private constant PAUSE_TIME = 3 days;
    uint256 private constant PAUSE_REST = 14 days;

    Exit[] internal exits; // open ones

    function stake(uint256 seed) external act(seed) {
        address staker = stakers[_pick(0, STAKERS - 1)];
        uint256 assets = _pickLog(1e12 / unit, _maxStake());
        if (clock < pool.joinsFrom()) {
            _assertJoinsRefused(pool, assets);
            return;
        }
        uint256 most = pool.maxDeposit(staker);
        assets = assets < most ? assets : most;
        if (pool.previewDeposit(assets) == 0) return;
        (uint256 gain, ) = pool.pending();
        mayRise = gain != 0; // who joins pays for it
        uint256 held = pool.balanceOf(staker);

        uint256 shares = _stake(staker, assets);

        assertEq(pool.balanceOf(staker), held + shares, "BP-3: a stake gives the shares it says");
        assertLe(pool.convertToAssets(shares), assets, "BP-2: a stake is worth no more than it cost");
        _count(Tally.STAKED);
    }

    function requestExit(uint256 seed) external act(seed) {
        address staker = stakers[_pick(0, STAKERS - 1)];
        uint256 shares = pool.balanceOf(staker);
        shares = shares < type(uint104).max ? shares : type(uint104).max;
        if (exits.length >= 24 || pool.convertToAssets(shares / 8) == 0) return;
        shares = _pick(shares / 8, shares);

        vm.prank(staker);
        uint256 id = pool.requestRedeem(shares, staker, staker);

        (uint256 cooldown, ) = pool.exitClocks();
        uint256 due = pool.exitRequest(staker, id).claimableAt;
        assertEq(due, clock - stoodStill[pool] + cooldown, "BP-7: a request matures in the pool's time");
        exits.push(Exit(staker, id));
        _count(Tally.EXIT_REQUESTED);
    }

    function cancelExit(uint256 seed) external act(seed) {
        if (exits.length == 0) return;
        (uint256 i, Exit memory exit) = _pickExit();
        uint256 held = pool.balanceOf(exit.staker);

        vm.prank(exit.staker);
        uint256 shares = pool.cancelExit(exit.staker, exit.requestId);

        assertEq(pool.balanceOf(exit.staker), held + shares, "BP-4: a cancelled exit gives its shares back");
        _close(i);
        _count(Tally.EXIT_CANCELLED);
    }

    /// @notice Claims part or all of a request, after waiting for its window if need be; takes a lapsed one back.
    function claimExit(uint256 seed) external act(seed) {
        if (exits.length == 0) return;
        (uint256 i, Exit memory exit) = _pickExit();
        ExitRequest memory request = pool.exitRequest(exit.staker, exit.requestId);
        if (pool.poolTime() > request.lapsesAt) {
            pool.cancelExit(exit.staker, exit.requestId); // anyone may
            _close(i);
            _count(Tally.EXIT_CANCELLED);
            return;
        }
        if (pool.poolTime() < request.claimableAt) {
            if (_pick(0, 1) == 0) return;
            _mature(request.claimableAt);
        }
        if (clock < pool.gateEnd()) {
            if (_pick(0, 1) == 0) return;
            _wait(pool.gateEnd() - clock);
        }
        _claim(i, exit);
    }

    /// @dev Waits until the pool's time is `time`.
    function _mature(uint256 time) private {
        uint256 now_ = pool.poolTime();
        if (now_ >= time) return;
        _wait(_stillFor(pool) + time - now_);
        assertEq(pool.poolTime(), time, "BP-7: a request matures as much later as time stood still");
    }

    /// @dev Part or all of a request that is claimable.
    function _claim(uint256 i, Exit memory exit) private {
        ExitRequest memory request = pool.exitRequest(exit.staker, exit.requestId);
        uint256 claimable = pool.claimableRedeemRequest(exit.requestId, exit.staker);
        assertEq(claimable, request.shares, "BP-7: neither pause nor gate lets a request lapse");
        if (claimable == 0) return; // rescaling has left nothing of it
        uint256 shares = _pick(0, 1) == 0 ? request.shares : _pick(1, request.shares);
        (, uint256 loss) = pool.pending();
        uint256 assetsLeft = pool.totalAssets() > loss ? pool.totalAssets() - loss : 0;
        uint256 value = Math.mulDiv(shares, assetsLeft + 1, pool.totalSupply() + 1e6);
        uint256 cap = (uint256(request.valueCap) * shares) / request.shares;
        uint256 expected = value < cap ? value : cap;
        if (expected == 0) return;
        uint256 held = token.balanceOf(exit.staker);

        mayRise = true; // what the claim forgoes stays with the others
        vm.prank(exit.staker);
        uint256 assets = pool.claimExit(exit.staker, exit.requestId, shares, exit.staker);

        assertEq(assets, expected, "BP-6: a claim pays the lower of the two values");
        assertEq(token.balanceOf(exit.staker), held + assets, "BP-1: a claim pays what it says");
        if (shares == request.shares) _close(i);
        _count(clock < pausedUntil[pool] ? Tally.CLAIMED_WHILE_PAUSED : Tally.EXIT_CLAIMED);
    }

    /* GUARDIAN */

    /// @notice Pauses a tranche if that is allowed again, or lets its pause go on; some of it passes, somebody claims, it ends early.
    function pausePool(uint256 seed) external act(seed) {
        BackstopPool tranche = _pick(0, 2) == 0 ? junior : pool;
        uint256 i; // of a request that matures before the pause
        Exit memory exit;
        if (exits.length != 0) {
            (i, exit) = _pickExit();
            if (_pick(0, 1) == 0) _mature(pool.exitRequest(exit.staker, exit.requestId).claimableAt);
        }
        uint256[] memory claimable = _claimable();
        bool isGateOpen = clock >= pool.gateEnd();

        if (clock >= pausedUntil[tranche]) _pause(tranche);
        if (clock < tranche.joinsFrom()) _assertJoinsRefused(tranche, 1e12 / unit);
        assertEq(_claimable(), claimable, "BP-7: a pause neither matures nor stops a claim");
        if (clock >= pausedUntil[tranche] || _pick(0, 1) == 0) return;
        _wait(_pick(0, pausedUntil[tranche] - clock));
        if (isGateOpen && clock <= pausedUntil[pool]) {
            assertEq(_claimable(), claimable, "BP-7: what is claimable stays so, and nothing else becomes it");
            if (exits.length != 0 && claimable[i] != 0) _claim(i, exit);
        }
        if (clock < pausedUntil[tranche] && _pick(0, 1) == 0) _unpause(tranche);
    }

    function _pause(BackstopPool tranche) private {
        (uint256 end, uint256 earliest) = (pausedUntil[tranche], pausedUntil[tranche] + PAUSE_REST);
        if (clock < earliest) {
            vm.expectRevert(abi.encodeWithSelector(IBackstopPool.PauseTooEarly.selector, clock, earliest));
            tranche.pause();
            vm.expectRevert(abi.encodeWithSelector(IBackstopPool.NotPaused.selector, clock, end));
            tranche.unpause();
            return;
        }
        tranche.pause();

        pausedUntil[tranche] = clock + PAUSE_TIME;
        _assertTime(tranche);
        _count(Tally.POOL_PAUSED);
    }

    function _unpause(BackstopPool tranche) private {
        tranche.unpause();

        pausedUntil[tranche] = clock;
        _assertTime(tranche);
        _count(Tally.POOL_UNPAUSED);
    }

    /// @dev By assets and by shares. Of tokens that are not even a share nothing is said.
    function _assertJoinsRefused(BackstopPool tranche, uint256 assets) private {
        uint256 from = tranche.joinsFrom();
        assertEq(tranche.maxMint(address(this)), 0, "BP-7: nobody joins before it is time");
        bytes memory refusal = abi.encodeWithSelector(IBackstopPool.JoinsClosed.selector, from);
        if (tranche.previewDeposit(assets) != 0) {
            vm.expectRevert(refusal);
            tranche.deposit(assets, address(this));
        }
        vm.expectRevert(refusal);
        tranche.mint(1, address(this));
        _count(Tally.JOIN_REFUSED);
    }

    /// @dev {share} of each open request
    function _claimable() private view returns (uint256[] memory shares) {
        shares = new uint256[](exits.length);
        for (uint256 i; i < shares.length; ++i) {
            shares[i] = pool.claimableRedeemRequest(exits[i].requestId, exits[i].staker);
        }
    }

    /* STRANGERS */

    function donate(uint256 seed) external act(seed) {
        uint256 amount = _pickLog(1, 10_000e12 / unit);
        bool toEngine = _pick(0, 1) == 0;
        token.mint(toEngine ? address(engine) : address(pool), amount);
        if (toEngine) surplus += int256(amount);
        else poolDonations += amount;
        _count(Tally.DONATED);
    }

    /// @dev {token} of one stake
    function _maxStake() internal view virtual returns (uint256) {
        return 5_000e12 / unit;
    }

    /// @notice {share} in open requests
    function queued() external view returns (uint256 shares) {
        for (uint256 i; i < exits.length; ++i) shares += pool.exitRequest(exits[i].staker, exits[i].requestId).shares;
    }

    function _pickExit() private returns (uint256 i, Exit memory exit) {
        i = _pick(0, exits.length - 1);
        exit = exits[i];
        // rather one that has not lapsed
        for (
            uint256 k;
            k < exits.length && pool.poolTime() > pool.exitRequest(exit.staker, exit.requestId).lapsesAt;
            ++k
        ) {
            i = (i + 1) % exits.length;
            exit = exits[i];
        }
    }

    function _close(uint256 i) private {
        exits[i] = exits[exits.length - 1];
        exits.pop();
        mayRise = true;
    }
}
